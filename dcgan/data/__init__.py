"""Pictures, from wherever they come or drawn here, to batches."""

from dcgan.data.attribution import Attribution
from dcgan.data.drawn_sources import FIRST_HELD_OUT
from dcgan.data.picture_source import AVATARS_PREFIX, PORTRAITS_PREFIX
from dcgan.data.pictures import Pictures, cache_root, epoch_order, load_pictures
from dcgan.data.portraits import BACKGROUNDS, Art, Composer, compose_many, open_art

__all__ = [
    "AVATARS_PREFIX",
    "BACKGROUNDS",
    "FIRST_HELD_OUT",
    "PORTRAITS_PREFIX",
    "Art",
    "Attribution",
    "Composer",
    "Pictures",
    "cache_root",
    "compose_many",
    "epoch_order",
    "load_pictures",
    "open_art",
]

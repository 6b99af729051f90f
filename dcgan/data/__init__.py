"""Pictures, from wherever they come or drawn here, to batches."""

from dcgan.data.attribution import Attribution
from dcgan.data.pictures import Pictures, cache_root, epoch_order, load_pictures
from dcgan.data.portraits import BACKGROUNDS, Art, Composer, compose_many, open_art
from dcgan.data.sources import AVATARS_PREFIX, FIRST_HELD_OUT, PORTRAITS_PREFIX

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

"""Pictures, from wherever they come or drawn here, to batches."""

from dcgan.data.attribution import Attribution
from dcgan.data.drawn_sources import FIRST_HELD_OUT
from dcgan.data.pictures import Pictures, cache_root, epoch_order, load_pictures
from dcgan.data.portraits import Art, Composer, compose_many, open_art
from dcgan.data.report import Report

__all__ = [
    "FIRST_HELD_OUT",
    "Art",
    "Attribution",
    "Composer",
    "Pictures",
    "Report",
    "cache_root",
    "compose_many",
    "epoch_order",
    "load_pictures",
    "open_art",
]

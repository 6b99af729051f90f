"""How good a checkpoint's faces are."""

from dcgan.evaluation.extractors import Extractor, open_extractor
from dcgan.evaluation.metrics import features_of, figures
from dcgan.evaluation.references import held_out_avatars

__all__ = [
    "Extractor",
    "features_of",
    "figures",
    "held_out_avatars",
    "open_extractor",
]

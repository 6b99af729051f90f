"""How good a checkpoint's faces are."""

from dcgan.evaluation.extractors import EfficientNetLite0, Extractor, open_extractor
from dcgan.evaluation.inputs import require_torch_fidelity
from dcgan.evaluation.metrics import compare, features_of, figures
from dcgan.evaluation.references import ReferencePictures, held_out_pictures, pictures_given

__all__ = [
    "EfficientNetLite0",
    "Extractor",
    "ReferencePictures",
    "compare",
    "features_of",
    "figures",
    "held_out_pictures",
    "open_extractor",
    "pictures_given",
    "require_torch_fidelity",
]

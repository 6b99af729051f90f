"""How good a checkpoint's faces are."""

from dcgan.evaluation.attributes import attributes_of
from dcgan.evaluation.directions import find_directions
from dcgan.evaluation.extractors import EfficientNetLite0, Extractor, open_extractor
from dcgan.evaluation.inputs import require_torch_fidelity
from dcgan.evaluation.metrics import compare, features_of, figures, overlap
from dcgan.evaluation.nearest import spread
from dcgan.evaluation.references import ReferencePictures, held_out_pictures, pictures_given
from dcgan.evaluation.report import trained_facts, write_directions

__all__ = [
    "EfficientNetLite0",
    "Extractor",
    "ReferencePictures",
    "attributes_of",
    "compare",
    "features_of",
    "figures",
    "find_directions",
    "held_out_pictures",
    "open_extractor",
    "overlap",
    "pictures_given",
    "require_torch_fidelity",
    "spread",
    "trained_facts",
    "write_directions",
]

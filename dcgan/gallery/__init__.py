"""What a visitor can have, without Gradio: pictures, walks, files, links, and the checkpoints to choose from."""

from dcgan.gallery.bounds import NAME, SEED, SEPARATORS, Choice, Faces, Number
from dcgan.gallery.catalog import open_catalog
from dcgan.gallery.catalog_protocol import Catalog
from dcgan.gallery.export import Exported
from dcgan.gallery.finding import Found
from dcgan.gallery.local_catalog import LocalCatalog
from dcgan.gallery.looking import Look
from dcgan.gallery.renderer import MAX_MEGABYTES, MEGABYTE, STILL_FACTORS, Face, Renderer, of_one_face
from dcgan.gallery.spec import (
    COUNT,
    FORMAT,
    FPS,
    FRAMES,
    GRID,
    KEYFRAMES,
    LIMIT,
    METHOD,
    MODE,
    PSI,
    SCALING,
    SIZE,
    PictureSpec,
    from_file,
    from_metadata,
    from_query,
    refuse_long_query,
    to_metadata,
    to_query,
    too_long_for_a_link,
)
from dcgan.gallery.studio import Studio

__all__ = [
    "COUNT",
    "FORMAT",
    "FPS",
    "FRAMES",
    "GRID",
    "KEYFRAMES",
    "LIMIT",
    "MAX_MEGABYTES",
    "MEGABYTE",
    "METHOD",
    "MODE",
    "NAME",
    "PSI",
    "SCALING",
    "SEED",
    "SEPARATORS",
    "SIZE",
    "STILL_FACTORS",
    "Catalog",
    "Choice",
    "Exported",
    "Face",
    "Faces",
    "Found",
    "LocalCatalog",
    "Look",
    "Number",
    "PictureSpec",
    "Renderer",
    "Studio",
    "from_file",
    "from_metadata",
    "from_query",
    "of_one_face",
    "open_catalog",
    "refuse_long_query",
    "to_metadata",
    "to_query",
    "too_long_for_a_link",
]

"""What a visitor can have, without Gradio: pictures, walks, files, links, and the checkpoints to choose from."""

from dcgan.gallery.bounds import Choice, NAME, Number, SEED
from dcgan.gallery.catalog import open_catalog
from dcgan.gallery.catalog_protocol import Catalog
from dcgan.gallery.export import Exported
from dcgan.gallery.local_catalog import LocalCatalog
from dcgan.gallery.renderer import Face, MAX_MEGABYTES, MEGABYTE, Renderer, SHOWN_LARGE, STILL_FACTORS, of_one_face
from dcgan.gallery.spec import COUNT, FORMAT, FPS, FRAMES, GRID, KEYFRAMES, LIMIT, METHOD, MODE, PSI, PictureSpec, SIZE, from_file, from_metadata, from_query, to_metadata, to_query

__all__ = [
    "COUNT",
    "Catalog",
    "Choice",
    "Exported",
    "FORMAT",
    "FPS",
    "FRAMES",
    "Face",
    "GRID",
    "KEYFRAMES",
    "LIMIT",
    "LocalCatalog",
    "MAX_MEGABYTES",
    "MEGABYTE",
    "METHOD",
    "MODE",
    "NAME",
    "Number",
    "PSI",
    "PictureSpec",
    "Renderer",
    "SEED",
    "SHOWN_LARGE",
    "SIZE",
    "STILL_FACTORS",
    "from_file",
    "from_metadata",
    "from_query",
    "of_one_face",
    "open_catalog",
    "to_metadata",
    "to_query",
]

"""Pages of Gradio with nothing of ours in them, which ours is held against.

python -m benchmarks.bare_pages empty --port 7870        nothing on it
python -m benchmarks.bare_pages pictures --port 7870     a button that shows 16 pictures that lie ready
"""

from __future__ import annotations

import itertools
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
import gradio as gr
import numpy as np
import torch  # noqa: F401 (which ours imports, too)

from dcgan.cli import DONE, Parser, command
from dcgan.images import save_png

PICTURES, SIDE = 16, 96


def empty_page() -> gr.Blocks:
    """Make a page with nothing on it."""
    page = gr.Blocks()
    with page:
        pass
    return page


def page_of_pictures(folder: Path) -> gr.Blocks:
    """Make a page with a button that shows one of two rows of PNGs that lie in `folder`, in turns."""
    rng = np.random.default_rng(0)
    paths = []
    for number in range(2 * PICTURES):
        tile = rng.integers(0, 256, (SIDE // 8, SIDE // 8, 3), np.uint8)
        save_png(tile.repeat(8, axis=0).repeat(8, axis=1), path := folder / f"{number}.png")
        paths.append(str(path))
    rows = itertools.cycle([paths[:PICTURES], paths[PICTURES:]])
    page = gr.Blocks()
    with page:
        button = gr.Button("show", elem_id="generate")
        gallery = gr.Gallery(format="png", columns=8, height="max-content", allow_preview=False, elem_id="gallery")
        button.click(lambda: next(rows), None, gallery)
    return page


@command
def main(argv: Sequence[str] | None = None) -> int:
    parser = Parser(prog="python -m benchmarks.bare_pages", description=__doc__.partition("\n")[0])
    parser.add_argument("page", choices=("empty", "pictures"))
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        page = empty_page() if options.page == "empty" else page_of_pictures(Path(folder))
        page.launch(server_name=options.host, server_port=options.port, allowed_paths=[folder], quiet=True)
    return DONE


if __name__ == "__main__":
    sys.exit(main())

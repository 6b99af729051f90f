"""The faces in the page's document, seen until Gradio's scripts have come and the gallery shows the same ones."""

from __future__ import annotations

import base64
import io
from contextlib import suppress
from threading import Lock, Thread

import numpy as np
from PIL import Image

from dcgan.errors import InputError
from dcgan.gallery import COUNT, PSI, Catalog
from dcgan.latents import seeds_from
from dcgan.sampling import faces

QUALITY = 70  # of 100, for pictures that are seen for a second or two: 1 to 2 kB each

# Gone as soon as the gallery has a picture (faces.js) or something has to be said, and after 20 s, should neither come
STYLE = """
#first-faces { position: fixed; inset: 0; z-index: 100; pointer-events: none; background: var(--bg);
  display: grid; grid-template-columns: repeat(4, min(22vw, 18vh)); gap: 6px; place-content: center;
  animation: first-faces 1s 20s forwards; }
#first-faces img { width: 100%; border-radius: 6px; }
@media (prefers-color-scheme: dark) { #first-faces { background: var(--bg-dark); } }
:root:has([role=alert]) #first-faces { display: none; }
@keyframes first-faces { to { visibility: hidden; opacity: 0; } }
"""


class FirstFaces:
    """Draws the gallery's first faces beside the first visit: who comes next finds them in the document."""

    def __init__(self, catalog: Catalog):
        self.catalog = catalog
        self._commit, self._html = "", ""
        self._drawing = Lock()

    def __call__(self) -> str:
        """Write the faces as HTML, as they were last drawn; "" before that."""
        if not self._drawing.locked():
            Thread(target=self._draw_what_is_new, daemon=True).start()
        return self._html

    def _draw_what_is_new(self) -> None:
        with self._drawing, suppress(InputError):
            commit = self.catalog.commit()
            if commit != self._commit:
                drawn = faces(self.catalog.generator(), seeds_from(0, COUNT.default), PSI.default)
                self._html, self._commit = html_of(drawn), commit


def html_of(pixels: np.ndarray) -> str:
    """Write faces `(N, S, S, 3)`, uint8, with all that they need to be seen."""
    pictures = "".join(f'<img src="data:image/webp;base64,{_webp(face)}" alt="">' for face in pixels)
    return f'<style>{STYLE}</style><div id="first-faces" aria-hidden="true">{pictures}</div>'


def _webp(face: np.ndarray) -> str:
    file = io.BytesIO()
    Image.fromarray(face).save(file, "WEBP", quality=QUALITY)
    return base64.b64encode(file.getvalue()).decode()

"""Which checkpoint draws: a picture of each style to press. Snapshots are hidden by page.css, but for a chosen one."""

from __future__ import annotations

import json
from typing import Any

import gradio as gr
import numpy as np

from dcgan.gallery import Catalog
from dcgan.layout import LATEST_NAME
from dcgan.ui.frames import picture_url
from dcgan.ui.texts import i18n

SHEET_GAP = 2  # of a sheet of samples, before its first face


def style_picker(catalog: Catalog) -> gr.Radio:
    """Make the picker, with its pictures beside it."""
    gr.HTML(f"<style>{pictures_of(catalog)}</style>", elem_id="style-pictures", apply_default_css=False)
    return gr.Radio(label=i18n("checkpoint"), elem_id="checkpoint", **picked(catalog, catalog.default))


def picked(catalog: Catalog, name: str) -> dict[str, Any]:
    """Give what the picker is like while a checkpoint is chosen; it isn't there where there is nothing to choose."""
    is_offered = len(styles_in(catalog)) > 1 or name not in styles_in(catalog)
    return {"choices": catalog.names, "value": name, "visible": is_offered}


def styles_in(catalog: Catalog) -> list[str]:
    """Name what models there are: each by its own generator."""
    return [name for name in catalog.names if catalog.of(name).default == name]


def pictures_of(catalog: Catalog) -> str:
    """Write the CSS that puts a face on the button of each style that came with samples."""
    rules = []
    for name in styles_in(catalog):
        face = _first_face(catalog.of(name))
        if face is not None:
            button = f"#checkpoint label[data-testid={json.dumps(f'{name}-radio-label').replace('<', '')}]"
            picture = f"--face: url({picture_url(face)})"
            rules.append(f"{button} {{ {picture}; width: 48px; height: 48px; }} {button} > * {{ opacity: 0; }}")
    return "\n".join(rules)


def _first_face(catalog: Catalog) -> np.ndarray | None:
    sheet, size = catalog.picture(LATEST_NAME), catalog.generator().image_size
    if sheet is None or min(sheet.shape[:2]) < size + SHEET_GAP:
        return None
    return sheet[SHEET_GAP : SHEET_GAP + size, SHEET_GAP : SHEET_GAP + size]

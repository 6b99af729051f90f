"""The settings of a walk: a control for each, by the name that links, files and the API know it under."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.components import Component

from dcgan.gallery import FORMAT, FPS, FRAMES, GRID, LIMIT, MAX_MEGABYTES, METHOD, MODE, SIZE, PictureSpec
from dcgan.ui.requests import NO_LIMIT
from dcgan.ui.texts import i18n

SIZES = (96, 192, 384, 768)


def main_settings() -> dict[str, Component]:
    """Lay out the settings that are always in sight where this is called."""
    with gr.Row(elem_id="walk-time"):
        time = {
            "frames": _slider("frames", FRAMES.low, FRAMES.high, FRAMES.default),
            "fps": _slider("fps", FPS.low, FPS.high, FPS.default),
        }
    return time | {
        "format": gr.Radio(list(FORMAT.options), value=FORMAT.default, label=i18n("format"), elem_id="format"),
    }


def more_settings() -> dict[str, Component]:
    """Lay out, folded, the settings of those who look for them."""
    with gr.Accordion(i18n("more"), open=False, elem_id="walk-more"):
        return {
            "mode": gr.Radio(_named(MODE.options), value=MODE.default, label=i18n("mode"), elem_id="mode"),
            "size": gr.Radio(list(SIZES), value=SIZE.default, label=i18n("size"), elem_id="size"),
            "limit": gr.Radio(_limits(), value=NO_LIMIT, label=i18n("limit"), elem_id="limit"),
            "method": gr.Radio(_named(METHOD.options), value=METHOD.default, label=i18n("method"), elem_id="method"),
            "grid": gr.Radio(
                list(GRID.options), value=GRID.default, label=i18n("grid"), info=i18n("grid-info"), elem_id="grid"
            ),
        }


def setting_values(spec: PictureSpec) -> dict[str, Any]:
    """Give what the controls show for a walk, by name; of its size the nearest smaller one that can be chosen."""
    names = ("mode", "frames", "fps", "format", "method", "grid", "psi")
    size = max(size for size in SIZES if size <= spec.size)
    return {name: getattr(spec, name) for name in names} | {"size": size, "limit": spec.limit or NO_LIMIT}


def _slider(name: str, low: float, high: float, value: float, **options: Any) -> gr.Slider:
    return gr.Slider(low, high, value, step=1, label=i18n(name), elem_id=name, **options)


def _limits() -> list[tuple[str, int]]:
    return [*((f"{limit} MB", limit) for limit in LIMIT.options if limit), (f"{MAX_MEGABYTES} MB", NO_LIMIT)]


def _named(options: tuple[Any, ...]) -> list[tuple[Any, Any]]:
    return [(i18n(option), option) for option in options]

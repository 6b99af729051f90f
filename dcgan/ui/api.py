"""The endpoints of the API: plain values in and out, each with a default."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import gradio as gr
from gradio.components import Component

from dcgan.errors import InputError
from dcgan.gallery import FORMAT, PictureSpec, Renderer
from dcgan.latents import SEEDS
from dcgan.ui.captions import captioned
from dcgan.ui.inputs import keyframes
from dcgan.ui.requests import NO_LIMIT, draw_faces, faces_request, walk_spec

T = TypeVar("T")


class Api:
    """What a client can call. Bad values are refused with a sentence that says what would work."""

    def __init__(self, renderer: Renderer):
        self.renderer = renderer

    def generate(
        self,
        seed: int = 0,
        count: int = 16,
        randomize: bool = False,
        checkpoint: str | None = None,
        psi: float = 1.0,
        best_of: int = 1,
    ) -> tuple[list[tuple[Any, str]], int]:
        """Draw faces from consecutive seeds, or the best of them.

        Args:
            seed: the first face's seed, 0 to 2147483647; a fraction is rounded.
            count: how many faces, 1 to 64.
            randomize: draw the first seed by chance instead.
            checkpoint: one of /list_checkpoints; the first of them by default.
            psi: truncation, 0.3 to 1.2: below 1 faces come nearer to the average one, above 1 they get stranger.
            best_of: 1 to 16; above 1 so many times as many faces are drawn, and those kept that the discriminator
                takes for real most, the most convincing first.

        Returns:
            The faces as PNGs, captioned with their seeds, and the first seed.
        """
        first = random.randrange(SEEDS) if randomize else seed
        request = _answered(faces_request, seed=first, count=count, checkpoint=checkpoint, psi=psi, best_of=best_of)
        _, faces = _answered(draw_faces, self.renderer, request)
        return captioned(faces), request.spec.seed

    def avatar(self, seed: int = 0, checkpoint: str | None = None, psi: float = 1.0) -> str:
        """Draw one face.

        Args:
            seed: the face's seed, 0 to 2147483647; a fraction is rounded.
            checkpoint: one of /list_checkpoints; the first of them by default.
            psi: truncation, 0.3 to 1.2.

        Returns:
            A PNG of exactly the checkpoint's image size.
        """
        request = _answered(faces_request, seed=seed, checkpoint=checkpoint, psi=psi)
        _, [face] = _answered(draw_faces, self.renderer, request)
        return str(face.path)

    def interpolate(
        self,
        seeds: str = "7, 42",
        frames: int = 48,
        format: str = "GIF",
        size: int = 384,
        checkpoint: str | None = None,
        fps: int = 20,
        mode: str = "loop",
        method: str = "slerp",
        grid: int = 1,
        psi: float = 1.0,
        limit: int = 0,
    ) -> str:
        """Walk from face to face at a constant visible speed, as one animated file that says what it was made from.

        Args:
            seeds: two to twelve seeds, as in "7, 42".
            frames: frames in the whole file, 8 to 240.
            format: GIF, WebP or MP4.
            size: pixels a side, 96 to 768; the largest whole multiple of the picture within it, or the picture's own.
            checkpoint: one of /list_checkpoints; the first of them by default.
            fps: frames a second, 1 to 50.
            mode: loop (back to the first face), ping-pong (there and back) or open (ends on the last face).
            method: slerp (along the sphere) or linear.
            grid: 1, 4, 9 or 16 walks side by side, each from the seeds after those of the one before.
            psi: truncation, 0.3 to 1.2.
            limit: megabytes that the file must fit in, 2, 5 or 10; 0 for no limit but 20.

        Returns:
            The file.
        """
        settings = {"frames": frames, "fps": fps, "mode": mode, "method": method, "grid": grid, "psi": psi}
        settings |= {"format": format, "size": size, "limit": limit}
        spec = _answered(walk_spec, seeds=_answered(keyframes, seeds), checkpoint=checkpoint, **settings)
        _, file = _answered(self.renderer.walk, spec)
        return str(file.path)

    def list_checkpoints(self) -> list[str]:
        """Name the checkpoints that can be chosen, best first."""
        return self.renderer.catalog.names


def endpoints(api: Api) -> None:
    """Make the endpoints known to Gradio, apart from the page's controls.

    Those would check a checkpoint against the ones of when the app started. Only an event with an output component
    serves files to clients.
    """
    trigger = gr.Button(visible=False)
    shared: dict[str, Component] = {"seed": _number(0), "checkpoint": _text(""), "psi": _number(1)}
    of_many = {"count": _number(16), "randomize": gr.Checkbox(False, visible=False), "best_of": _number(1)}
    gallery = gr.Gallery(format="png", visible=False)
    at_once: dict[str, Any] = {"concurrency_limit": 4, "concurrency_id": "faces"}
    inputs, outputs = _in_order_of(api.generate, shared | of_many), [gallery, shared["seed"]]
    trigger.click(api.generate, inputs, outputs, api_name="generate", **at_once)
    face = gr.Image(format="png", type="filepath", visible=False)
    trigger.click(api.avatar, _in_order_of(api.avatar, shared), face, api_name="avatar", **at_once)
    inputs = _in_order_of(api.interpolate, shared | _walk_inputs())
    at_once = {"concurrency_limit": 2, "concurrency_id": "walks"}
    trigger.click(api.interpolate, inputs, gr.File(visible=False), api_name="interpolate", **at_once)
    gr.events.api(api.list_checkpoints, api_name="list_checkpoints")


def _walk_inputs() -> dict[str, Component]:
    defaults = PictureSpec("walk")
    return {
        "seeds": _text("7, 42"),
        "frames": _number(defaults.frames),
        "fps": _number(defaults.fps),
        "mode": _text(defaults.mode),
        "method": _text(defaults.method),
        "grid": _number(defaults.grid),
        "format": gr.Radio(list(FORMAT.options), value="GIF", visible=False),
        "size": _number(defaults.size),
        "limit": _number(NO_LIMIT),
    }


def _in_order_of(function: Callable[..., Any], inputs: Mapping[str, Component]) -> list[Component]:
    """Give the components as Gradio wants them: in the order of the function's arguments."""
    return [inputs[name] for name in inspect.signature(function).parameters]


def _number(value: float) -> gr.Number:
    return gr.Number(value, visible=False)


def _text(value: str) -> gr.Textbox:
    return gr.Textbox(value, visible=False)


def _answered(function: Callable[..., T], *arguments: Any, **named: Any) -> T:
    """Call a function; what it refuses is what the client is told."""
    try:
        return function(*arguments, **named)
    except InputError as error:
        raise gr.Error(str(error), print_exception=False) from None

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
from dcgan.ui.requests import (
    NO_LIMIT,
    added_up_face,
    draw_faces,
    faces_request,
    mixed_face,
    steered_face,
    varied_faces,
    walk_spec,
)

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

    def avatar(self, seed: int = 0, checkpoint: str | None = None, psi: float = 1.0, face: str = "") -> str:
        """Draw one face.

        Args:
            seed: the face's seed, 0 to 2147483647; a fraction is rounded.
            checkpoint: one of /list_checkpoints; the first of them by default.
            psi: truncation, 0.3 to 1.2.
            face: an expression in place of the seed, as "7:42@0.35", "7-12+42" or "7~hair_hue=1.2".

        Returns:
            A PNG of exactly the checkpoint's image size.
        """
        request = _answered(faces_request, seed=seed, checkpoint=checkpoint, psi=psi, face=face)
        _, [drawn] = _answered(draw_faces, self.renderer, request)
        return str(drawn.path)

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
        scaling: str = "pixels",
    ) -> str:
        """Walk from face to face at a constant visible speed, as one animated file that says what it was made from.

        Args:
            seeds: two to twelve seeds or expressions, as in "7, 42" or "7, 7:42@0.35".
            frames: frames in the whole file, 8 to 240.
            format: GIF, WebP or MP4.
            size: pixels a side, 96 to 768, or the picture's own if that is larger.
            checkpoint: one of /list_checkpoints; the first of them by default.
            fps: frames a second, 1 to 50.
            mode: loop (back to the first face), ping-pong (there and back) or open (ends on the last face).
            method: slerp (along the sphere) or linear.
            grid: 1, 4, 9 or 16 walks side by side, each from the seeds after those of the one before; seeds only.
            psi: truncation, 0.3 to 1.2.
            limit: megabytes that the file must fit in, 2, 5 or 10; 0 for no limit but 20.
            scaling: pixels (sharp, a whole multiple of the picture within the size) or smooth (just the size).

        Returns:
            The file.
        """
        settings = {"frames": frames, "fps": fps, "mode": mode, "method": method, "grid": grid, "psi": psi}
        settings |= {"format": format, "size": size, "limit": limit, "scaling": scaling}
        spec = _answered(walk_spec, seeds=_answered(keyframes, seeds), checkpoint=checkpoint, **settings)
        _, file = _answered(self.renderer.walk, spec)
        return str(file.path)

    def variations(
        self, face: str = "7", count: int = 9, amount: float = 0.2, checkpoint: str | None = None, seed: int = 0
    ) -> tuple[list[tuple[Any, str]], list[str]]:
        """Draw faces that are like one.

        Args:
            face: a seed or an expression.
            count: how many, 1 to 64.
            amount: how far each goes to another face, 0.01 to 1.
            checkpoint: one of /list_checkpoints; the first of them by default.
            seed: the same seed gives the same variations; another one gives others.

        Returns:
            The faces as PNGs, and their expressions.
        """
        asked = {"face": face, "count": count, "amount": amount, "checkpoint": checkpoint, "seed": seed}
        spec = _answered(varied_faces, self.renderer, **asked)
        _, faces = _answered(self.renderer.faces, spec)
        return captioned(faces), [str(each.expression) for each in faces]

    def mix(self, a: str = "7", b: str = "42", t: float = 0.5, checkpoint: str | None = None) -> tuple[str, str]:
        """Draw the face between two.

        Args:
            a: a seed or an expression.
            b: a seed or an expression.
            t: how far it goes from the one to the other, 0 to 1.
            checkpoint: one of /list_checkpoints; the first of them by default.

        Returns:
            The face as a PNG, and its expression.
        """
        return self._drawn(mixed_face, a=a, b=b, t=t, checkpoint=checkpoint)

    def steer(
        self, face: str = "7", direction: str = "", amount: float = 1.0, checkpoint: str | None = None
    ) -> tuple[str, str]:
        """Draw a face with more or less of what one of the checkpoint's directions measures.

        Args:
            face: a seed or an expression.
            direction: the direction's name; a wrong one is answered with those there are.
            amount: how many standard deviations, -5 to 5.
            checkpoint: one of /list_checkpoints; the first of them by default.

        Returns:
            The face as a PNG, and its expression.
        """
        return self._drawn(steered_face, face=face, direction=direction, amount=amount, checkpoint=checkpoint)

    def arithmetic(
        self, a: str = "7", minus: str = "12", plus: str = "42", checkpoint: str | None = None
    ) -> tuple[str, str]:
        """Draw the face of a sum of latents: one face, without what is in another, with what is in a third.

        Args:
            a: a seed or an expression.
            minus: a seed or an expression.
            plus: a seed or an expression.
            checkpoint: one of /list_checkpoints; the first of them by default.

        Returns:
            The face as a PNG, and its expression.
        """
        return self._drawn(added_up_face, a=a, minus=minus, plus=plus, checkpoint=checkpoint)

    def _drawn(self, make: Callable[..., PictureSpec], **asked: Any) -> tuple[str, str]:
        _, [face] = _answered(self.renderer.faces, _answered(make, self.renderer, **asked))
        return str(face.path), str(face.expression)

    def list_checkpoints(self) -> list[str]:
        """Name the checkpoints that can be chosen, best first."""
        return self.renderer.catalog.names


def endpoints(api: Api) -> None:
    """Make the endpoints known to Gradio, apart from the page's controls.

    Those would check a checkpoint against the ones of when the app started. Only an event with an output component
    serves files to clients.
    """
    trigger = gr.Button(visible=False)
    seed = gr.Number(0, label="the first seed", visible=False)
    shared: dict[str, Component] = {"seed": seed, "checkpoint": _text(""), "psi": _number(1)}
    of_many = {"count": _number(16), "randomize": gr.Checkbox(False, visible=False), "best_of": _number(1)}
    at_once: dict[str, Any] = {"concurrency_limit": 4, "concurrency_id": "faces"}
    inputs = _in_order_of(api.generate, shared | of_many)
    trigger.click(api.generate, inputs, [_gallery(), seed], api_name="generate", **at_once)
    inputs = _in_order_of(api.avatar, shared | {"face": _text("")})
    trigger.click(api.avatar, inputs, _picture(), api_name="avatar", **at_once)
    _studio_endpoints(api, trigger, shared, at_once)
    inputs = _in_order_of(api.interpolate, shared | _walk_inputs())
    walks: dict[str, Any] = {"concurrency_limit": 2, "concurrency_id": "walks"}
    file = gr.File(label="the walk, a GIF, WebP or MP4", visible=False)
    trigger.click(api.interpolate, inputs, file, api_name="interpolate", **walks)
    gr.events.api(api.list_checkpoints, api_name="list_checkpoints")


def _studio_endpoints(api: Api, trigger: gr.Button, shared: dict[str, Component], at_once: dict[str, Any]) -> None:
    """Make the endpoints of faces out of faces known to Gradio."""
    expressions = gr.JSON(label="the faces' expressions, in their order", visible=False)
    of_many = {"face": _text("7"), "count": _number(9), "amount": _number(0.2)}
    inputs = _in_order_of(api.variations, shared | of_many)
    trigger.click(api.variations, inputs, [_gallery(), expressions], api_name="variations", **at_once)
    of_one: dict[str, dict[str, Component]] = {
        "mix": {"a": _text("7"), "b": _text("42"), "t": _number(0.5)},
        "steer": {"face": _text("7"), "direction": _text(""), "amount": _number(1)},
        "arithmetic": {"a": _text("7"), "minus": _text("12"), "plus": _text("42")},
    }
    for name, inputs_by_name in of_one.items():
        function, expression = getattr(api, name), gr.Textbox(label="the face's expression", visible=False)
        inputs = _in_order_of(function, shared | inputs_by_name)
        trigger.click(function, inputs, [_picture(), expression], api_name=name, **at_once)


def _gallery() -> gr.Gallery:
    return gr.Gallery(label="the faces as PNGs, with their seeds or expressions", format="png", visible=False)


def _picture() -> gr.Image:
    return gr.Image(label="the face, a PNG", format="png", type="filepath", visible=False)


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
        "scaling": _text(defaults.scaling),
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

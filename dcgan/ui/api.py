"""The endpoints of the API: plain values in and out, each with a default."""

from __future__ import annotations

import random
from typing import Any

import gradio as gr

from dcgan.errors import InputError
from dcgan.gallery import FORMAT, Recipe, Studio
from dcgan.latents import SEEDS
from dcgan.ui import generate as generating
from dcgan.ui import walk as walking
from dcgan.ui.inputs import keyframes


class Api:
    """What a client can call. Bad values are refused with a sentence that says what would work."""

    def __init__(self, studio: Studio):
        self.studio = studio

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
                takes for real most, the most believed first.

        Returns:
            The faces as PNGs, captioned with seed and, where they were chosen, belief; and the first seed.
        """
        first = random.randrange(SEEDS) if randomize else seed
        recipe, chosen = _answered(generating.wished, first, count, checkpoint, psi, best_of)
        _, faces = _answered(generating.draw, self.studio, recipe, chosen)
        return generating.captioned(faces), recipe.seed

    def avatar(self, seed: int = 0, checkpoint: str | None = None, psi: float = 1.0) -> str:
        """Draw one face.

        Args:
            seed: the face's seed, 0 to 2147483647; a fraction is rounded.
            checkpoint: one of /list_checkpoints; the first of them by default.
            psi: truncation, 0.3 to 1.2.

        Returns:
            A PNG of exactly the checkpoint's image size.
        """
        recipe, _ = _answered(generating.wished, seed, 1, checkpoint, psi, 1)
        _, [face] = _answered(self.studio.faces, recipe)
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
        """Walk from face to face at a constant visible speed, as one animated file that carries its recipe.

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
        chosen = _answered(keyframes, seeds)
        recipe = _answered(
            walking.wished, chosen, checkpoint, frames, fps, mode, method, grid, psi, format, size, limit
        )
        _, file = _answered(self.studio.walk, recipe)
        return str(file.path)

    def list_checkpoints(self) -> list[str]:
        """Name the checkpoints that can be chosen, best first."""
        return self.studio.library.names


def endpoints(api: Api) -> None:
    """Make them known to Gradio, apart from the page's controls.

    Those would check a checkpoint against the ones of when the app started. Only an event with an output component
    serves files to clients.
    """
    trigger = gr.Button(visible=False)
    defaults = Recipe("walk")
    seed, count, randomize = _number(0), _number(16), gr.Checkbox(False, visible=False)
    checkpoint, psi, best_of = _text(""), _number(1), _number(1)
    gallery = gr.Gallery(format="png", visible=False)
    inputs = [seed, count, randomize, checkpoint, psi, best_of]
    options = {"concurrency_limit": 4, "concurrency_id": "faces"}
    trigger.click(api.generate, inputs, [gallery, seed], api_name="generate", **options)
    face = gr.Image(format="png", type="filepath", visible=False)
    trigger.click(api.avatar, [seed, checkpoint, psi], face, api_name="avatar", **options)
    inputs = [
        _text("7, 42"), _number(defaults.frames), gr.Radio(list(FORMAT.options), value="GIF", visible=False),
        _number(defaults.size), checkpoint, _number(defaults.fps), _text(defaults.mode), _text(defaults.method),
        _number(defaults.grid), psi, _number(walking.NO_LIMIT),
    ]  # fmt: skip
    options = {"concurrency_limit": 2, "concurrency_id": "walks"}
    trigger.click(api.interpolate, inputs, gr.File(visible=False), api_name="interpolate", **options)
    gr.api(api.list_checkpoints, api_name="list_checkpoints")


def _number(value: float) -> gr.Number:
    return gr.Number(value, visible=False)


def _text(value: str) -> gr.Textbox:
    return gr.Textbox(value, visible=False)


def _answered(function: Any, *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except InputError as error:
        raise gr.Error(str(error), print_exception=False) from None

"""The demo: faces from seeds, and walks between them, in a browser.

python app.py                                    the bundled checkpoint
python app.py --model checkpoints/try            your own
python app.py --model user/name                  one on the Hugging Face Hub
"""

from __future__ import annotations

import html
import math
import os
import random
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

import gradio as gr
import numpy as np
from gradio.events import Dependency

from dcgan.cli import DONE, Parser, command
from dcgan.errors import InputError
from dcgan.images import ANIMATIONS, enlarge
from dcgan.latents import SEEDS, latents, seeds_from
from dcgan.library import HubLibrary, Library, open_library
from dcgan.models import Discriminator, Generator
from dcgan.recipe import Recipe, to_note
from dcgan.sampling import DEVICES, faces, most_believed, pick_device
from dcgan.walks import render_walk

BUNDLED = Path(__file__).parent / "checkpoints" / "adventurer-96"
MOST_FACES = 64
MOST_DRAWN = 16  # times as many faces as are shown
PSI = (0.3, 1.2)
MOST_KEYFRAMES = 12
FRAMES = (8, 240)
SIZES = (96, 768)
FRAME_MS = 50
FILES_KEPT_SECONDS = 3600

CSS = """
.gradio-container .main.fillable { max-width: 1120px !important; }
#gallery .grid-container { grid-template-columns: repeat(auto-fill, minmax(max(96px, 12%), 1fr)) !important; }
#gallery .thumbnail-lg { aspect-ratio: auto; height: auto; display: flex; flex-direction: column; }
#gallery .thumbnail-lg img { aspect-ratio: 1; height: auto; }
#gallery .caption-label {
  position: static; width: 100%; max-width: none; border: 0; padding: 3px 0; text-align: center;
  font-variant-numeric: tabular-nums;
}
#walk img { max-height: 420px; object-fit: contain; }
footer { display: none !important; }
"""

INTRO = """# Faces by a DCGAN
Every number is a face. Pick a seed, or let chance pick one; walk from one face to another and take the GIF with you."""


class Handlers:
    """What the page and the API do with a visitor's wishes. Nothing here remembers a visitor."""

    def __init__(self, library: Library | HubLibrary, files: Path):
        self.library, self.files = library, files

    def generate(
        self,
        seed: int = 0,
        count: int = 16,
        randomize: bool = False,
        checkpoint: str | None = None,
        psi: float = 1.0,
        best_of: int = 1,
    ) -> tuple[list[tuple[np.ndarray, str]], int]:
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
            The faces with their seeds as captions, where some were chosen with the discriminator's belief too, and the
            first seed.
        """
        generator = self._generator(checkpoint)
        first = random.randrange(SEEDS) if randomize else _seed(seed)
        count = _whole("The number of faces", count, 1, MOST_FACES)
        best_of = _whole("Best of", best_of, 1, MOST_DRAWN)
        psi = _between("The truncation", psi, *PSI)
        seeds = seeds_from(first, count * best_of)
        captions = [str(seed) for seed in seeds]
        if best_of > 1:
            picked = most_believed(generator, self._discriminator(checkpoint), seeds, count, psi)
            seeds = [seed for seed, _ in picked]
            captions = [f"{seed} · {_percent(logit)}" for seed, logit in picked]
        return list(zip(faces(generator, seeds, psi), captions, strict=True)), first

    def avatar(self, seed: int = 0, checkpoint: str | None = None) -> np.ndarray:
        """Draw one face.

        Args:
            seed: the face's seed, 0 to 2147483647; a fraction is rounded.
            checkpoint: one of /list_checkpoints; the first of them by default.

        Returns:
            A PNG of exactly the checkpoint's image size.
        """
        return faces(self._generator(checkpoint), [_seed(seed)])[0]

    def interpolate(
        self,
        seeds: str = "7, 42",
        frames: int = 48,
        format: str = "GIF",
        size: int = 384,
        checkpoint: str | None = None,
    ) -> str:
        """Walk from face to face and back to the first, at a constant visible speed, as one animated file.

        The file carries its recipe in its metadata.

        Args:
            seeds: two to twelve seeds, as in "7, 42".
            frames: frames in the whole file, 8 to 240; there are 20 a second.
            format: GIF, WebP or MP4.
            size: pixels a side, 96 to 768; the largest whole multiple of the image size within it, or the image size.
            checkpoint: one of /list_checkpoints; the first of them by default.

        Returns:
            The file.
        """
        generator = self._generator(checkpoint)
        chosen = _seeds(seeds)
        frames = _whole("The number of frames", frames, *FRAMES)
        size = _whole("The size", size, *SIZES)
        if format not in ANIMATIONS:
            raise gr.Error(f"The format {format!r} is unknown; choose {', '.join(ANIMATIONS)}.", print_exception=False)

        pixels = enlarge(render_walk(generator, latents(chosen, generator.latent_dim), frames), size)
        name = checkpoint or self.library.default
        recipe = Recipe(
            "walk", checkpoint=name, seeds=tuple(chosen), frames=frames, fps=1000 // FRAME_MS, format=format, size=size
        )
        name = f"{re.sub('[@/]', '-', name)}_seed-{'-'.join(map(str, chosen))}_{frames}f.{format.lower()}"
        file = self._fresh_folder() / name
        ANIMATIONS[format](pixels, file, FRAME_MS, note=to_note(recipe))
        return str(file)

    def interpolate_two(self, start: int, end: int, *settings) -> tuple[str, str]:
        """`interpolate` between two number boxes; the same file to look at and to download."""
        file = self.interpolate(f"{_seed(start)}, {_seed(end)}", *settings)
        return file, file

    def arrive(self) -> tuple[gr.Dropdown, gr.Markdown]:
        """What a page shows of the library when it is opened: what there is to choose, and what is amiss."""
        self.library.refresh()
        names, notice = self.library.names, self.library.notice
        choice = gr.Dropdown(names, value=names[0], visible=len(names) > 1)
        return choice, gr.Markdown(html.escape(notice), visible=bool(notice))

    def list_checkpoints(self) -> list[str]:
        """Name the checkpoints that can be chosen, best first."""
        return self.library.names

    def _fresh_folder(self) -> Path:
        """A folder for one request's file. Those of an hour ago go: Gradio keeps copies of what it still serves."""
        for old in self.files.iterdir():
            with suppress(FileNotFoundError):  # another request may be clearing up too
                if time.time() - old.stat().st_mtime > FILES_KEPT_SECONDS:
                    shutil.rmtree(old, ignore_errors=True)
        return Path(tempfile.mkdtemp(dir=self.files))

    def _discriminator(self, checkpoint: str | None) -> Discriminator:
        try:
            discriminator = self.library.discriminator(checkpoint)
        except InputError as error:
            raise gr.Error(str(error), print_exception=False) from None
        if discriminator is None:
            raise gr.Error(
                f"{checkpoint or self.library.default} came without the discriminator that would choose the best; "
                "set Best of to 1, or choose another checkpoint.",
                print_exception=False,
            )
        return discriminator

    def _generator(self, checkpoint: str | None) -> Generator:
        try:
            return self.library.generator(checkpoint)
        except InputError as error:
            raise gr.Error(str(error), print_exception=False) from None


def build_app(library: Library | HubLibrary, files: Path) -> gr.Blocks:
    """The page: a Generate tab, an Interpolate tab, and the endpoints of the API. `files` is where it may write."""
    handlers = Handlers(library, files)
    with gr.Blocks(title="Faces by a DCGAN", delete_cache=(3600, 86400)) as app:
        _endpoints(handlers)  # first, or the page's own events would take their names
        gr.Markdown(INTRO)
        notice = gr.Markdown(visible=False, elem_id="notice")
        checkpoint = gr.Dropdown(
            library.names,
            value=library.default,
            label="Checkpoint",
            info="the finished one, or an earlier epoch of its training",
            visible=len(library.names) > 1,
            elem_id="checkpoint",
        )
        arrival = app.load(handlers.arrive, None, [checkpoint, notice], api_visibility="private", queue=False)
        with gr.Tab("Generate"):
            _generate_tab(arrival, handlers, checkpoint)
        with gr.Tab("Interpolate"):
            _interpolate_tab(handlers, checkpoint)
    return app


def _generate_tab(arrival: Dependency, handlers: Handlers, checkpoint: gr.Dropdown) -> None:
    with gr.Row():
        with gr.Column(scale=1, min_width=260):
            seed = _seed_box("Seed", 0, "seed")
            randomize = gr.Checkbox(False, label="Randomize", info="draw the seed by chance", elem_id="randomize")
            count = gr.Slider(1, MOST_FACES, value=16, step=1, precision=0, label="Faces", elem_id="count")
            button = gr.Button("Generate", variant="primary", elem_id="generate")
            with gr.Accordion("More", open=False, elem_id="more"):
                psi = gr.Slider(*PSI, value=1, step=0.05, label="Truncation", info="low: plainer", elem_id="psi")
                best_of = gr.Slider(
                    1,
                    MOST_DRAWN,
                    value=1,
                    step=1,
                    precision=0,
                    label="Best of",
                    info="the most convincing",
                    elem_id="best-of",
                )
        with gr.Column(scale=3, min_width=320):
            gallery = gr.Gallery(
                format="png",
                show_label=False,
                columns=8,
                height="max-content",
                object_fit="contain",
                buttons=["download", "fullscreen"],
                elem_id="gallery",
            )
    inputs, outputs = [seed, count, randomize, checkpoint, psi, best_of], [gallery, seed]
    options = {"api_visibility": "private", "show_progress_on": gallery, "concurrency_limit": 4}
    for event in (button.click, seed.submit, checkpoint.input, arrival.then):
        event(handlers.generate, inputs, outputs, **options)


def _interpolate_tab(handlers: Handlers, checkpoint: gr.Dropdown) -> None:
    with gr.Row():
        with gr.Column(scale=1, min_width=260):
            start, end = _seed_box("From seed", 7, "start"), _seed_box("To seed", 42, "end")
            frames = gr.Slider(
                *FRAMES, value=48, step=1, precision=0, label="Frames", info="20 a second", elem_id="frames"
            )
            format = gr.Radio(["GIF", "WebP"], value="GIF", label="Format", elem_id="format")
            size = gr.Slider(*SIZES, value=384, step=96, precision=0, label="Pixels", elem_id="size")
            button = gr.Button("Make the walk", variant="primary", elem_id="make-walk")
        with gr.Column(scale=3, min_width=320):
            picture = gr.Image(type="filepath", show_label=False, buttons=["fullscreen"], elem_id="walk")
            download = gr.File(label="Download", elem_id="walk-file")
    button.click(
        handlers.interpolate_two,
        [start, end, frames, format, size, checkpoint],
        [picture, download],
        api_visibility="private",
        show_progress_on=picture,
    )


def _endpoints(handlers: Handlers) -> None:
    """The API, apart from the page's controls: these would check a checkpoint against those of when the app started.

    Only an event with an output component serves files to clients.
    """
    trigger = gr.Button(visible=False)
    seed = gr.Number(0, precision=0, visible=False)
    checkpoint = gr.Textbox("", visible=False)
    count, randomize = gr.Number(16, visible=False), gr.Checkbox(False, visible=False)
    gallery = gr.Gallery(format="png", visible=False)
    psi, best_of = gr.Number(1, visible=False), gr.Number(1, visible=False)
    inputs = [seed, count, randomize, checkpoint, psi, best_of]
    trigger.click(handlers.generate, inputs, [gallery, seed], api_name="generate", concurrency_limit=4)
    face = gr.Image(format="png", visible=False)
    trigger.click(handlers.avatar, [seed, checkpoint], face, api_name="avatar", concurrency_limit=4)
    seeds = gr.Textbox("7, 42", visible=False)
    frames, size = gr.Number(48, visible=False), gr.Number(384, visible=False)
    format = gr.Radio(list(ANIMATIONS), value="GIF", visible=False)
    file = gr.File(visible=False)
    trigger.click(handlers.interpolate, [seeds, frames, format, size, checkpoint], file, api_name="interpolate")
    gr.api(handlers.list_checkpoints, api_name="list_checkpoints")


def _seed_box(label: str, value: int, elem_id: str) -> gr.Number:
    return gr.Number(value, precision=0, label=label, info=f"0 to {SEEDS - 1}", elem_id=elem_id)


def _seed(value: float | str | None) -> int:
    return _whole("The seed", value, 0, SEEDS - 1)


def _seeds(text: str) -> list[int]:
    seeds = [_seed(word) for word in str(text).replace(",", " ").split()]
    if not 2 <= len(seeds) <= MOST_KEYFRAMES:
        raise gr.Error(
            f"A walk takes 2 to {MOST_KEYFRAMES} seeds, as in 7, 42; these are {len(seeds)}.", print_exception=False
        )
    if len(set(seeds)) == 1:
        raise gr.Error(f"A walk needs two different faces; these are all {seeds[0]}.", print_exception=False)
    return seeds


def _whole(what: str, value: float | str | None, low: int, high: int) -> int:
    """`value` as a whole number within bounds, or a sentence for the visitor."""
    try:
        number = round(float(value))
    except (TypeError, ValueError, OverflowError):
        number = None
    if number is None or not low <= number <= high:
        shown = "empty" if value is None or value == "" else value
        raise gr.Error(f"{what} is {shown}; it must be a whole number from {low} to {high}.", print_exception=False)
    return number


def _between(what: str, value: float | str | None, low: float, high: float) -> float:
    """`value` as a number within bounds, or a sentence for the visitor."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = None
    if number is None or not low <= number <= high:
        shown = "empty" if value is None or value == "" else value
        raise gr.Error(f"{what} is {shown}; it must be a number from {low} to {high}.", print_exception=False)
    return number


def _percent(logit: float) -> str:
    return f"{100 / (1 + math.exp(min(-logit, 700))):.0f}%"  # more would overflow


def build_parser() -> Parser:
    """The command line; None leaves host and port to Gradio, whose own variables a Space sets."""
    parser = Parser(prog="app.py", description=__doc__.split("\n")[0])
    parser.add_argument(
        "--model",
        default=os.environ.get("MODEL_ID") or None,
        help="a checkpoint folder or a Hub repository user/name (default: MODEL_ID, else the bundled one)",
    )
    parser.add_argument(
        "--revision",
        default=os.environ.get("MODEL_REVISION") or None,
        help="a tag, branch or commit of that repository (default: MODEL_REVISION, else main)",
    )
    parser.add_argument("--device", choices=DEVICES, default="auto", help="default auto: cuda, mps or cpu")
    parser.add_argument("--host", help="address to listen on (Gradio's default: 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on (Gradio's default: the first free from 7860)")
    parser.add_argument("--share", action="store_true", help="a public link through Gradio's relay")
    return parser


@command
def main(argv: Sequence[str] | None = None) -> int:
    options = build_parser().parse_args(argv)
    if options.port is not None and not 0 < options.port < 65536:
        raise InputError(f"--port is {options.port}; it must be from 1 to 65535.")
    library = open_library(options.model or str(BUNDLED), options.revision, BUNDLED, pick_device(options.device))
    with tempfile.TemporaryDirectory(prefix="dcgan-app-", ignore_cleanup_errors=True) as files:
        app = build_app(library, Path(files))
        app.queue(max_size=64)
        try:
            app.launch(
                server_name=options.host,
                server_port=options.port,
                share=options.share,
                theme=gr.themes.Soft(primary_hue="violet"),
                css=CSS,
            )
        except OSError as error:  # Gradio says no more than that it found no port
            raise InputError(
                f"can't listen on --host {options.host or 'default'} --port {options.port or 'default'} ({error}); "
                "choose a free port and an address of this machine."
            ) from None
    return DONE


if __name__ == "__main__":
    sys.exit(main())

"""The demo: faces from seeds, and walks between them, in a browser.

python app.py                                    the bundled checkpoints
python app.py --model checkpoints/try            your own
python app.py --model user/name                  one on the Hugging Face Hub
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
# Nobody looks at its figures of events, which it would keep for 10,000 of them and work out anew at each
os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "1")
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", str(10**9))
if os.environ.get("SPACES_ZERO_GPU"):
    import spaces  # noqa: F401  # before torch, which it changes

from dcgan.environment import (
    GRADIO_PORT,
    is_port,
    keep_gradios_files_in,
    made,
    unused_temporary_folder,
    without_bad_port,
    without_proxies,
    without_stubs,
)

FILES = unused_temporary_folder("dcgan-app-")
keep_gradios_files_in(FILES)
with without_proxies(), without_bad_port(), without_stubs():
    import gradio as gr

from starlette.middleware import Middleware

from dcgan.cli import DONE, Parser, command, is_interactive
from dcgan.errors import InputError
from dcgan.files import with_home
from dcgan.gallery import Catalog, Renderer, open_catalog
from dcgan.hub import DEFAULT_PATIENCE, Patience
from dcgan.layout import BUNDLED, CHECKPOINTS
from dcgan.limits import MAX_SESSIONS, MAX_UPLOAD_BYTES, MAX_WAITING
from dcgan.sampling import DEVICES, pick_device
from dcgan.ui.about import AboutTab
from dcgan.ui.api import Api, endpoints
from dcgan.ui.connections import bound_connections
from dcgan.ui.deep_links import DeepLinks
from dcgan.ui.document import Document
from dcgan.ui.events import LAST_COUNTS, message
from dcgan.ui.favourites import Favourites
from dcgan.ui.first_faces import FirstFaces
from dcgan.ui.generate import GenerateTab
from dcgan.ui.gpu import ON_ZERO_GPU, on_gpu
from dcgan.ui.guard import Guard, Page, refuse_who_left
from dcgan.ui.studio import StudioTab
from dcgan.ui.style_picker import style_picker
from dcgan.ui.texts import i18n, label, words_for_the_browser
from dcgan.ui.training import TrainingTab
from dcgan.ui.uploads import have_gradio_tidy_up
from dcgan.ui.walk import WalkTab

BUNDLED_FOLDERS = [Path(__file__).parent / CHECKPOINTS / name for name in BUNDLED]
SOCIAL_CARD = Path(__file__).parent / "docs" / "social-card.png"
ASSETS = Path(__file__).parent / "dcgan" / "ui"
SCRIPTS = ("stream.js", "page.js", "faces.js", "manners.js", "sharing.js")


def build_app(catalog: Catalog, files: Path) -> gr.Blocks:
    """Make the page and the endpoints of the API. `files` is where it may write."""
    renderer = Renderer(catalog, files / "drawn", on_gpu, show_progress)
    app = Page(title="Faces by a DCGAN", delete_cache=(3600, 86400))
    with app:
        endpoints(Api(renderer))  # first, or the page's own events would take their names
        with gr.Row(elem_id="header"):
            gr.Markdown(i18n("intro"), elem_id="intro")
            checkpoint = style_picker(catalog)
            with gr.Column(scale=0, min_width=140, elem_id="header-buttons"):
                file = gr.UploadButton(label("open-file"), size="sm", elem_id="open-file")
                if os.environ.get("SPACE_ID"):
                    gr.DuplicateButton(size="sm", elem_id="duplicate")
        gr.Markdown(i18n("drop-here"), elem_id="drop-here")
        notice = message("notice")
        with gr.Tabs(selected="generate", overflow_behavior="wrap", elem_id="tabs") as tabs:
            with gr.Tab(i18n("generate-tab"), id="generate"):
                generate = GenerateTab(renderer, checkpoint)
                favourites = Favourites(renderer)
            with gr.Tab(i18n("walk-tab"), id="walk") as walk_tab:
                walk = WalkTab(renderer, checkpoint)
            with gr.Tab(i18n("studio-tab"), id="studio") as studio_tab:
                studio = StudioTab(renderer, checkpoint, generate.face_link)
                studio.open(studio_tab.select)
            with gr.Tab(i18n("training-tab"), id="training") as training_tab:
                TrainingTab(renderer, checkpoint).open(training_tab.select, generate.face_link)
            with gr.Tab(i18n("about-tab"), id="about") as about_tab:
                AboutTab(renderer, checkpoint).open(about_tab.select)
        for taken, link, refused in studio.takers:
            generate.show_taken(taken, link, tabs, refused)
        deep_links = DeepLinks(catalog, checkpoint, tabs, generate, walk, favourites, notice)
        walk.open(walk_tab.select, generate.shown, deep_links.pending_link)
        _connect(app, deep_links, generate, file)
    return app


def _connect(app: gr.Blocks, deep_links: DeepLinks, generate: GenerateTab, file: gr.UploadButton) -> None:
    """Connect what happens across tabs."""
    walk, favourites, pending_link = deep_links.walk, deep_links.favourites, deep_links.pending_link
    walk.keyframes.accept(generate.use.click, generate.face_link, generate.message)
    walk.keyframes.accept_one_of(generate.gallery.submit, generate.shown, generate.gallery_message)
    favourites.accept(generate.keep.click, generate.face_link, generate.message)
    generate.show_picked(favourites.face_strip, deep_links.tabs)
    generate.show_picked(walk.face_strip, deep_links.tabs)
    favourites.show(app.load)

    quietly: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    controls = list(deep_links.controls.values())
    link_opened = app.load(deep_links.open_link, None, [*controls, deep_links.notice], queue=False, **quietly)
    [walk_asked] = favourites.walk_through(deep_links.walk_settings, controls)
    outputs = [*controls, favourites.kept, favourites.face_strip, deep_links.notice]
    file_opened = file.upload(deep_links.open_file, [file, favourites.kept], outputs, **quietly)
    walk.keyframes.count([event.then for event in (link_opened, walk_asked, file_opened)])
    for event in (link_opened, walk_asked, file_opened):
        [drawn] = generate.draw_pending([event.then], pending_link)
        [drawn] = walk.draw_pending([drawn.then], pending_link)
        if event is not link_opened:
            js = "(pending, faces, walk) => dcgan.remember(pending && (pending.startsWith('kind=walk') ? walk : faces))"
            drawn = drawn.then(None, [pending_link, generate.shown, walk.shown], None, js=js, **quietly)
        # else the next event that is refused would draw it again
        drawn.then(lambda: "", None, pending_link, **quietly)
    _connect_back(deep_links, generate)


def _connect_back(deep_links: DeepLinks, generate: GenerateTab) -> None:
    """Draw what was shown before. What is pending has a place of its own, which no other event empties."""
    went_to = deep_links.went_to
    controls = [went_to if control is deep_links.pending_link else control for control in deep_links.controls.values()]
    options: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"} | LAST_COUNTS
    js, outputs = "() => dcgan.wentTo()", [*controls, deep_links.notice]
    went_back = deep_links.went_back.click(deep_links.go_back, went_to, outputs, js=js, **options)
    [drawn] = generate.draw_pending([went_back.then], went_to)
    deep_links.walk.draw_pending([drawn.then], went_to)
    deep_links.walk.keyframes.count([went_back.then])


def show_progress(done: int, total: int) -> None:
    """Tell Gradio how far the current event is; where nobody waits for it any more, it ends here."""
    refuse_who_left()
    gr.Progress()((done, total), unit="")


def build_parser() -> Parser:
    """Make the command line; None leaves host and port to Gradio, whose own variables a Space sets."""
    parser = Parser(prog="app.py", description=__doc__.split("\n")[0])
    parser.add_argument(
        "--model",
        type=with_home,
        default=os.environ.get("MODEL_ID") or None,
        help="a checkpoint folder or a Hub repository user/name (default: MODEL_ID, else the bundled ones)",
    )
    parser.add_argument(
        "--revision",
        default=os.environ.get("MODEL_REVISION") or None,
        help="a tag, branch or commit of that repository (default: MODEL_REVISION, else main)",
    )
    parser.add_argument("--device", choices=DEVICES, default="auto", help="default auto: cuda, mps or cpu")
    parser.add_argument("--host", help="address to listen on (Gradio's default: 127.0.0.1)")
    parser.add_argument(
        "--port",
        type=int,
        help="port to listen on (default: GRADIO_SERVER_PORT, else PORT, else the first free from 7860)",
    )
    parser.add_argument("--share", action="store_true", help="a public link through Gradio's relay")
    return parser


def port_of(option: int | None) -> int | None:
    """Decide the port: `--port`, else Gradio's own GRADIO_SERVER_PORT, else PORT, which many hosts set.

    Raises:
        InputError: there is no such port.
    """
    gradios = os.environ.get(GRADIO_PORT)
    if option is None and gradios and is_port(gradios):
        return None  # Gradio has read it
    named = {"--port": option, GRADIO_PORT: gradios, "PORT": os.environ.get("PORT")}
    for name, value in named.items():
        if value is not None and value != "":
            if not is_port(str(value)):
                raise InputError(f"{name} is {value}; it must be from 1 to 65535.")
            return int(value)
    return None


def theme() -> gr.Theme:
    """Make Gradio's theme Soft with less space between things, and only with fonts that every visitor has."""
    soft = gr.themes.Soft(
        primary_hue="violet",
        neutral_hue="slate",
        font=("system-ui", "sans-serif"),
        font_mono=("ui-monospace", "Consolas", "monospace"),
    )
    return soft.set(
        block_title_background_fill="transparent",
        block_title_padding="0",
        block_title_text_color="*body_text_color",
        block_title_text_weight="600",
        block_title_text_size="*text_sm",
        block_info_text_size="*text_xs",
        block_padding="*spacing_md *spacing_lg",
        layout_gap="*spacing_lg",
        body_background_fill="*neutral_50",
        # Dark enough, or light enough on dark, to be read
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_400",
        color_accent="*primary_600",
        block_label_text_color="*primary_700",
        checkbox_label_background_fill_selected="*primary_600",
        link_text_color_dark="*primary_300",
        link_text_color_hover_dark="*primary_200",
        link_text_color_active_dark="*primary_200",
        link_text_color_visited_dark="*primary_300",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_hover_dark="*primary_700",
    )


def look() -> dict[str, Any]:
    """Give what makes the page look and behave as it does, for `launch`."""
    scripts = [f"<script>{(ASSETS / name).read_text(encoding='utf-8')}</script>" for name in SCRIPTS]
    return {
        "theme": theme(),
        "css": (ASSETS / "page.css").read_text(encoding="utf-8"),
        "head": words_for_the_browser() + "".join(scripts),
        "i18n": i18n,
        "footer_links": ["api", "settings"],
    }


def load_networks(catalog: Catalog) -> None:
    """Load all networks of a catalog but those that can't be had; a visitor who chooses one of these is told why."""
    for name in catalog.names:
        for load in (catalog.generator, catalog.discriminator):
            with suppress(InputError):
                load(name)


@command
def main(argv: Sequence[str] | None = None, patience: Patience = DEFAULT_PATIENCE) -> int:
    options = build_parser().parse_args(argv)
    port = port_of(options.port)
    catalog = open_catalog(options.model, options.revision, BUNDLED_FOLDERS, pick_device(options.device), patience)
    if ON_ZERO_GPU:  # networks have to be there before the first process that is lent a GPU branches off
        load_networks(catalog)
    with ExitStack() as at_the_end:
        app = build_app(catalog, at_the_end.enter_context(made(FILES)))
        app.queue(max_size=MAX_WAITING, api_open=False)  # or the API's clients could pass by the queue
        first_faces = str if ON_ZERO_GPU else FirstFaces(catalog)  # nobody is lent a GPU for them
        start(app, options.host, port, options.share, first_faces)
        if is_interactive():  # it serves as long as the process lives
            atexit.register(at_the_end.pop_all().close)
        else:
            app.block_thread()
    return DONE


def start(app: gr.Blocks, host: str | None, port: int | None, share: bool, first_faces: Callable[[], str]) -> None:
    """Have the page served by threads of this process.

    Raises:
        InputError: not at this address.
    """
    have_gradio_tidy_up()
    document = Middleware(Document, picture=SOCIAL_CARD, first_faces=first_faces)
    try:
        with without_proxies():
            app.launch(
                server_name=host,
                server_port=port,
                share=share,
                max_file_size=MAX_UPLOAD_BYTES,
                state_session_capacity=MAX_SESSIONS,
                mcp_server=find_spec("mcp") is not None,
                favicon_path=str(ASSETS / "favicon.svg"),
                app_kwargs={"middleware": [document, Middleware(Guard)]},
                prevent_thread_lock=True,
                enable_monitoring=False,
                **look(),
            )
        bound_connections(app.server.config)
    except OSError as error:  # Gradio says no more than that it found no port
        raise InputError(
            f"can't listen on --host {host or 'default'} --port {port or 'default'} ({error}); "
            "choose a free port and an address of this machine."
        ) from None


if __name__ == "__main__" and (status := main()):
    sys.exit(status)

"""The About tab: what a DCGAN is, what this one learned from, whose work that is, and how to use it elsewhere."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import gradio as gr

from dcgan.checkpoints import Training
from dcgan.errors import InputError
from dcgan.gallery import Catalog, Renderer
from dcgan.layout import CARD_NAME, TRAINING_NAME
from dcgan.network_config import GeneratorConfig
from dcgan.ui.events import Listener, message, on
from dcgan.ui.networks import networks_figure
from dcgan.ui.texts import i18n, one_line, say

API_SNIPPET = """```python
from gradio_client import Client

client = Client("{url}")
gallery, seed = client.predict(seed=7, count=16, api_name="/generate")
face = client.predict(seed=7, api_name="/avatar")
walk = client.predict(seeds="7, 42", frames=48, format="MP4", size=384, api_name="/interpolate")
names = client.predict(api_name="/list_checkpoints")
```"""

CITATION = """```bibtex
@article{radford2015unsupervised,
  title   = {Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks},
  author  = {Radford, Alec and Metz, Luke and Chintala, Soumith},
  journal = {arXiv preprint arXiv:1511.06434},
  year    = {2015}
}
```"""


class AboutTab:
    """Texts, a figure and the card of the model that is chosen, filled in when the tab is looked at."""

    def __init__(self, renderer: Renderer, checkpoint: gr.Radio):
        self.renderer, self.checkpoint = renderer, checkpoint
        gr.Markdown(i18n("what-it-is"))
        self.figure = gr.HTML(elem_id="networks")
        self.licence = gr.Markdown(elem_id="licence")
        gr.Markdown(i18n("limits"))
        gr.Markdown(i18n("api"))
        self.snippet = gr.Markdown(elem_id="snippet")
        gr.Markdown(i18n("citation"))
        gr.Markdown(CITATION)
        with gr.Accordion(i18n("card"), open=False, visible=False, elem_id="about-card") as self.card_fold:
            self.card = gr.Markdown(elem_id="card")
        self.message = message("about-message")
        self.address = gr.Textbox(visible=False)

    def open(self, listener: Listener) -> None:
        """Fill the tab when something happens, and when another checkpoint is chosen."""
        outputs = [self.figure, self.licence, self.snippet, self.card_fold, self.card]
        js = "(_, checkpoint) => [location.origin + location.pathname, checkpoint]"
        inputs = [self.address, self.checkpoint]
        on([listener, self.checkpoint.input], self._open, inputs, outputs, self.message, js=js, show_progress="hidden")

    def _open(self, language: str, address: str, checkpoint: str | None) -> list[Any]:
        catalog = self.renderer.catalog.of(checkpoint)
        card = readable_card(catalog.text(CARD_NAME))
        config = catalog.generator().config
        return [
            networks_figure(language, config, discriminator_feature_maps(catalog, config)),
            licence_of(language, catalog),
            API_SNIPPET.format(url=re.sub(r"[^\w:/.\[\]-]", "", str(address))),
            gr.Accordion(visible=bool(card)),
            card,
        ]


def discriminator_feature_maps(catalog: Catalog, generator: GeneratorConfig) -> int:
    """Count the discriminator's feature maps, as the record of the run has it; where it doesn't, the generator's.

    The discriminator itself isn't asked: on the Hub it would have to be fetched.
    """
    said: Any = Training.glean(catalog.text(TRAINING_NAME)).config.get("discriminator_feature_maps")
    try:
        return replace(generator, feature_maps=said).feature_maps
    except InputError:
        return generator.feature_maps


def licence_of(language: str, catalog: Catalog) -> str:
    """Say whose work the training pictures are and what may be done with it, under a heading, and with the code."""
    return f"{say(language, 'data-and-licence')}\n{credit_of(language, catalog)} {say(language, 'code-licence')}"


def credit_of(language: str, catalog: Catalog) -> str:
    """Say whose work the training pictures are and what may be done with it, as far as the checkpoint says."""
    data = Training.glean(catalog.text(TRAINING_NAME)).data
    credit = data.attribution
    if credit and credit.licence:
        creator = say(language, "licence-by", creator=_text(credit.creator)) if credit.creator else ""
        licence = _linked(_text(credit.licence), credit.licence_url)
        title = _linked(_text(credit.title), credit.source)
        said = say(language, "licence-line", title=title, creator=creator, licence=licence)
        if credit.changes:
            said += " " + say(language, "licence-changes", changes=_text(credit.changes))
    else:
        said = say(language, "licence-unknown", data=_text(data.name or catalog.model))
    return said


def readable_card(card: str) -> str:
    """Show a model card without its metadata, and without pictures, which aren't served here."""
    body = re.sub(r"\A---\n.*?\n---\n", "", card, flags=re.DOTALL)
    body = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", body).replace("![", "[")
    return re.sub(r"<(img|picture|source|video|audio|iframe|link|style|script)\b[^>]*>", "", body, flags=re.IGNORECASE)


def _linked(text: str, url: str) -> str:
    is_address = re.fullmatch(r"https?://[\w./%~#?=&+-]+", url)
    return f"[{text}]({url})" if is_address else text


def _text(words: object) -> str:
    return re.sub(r"[\[\]<>*_`\\]", "", one_line(words))

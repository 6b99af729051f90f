"""Real or made? Ten pairs of a picture that nobody trained on and a face; answers and score stay in the browser."""

from __future__ import annotations

import random
from typing import Any

import gradio as gr
import numpy as np

from dcgan.gallery import Catalog, Renderer
from dcgan.latents import SEEDS
from dcgan.layout import HELD_OUT_NAME
from dcgan.ui.about import credit_of
from dcgan.ui.events import message, on
from dcgan.ui.frames import strip_of_frames
from dcgan.ui.inputs import RefusedError
from dcgan.ui.texts import i18n, say

PAIRS = 10
TEXTS = {  # by what the browser calls them
    "question": "game-question", "real": "game-real", "right": "game-right", "wrong": "game-wrong",
    "next": "game-next", "again": "game-again", "share": "game-share",
}  # fmt: skip

TEMPLATE = """
{{#if value}}
<p class="told" role="status"></p>
<img class="frames" src="{{value.frames}}" alt="" hidden>
<div class="pair">{{#each value.both}}
  <button type="button" data-side="{{this}}">
    <canvas width="{{../value.side}}" height="{{../value.side}}"></canvas><span></span></button>
{{/each}}</div>
<p class="tools"><button type="button" class="next">{{value.next}}</button>
  <button type="button" class="again">{{value.again}}</button>
  <button type="button" class="share">{{value.share}}</button></p>
{{/if}}
"""

BEHAVIOUR = """
const KEPT = 'dcgan-real-or-made';
let place = 0, right = 0, answered = false;
const find = (selector) => element.querySelector(selector);
const sides = () => [...element.querySelectorAll('.pair button')];
const filled = (text, values) => text.replace(/\\[(\\w+)\\]/g, (_, name) => values[name]);
const score = () => filled(props.value.score, { right, place: place + 1 });
function best() {
  let kept = {};
  try { kept = JSON.parse(localStorage.getItem(KEPT)) ?? {}; } catch { /* what else stands there counts as nothing */ }
  const mine = Math.max(right, Number(kept[props.value.name]) || 0);
  try { localStorage.setItem(KEPT, JSON.stringify({ ...kept, [props.value.name]: mine })); } catch { /* a full one */ }
  return mine;
}
function only(...shown) {
  for (const name of ['next', 'again', 'share']) find('.' + name).hidden = !shown.includes(name);
}
function ask() {
  answered = false;
  only();
  find('.told').innerText = `${score()} ${props.value.question}`;
  sides().forEach((button, i) => {
    const canvas = button.querySelector('canvas'), side = canvas.width;
    canvas.getContext('2d').drawImage(find('.frames'), 0, (2 * place + i) * side, side, side, 0, 0, side, side);
    button.className = '';
    button.querySelector('span').innerText = '';
    button.ariaLabel = filled(props.value.picture, { number: i + 1 });
  });
}
function answer(side) {
  const made = props.value.made[place], isRight = side !== made;
  answered = true;
  right += isRight;
  sides().forEach((button, i) => {
    const words = i === made ? filled(props.value.by_network, { seed: props.value.seeds[place] }) : props.value.real;
    button.className = i === made ? 'made' : 'real';
    button.querySelector('span').innerText = button.ariaLabel = (i === side ? (isRight ? '✓ ' : '✗ ') : '') + words;
  });
  find('.told').innerText = `${isRight ? props.value.right : props.value.wrong} ${score()}`;
  only('next');
  find('.next').focus({ preventScroll: true });
}
function go_on() {
  place += 1;
  if (place < props.value.made.length) return ask();
  place -= 1;
  find('.pair').hidden = true;
  find('.told').innerText = filled(props.value.over, { right, best: best() });
  only('again', 'share');
  find('.again').focus({ preventScroll: true });
}
async function share() {
  const text = filled(props.value.shared, { right }), url = location.origin + location.pathname;
  if (navigator.share && matchMedia('(pointer: coarse)').matches) return navigator.share({ text, url }).catch(() => {});
  if (!(await dcgan.toClipboard(`${text} ${url}`))) return window.prompt('', `${text} ${url}`);
  find('.share').classList.add('done');
}
element.addEventListener('load', () => { place = right = 0; ask(); }, true);
element.addEventListener('click', (event) => {
  const side = event.target.closest('.pair button')?.dataset.side;
  if (event.target.closest('.next') || (side && answered)) go_on();
  else if (side) answer(Number(side));
  if (event.target.closest('.again')) trigger('submit', {});
  if (event.target.closest('.share')) share();
});
"""


class RealOrMade:
    """A game that is there where a checkpoint came with pictures that nobody trained on."""

    def __init__(self, renderer: Renderer, checkpoint: gr.Radio):
        self.renderer = renderer
        with gr.Column(min_width=300, visible=False) as self.column:
            gr.Markdown(i18n("game-title"))
            self.play = gr.Button(i18n("game-play"), variant="primary", elem_id="play-game")
            self.message = message("game-message")
            self.game = gr.HTML(
                None, html_template=TEMPLATE, js_on_load=BEHAVIOUR, elem_id="game", apply_default_css=False
            )
            self.credit = gr.Markdown(elem_id="game-credit")
        listeners, outputs = [self.play.click, self.game.submit], [self.game, self.credit, self.play]
        on(listeners, self._play, [checkpoint], outputs, self.message, show_progress="hidden")

    def offered(self, checkpoint: str) -> list[Any]:
        """Give column, game, credit and button as they are for a checkpoint before the first game."""
        there = held_out_of(self.renderer.catalog.of(checkpoint)) is not None
        return [gr.Column(visible=there), None, "", gr.Button(visible=True)]

    def _play(self, language: str, checkpoint: str) -> list[Any]:
        catalog = self.renderer.catalog.of(checkpoint)
        reals = held_out_of(catalog)
        if reals is None:
            raise RefusedError("nothing-real", name=checkpoint)
        rng = random.Random()
        seeds = rng.sample(range(SEEDS), PAIRS)
        made = self.renderer.pixels(checkpoint, list(seeds), 1.0)
        pairs = list(zip(reals[rng.sample(range(len(reals)), PAIRS)], made, strict=True))
        sides = [rng.randrange(2) for _ in pairs]  # of the face
        turned = [pair if side else pair[::-1] for pair, side in zip(pairs, sides, strict=True)]
        pictures = np.stack([picture for pair in turned for picture in pair])
        game = {"both": [0, 1], "made": sides, "seeds": seeds, "name": checkpoint, **_texts(language)}
        return [strip_of_frames(pictures) | game, credit_of(language, catalog), gr.Button(visible=False)]


def held_out_of(catalog: Catalog) -> np.ndarray | None:
    """Take apart the pictures `(N, S, S, 3)` that came with a checkpoint; None where they are none of its size."""
    column, size = catalog.picture(HELD_OUT_NAME), catalog.generator().image_size
    if column is None or column.shape[1] != size or len(column) % size or len(column) < PAIRS * size:
        return None
    return column.reshape(-1, size, size, 3)


def _texts(language: str) -> dict[str, str]:
    """Give the game's texts; the browser fills in what stands in brackets."""
    return {name: say(language, key) for name, key in TEXTS.items()} | {
        "by_network": say(language, "game-made", seed="[seed]"),
        "picture": say(language, "game-picture", number="[number]"),
        "score": say(language, "game-score", right="[right]", place="[place]", count=PAIRS),
        "over": say(language, "game-over", right="[right]", best="[best]", count=PAIRS),
        "shared": say(language, "game-shared", right="[right]", count=PAIRS),
    }

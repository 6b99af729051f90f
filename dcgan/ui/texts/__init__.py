"""Every sentence of the page's own, in each of its languages.

Labels are translated in the browser by Gradio's I18n; sentences with values in them here, by the language that the
browser asks for. What the modules below refuse, as a file that is no picture, stands as they say it: in English.
"""

from __future__ import annotations

import json
from typing import cast

import gradio as gr
from starlette.requests import Request

from dcgan.ui.texts import chinese, english

ENGLISH, CHINESE = "en", "zh-CN"

TEXTS = {ENGLISH: english.TEXTS, CHINESE: chinese.TEXTS}

# The tags of Chinese that Gradio's own texts come in; where a browser has another, they and so ours are English
CHINESE_TAGS = (CHINESE, "zh-TW")
i18n = gr.I18n(**TEXTS | dict.fromkeys(CHINESE_TAGS, TEXTS[CHINESE]))


# What Gradio says in English to everybody, and our text for it: manners.js puts the words there
OF_GRADIO = {
    "An error occurred.": "went-wrong",
    "Connection errored out.": "connection-lost",
    "Connection to the server was lost. Attempting reconnection...": "connection-lost",
}
# The words that it has while an answer is awaited, as in "queue: 2/4 |"; our text for each has the same name
WHILE_WAITING = ("processing", "queue")
# Of what stands in a template of gr.HTML, which Gradio leaves as it is: manners.js puts the words there
IN_TEMPLATES = ("earlier", "use-as-keyframe", "move-left", "move-right", "remove", "play-walk")


def words_for_the_browser() -> str:
    """Write the words of templates as a script, by language."""
    keys = {*IN_TEMPLATES, *OF_GRADIO.values(), *WHILE_WAITING, "close"}
    words = {language: {key: texts[key] for key in sorted(keys)} for language, texts in TEXTS.items()}
    of_gradio = {"ofGradio": OF_GRADIO, "whileWaiting": WHILE_WAITING}
    told = {"words": words, "chinese": CHINESE_TAGS, "otherwise": ENGLISH, **of_gradio}
    return f"<script>const TEXTS = {json.dumps(told).replace('<', '')};</script>"


def label(key: str) -> str:
    """Give a translated text for a component whose types forget that it takes one: they ask for a `str`."""
    return cast(str, i18n(key))


def say(language: str, key: str, **values: object) -> str:
    """Give the text of a key with its values in it."""
    return TEXTS[language][key].format(**values)


def name_of_direction(language: str, name: str) -> str:
    """Say what a direction changes: in words where it is one of ours, else by its name."""
    return TEXTS[language].get(f"direction-{name}", name.replace("_", " "))


def one_line(text: object) -> str:
    """Put anybody's text in one line, without the halves of characters that can't be sent."""
    return " ".join(str(text).encode(errors="replace").decode().split())


def language_of(request: gr.Request | Request | None) -> str:
    """Tell the language that a visitor's browser asks for first, as far as the page has it; English without one."""
    wanted = request.headers.get("accept-language", "") if request else ""
    first = wanted.split(",")[0].partition(";")[0].strip()
    return CHINESE if first in CHINESE_TAGS else ENGLISH

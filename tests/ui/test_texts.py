"""The page in each of its languages."""

import re
from pathlib import Path
from string import Formatter
from types import SimpleNamespace

import gradio as gr
import pytest

import app
from dcgan.errors import InputError
from dcgan.ui.events import explain
from dcgan.ui.inputs import RefusedError
from dcgan.ui.texts import CHINESE, ENGLISH, OF_GRADIO, TEXTS, WHILE_WAITING, language_of, say

SOURCES = [Path(app.__file__), *Path("dcgan/ui").glob("*.py"), Path("dcgan/ui/texts/__init__.py")]
CODE = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_no_language_lacks_a_key():
    assert TEXTS[ENGLISH].keys() == TEXTS[CHINESE].keys()


@pytest.mark.parametrize("key", TEXTS[ENGLISH])
def test_every_text_says_something_with_the_same_values_in_each_language(key):
    assert len({frozenset(placeholders(texts[key])) for texts in TEXTS.values()}) == 1
    assert all(texts[key].strip() for texts in TEXTS.values())


@pytest.mark.parametrize("key", [key for key in TEXTS[CHINESE] if key not in ("api", "given-up-crf")])
def test_every_chinese_text_is_chinese(key):
    assert re.search("[\u4e00-\u9fff]", TEXTS[CHINESE][key])


def test_every_key_that_the_page_asks_for_is_there():
    asked = set(re.findall(r'\b(?:i18n|copy_button|RefusedError)\("([^"]+)"', CODE))
    asked |= set(re.findall(r'\bsay\(\s*language,\s*"([^"]+)"', CODE))
    asked |= set(re.findall(r'\b(?:number|choice)\("([^"]+)"', CODE))
    assert len(asked) > 60
    assert asked <= TEXTS[ENGLISH].keys()


def test_every_text_is_asked_for_somewhere():
    patterns = ("given-up-", "curve-", "figure-", "direction-")
    options = {"loop", "ping-pong", "open", "slerp", "linear"}
    unused = [key for key in TEXTS[ENGLISH] if not re.search(f"[\"']{key}[\"']", CODE) and not key.startswith(patterns)]
    assert set(unused) <= options


@pytest.mark.parametrize(
    ("accepts", "language"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", CHINESE), ("zh-TW", CHINESE), ("zh", ENGLISH), ("de", ENGLISH), ("", ENGLISH),
        ("en-US,en;q=0.9,zh;q=0.1", ENGLISH),
    ],
)  # fmt: skip
def test_sentences_are_in_the_language_that_the_browser_asks_for_first(accepts, language):
    assert language_of(SimpleNamespace(headers={"accept-language": accepts})) == language
    assert language_of(None) == ENGLISH


def test_a_refusal_is_said_in_the_visitors_language():
    error = RefusedError("not-whole", what="the-seed", shown="-1", low=0, high=9)
    assert str(error) == explain(error, ENGLISH) == "The seed is -1; it must be a whole number from 0 to 9."
    assert explain(error, CHINESE) == "种子是 -1；必须是 0 到 9 之间的整数。"
    assert explain(InputError("as it is"), CHINESE) == "as it is"


def test_gradio_knows_both_languages_by_the_tags_that_browsers_use():
    from dcgan.ui.texts import i18n

    assert isinstance(i18n, gr.I18n)
    assert i18n.translations_dict == TEXTS | {"zh-TW": TEXTS[CHINESE]}
    assert say(CHINESE, "face-title", seed=7) == "种子 7"


@pytest.mark.parametrize("said", [*OF_GRADIO, *(f"`{word}" for word in WHILE_WAITING)])
def test_what_gradio_says_to_everybody_is_still_what_the_page_says_in_its_own_words(said):
    scripts = (Path(gr.__file__).parent / "templates" / "frontend" / "assets").glob("*.js")
    assert any(said in script.read_text(encoding="utf-8") for script in scripts)

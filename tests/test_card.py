import json
import re
import subprocess
import sys

import numpy as np
import pytest
import yaml

from dcgan.card import model_card


@pytest.fixture
def card(trained_run):
    return (trained_run / "README.md").read_text(encoding="utf-8")


def test_the_cards_metadata_is_what_the_hub_reads(card):
    metadata = yaml.safe_load(card.split("---")[1])
    assert metadata["license"] == "cc-by-4.0"
    assert metadata["pipeline_tag"] == "unconditional-image-generation"
    assert metadata["library_name"] == "pytorch"


def test_the_card_carries_the_command_and_the_licence_word_for_word(card, trained_run):
    facts = json.loads((trained_run / "training.json").read_text(encoding="utf-8"))
    assert facts["command"] in card
    assert facts["data"]["attribution"]["licence_text"] in card
    assert "Lisa Wischofsky" in card


def test_every_picture_the_card_shows_is_in_the_folder(card, trained_run):
    shown = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", card)
    assert "samples/latest.png" in shown
    assert all((trained_run / name).is_file() for name in shown)


def test_the_cards_usage_snippet_works(card, trained_run, tmp_path):
    snippet = re.search(r"```python\n(.*?)```", card, re.DOTALL)[1]
    snippet = snippet.replace("path/to/this/folder", str(trained_run))
    snippet += f"import numpy; numpy.save({str(tmp_path / 'pixels.npy')!r}, pixels)"
    subprocess.run([sys.executable, "-c", snippet], check=True)
    assert np.load(tmp_path / "pixels.npy").shape == (3, 24, 24, 3)


def test_pictures_of_unknown_origin_get_no_licence(trained_run):
    facts = json.loads((trained_run / "training.json").read_text(encoding="utf-8"))
    facts["data"] |= {"name": "my-pictures", "attribution": None}
    config = json.loads((trained_run / "config.json").read_text())
    card = model_card(facts, config, trained_run)
    assert "license" not in yaml.safe_load(card.split("---")[1])
    assert "my-pictures" in card
    assert "Data and licence" not in card

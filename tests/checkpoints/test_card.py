import json
import math
import os
import re
import shutil
import subprocess

import numpy as np
import pytest
import yaml
from huggingface_hub import ModelCard, ModelCardData
from PIL import Image

from dcgan import Generator, faces
from dcgan.checkpoints import PLACEHOLDER, Training, model_card, read_training
from dcgan.files import sha256
from support import warm
from support.paths import ROOT

HOSTILE = "a|b `c` **d** <e> [f](g)\n---\n| h_"


@pytest.fixture
def card(trained_run):
    return (trained_run / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def facts(trained_run):
    return json.loads((trained_run / "training.json").read_text(encoding="utf-8"))


@pytest.fixture
def write(trained_run):
    """Writes the card of the tiny run, with other facts or beside other files."""
    config = json.loads((trained_run / "config.json").read_text(encoding="utf-8"))
    return lambda facts, folder=trained_run: model_card(Training.glean(json.dumps(facts)), config, folder)


def metadata(card: str) -> dict:
    return yaml.safe_load(card.split("---\n")[1])


def sections(card: str) -> dict[str, str]:
    """The text below each heading of second order."""
    return dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", card, re.MULTILINE | re.DOTALL))


def table(card: str) -> dict[str, str]:
    """The second cells of the card's table by the first; a row with another number of cells fails."""
    rows = card.split("\n| | |\n|---|---|\n")[1].split("\n\n")[0].splitlines()
    cells = [re.split(r"(?<!\\)\|", row) for row in rows]
    return {label.strip(): text.strip() for _, label, text, _ in cells}


def test_the_cards_metadata_is_what_the_hub_reads(card):
    found = metadata(card)
    assert found["license"] == "cc-by-4.0"
    assert found["pipeline_tag"] == "unconditional-image-generation"
    assert found["library_name"] == "pytorch"
    assert found["tags"] == ["dcgan", "gan", "unconditional-image-generation", "avatars"]


def test_the_hubs_own_classes_read_the_card_and_write_the_same(card, facts, write):
    facts["data"]["name"] = "someone/faces"
    for content in (card, write(facts)):
        found = metadata(content)
        read = ModelCard(content).data
        assert read.to_dict() == found
        for key in ("license", "datasets", "tags", "library_name", "pipeline_tag"):
            assert getattr(read, key) == found.get(key), key
        assert ModelCardData(**read.to_dict()).to_dict() == found


def test_the_evaluation_results_are_the_runs_own_metrics(card, facts):
    results = ModelCard(card).data.eval_results
    measured = {name: value for name, value in facts["metrics"].items() if name != "images_per_second"}
    assert {result.metric_type: result.metric_value for result in results} == measured
    assert set(measured) == {"loss_d", "loss_g", "d_real", "d_fake"}
    for result in results:
        assert result.task_type == "unconditional-image-generation"
        assert result.dataset_name == "avatars:adventurer"
        assert re.fullmatch(r"([\w-]+/)?[\w.-]+", result.dataset_type)  # the Hub refuses others
        assert " " in result.metric_name


def test_metrics_that_are_missing_or_no_numbers_are_left_out(facts, write):
    facts["metrics"] = {"loss_d": 0.5, "d_real": math.nan, "images_per_second": 90.0}
    results = ModelCard(write(facts)).data.eval_results
    assert [(result.metric_type, result.metric_value) for result in results] == [("loss_d", 0.5)]
    facts["metrics"] = {"images_per_second": 90.0}
    assert "model-index" not in metadata(write(facts))


@pytest.mark.parametrize(
    ("licence", "url", "expected"),
    [
        ("CC0 1.0", "https://cc.test/zero", {"license": "cc0-1.0"}),
        ("MIT", "", {"license": "mit"}),
        (
            "Free for personal and commercial use.",
            "https://avataaars.com/",
            {
                "license": "other",
                "license_name": "free-for-personal-and-commercial-use",
                "license_link": "https://avataaars.com/",
            },
        ),
        ("Own 1.0", "", {"license": "other", "license_name": "own-1.0"}),
        ("", "", {}),
    ],
)
def test_a_licence_is_named_as_the_hub_names_it_or_as_other_with_its_link(licence, url, expected, facts, write):
    facts["data"]["attribution"] |= {"licence": licence, "licence_url": url}
    found = metadata(write(facts))
    assert {key: value for key, value in found.items() if key.startswith("license")} == expected


@pytest.mark.parametrize(
    ("name", "datasets", "rendered"),
    [
        ("someone/faces", ["someone/faces"], False),
        ("my-pictures", None, False),
        ("pictures.zip", None, False),
        ("avatars:micah", None, True),
    ],
)
def test_only_hub_data_sets_are_linked_and_only_rendered_pictures_are_tagged(name, datasets, rendered, facts, write):
    facts["data"]["name"] = name
    found = ModelCard(write(facts)).data
    assert found.datasets == datasets
    assert ("avatars" in found.tags) == rendered
    assert {result.dataset_name for result in found.eval_results} == {name}


def test_the_card_carries_the_command_and_the_licence_word_for_word(card, facts):
    assert facts["command"] in card
    assert facts["data"]["attribution"]["licence_text"] in card
    assert "Lisa Wischofsky" in card
    assert facts["data"]["attribution"]["source"] in sections(card)["Data and licence"]


def test_a_second_measure_whose_distance_has_another_name_has_a_row_of_its_own_for_it(trained_run, tmp_path):
    folder = shutil.copytree(trained_run, tmp_path / "tiny")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    figures = {"kid": 0.5, "precision": 0.25, "recall": 0.125}
    first = figures | {"fid": 30.0, "spread": 60.0}
    second = figures | {"fd": 20.0}
    extractor = {"name": "N", "protocol": "p"}
    near = {"median": 1.0}
    evaluation = {
        "command": "first", "weights_sha256": sha256(folder / "model.safetensors"), "data": "d",
        "extractor": extractor | {"distance": "FID"}, "reals": {"words": "r"}, "seeds": {"first_face": 0},
        "samples": {"fakes": 20, "reals": 20}, "fakes": first, "floor": first,
        "neighbours": {"pictures": 9, "looked_up": 9, "relation": "r", "fakes": near, "reals": near,
                       "nearer_than_5%_of_reals": 0.0},
        "second": {"command": "second", "extractor": extractor | {"distance": "FD"}, "fakes": second, "floor": second},
    }  # fmt: skip
    (folder / "evaluation.json").write_text(json.dumps(evaluation), encoding="utf-8")
    card = model_card(read_training(folder), config, folder)
    assert "| KID x 1000 | 500 | 500 | 500 | 500 |\n| FID | 30 | 30 |  |  |\n| FD |  |  | 20 | 20 |\n" in card
    assert "| spread (grey levels) | 60 | 60 |  |  |" in card
    assert "\nfirst\nsecond\n" in card


def test_every_picture_the_card_shows_is_in_the_folder(card, facts, write, trained_run, tmp_path):
    shown = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", card)
    assert shown == ["samples/latest.png", "samples/timelapse.gif", "losses.png"]
    assert all((trained_run / name).is_file() for name in shown)
    assert "![" not in write(facts, tmp_path)


def test_the_sections_come_in_their_order_and_none_is_empty(card):
    found = sections(card)
    assert list(found) == ["Use", "Training", "Data and licence", "Limits", "Citation"]
    assert all(len(text.split()) > 10 for text in found.values())
    assert "1511.06434" in found["Citation"]


@pytest.mark.parametrize("known", [True, False])
def test_nothing_in_the_card_is_left_to_be_filled_in(known, facts, write):
    if not known:
        facts["data"]["attribution"] = None
    card = write(facts)
    assert not [gap for gap in ("More Information Needed", "None", "{{", "{%", "nan", "\n\n\n") if gap in card]


@pytest.mark.slow
def test_the_cards_usage_snippet_works(card, trained_run, tmp_path):
    snippet = re.search(r"```python\n(.*?)```", card, re.DOTALL)[1]
    snippet = snippet.replace(PLACEHOLDER, str(trained_run))
    snippet += f"import numpy; numpy.save({str(tmp_path / 'pixels.npy')!r}, pixels)"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run(warm.python("-c", snippet), check=True, cwd=tmp_path, env=environment)
    assert np.load(tmp_path / "pixels.npy").shape == (3, 24, 24, 3)
    (saved,) = tmp_path.glob("*.png")
    face = faces(Generator.from_pretrained(trained_run), seeds=[42])[0]
    assert np.array_equal(np.asarray(Image.open(saved)), face)


def test_snippets_have_at_most_five_lines_of_code_and_one_place_for_the_repositorys_name(card):
    snippets = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    assert snippets
    assert all(len([line for line in snippet.splitlines() if line.strip()]) <= 5 for snippet in snippets)
    assert card.count(PLACEHOLDER) == 1


def test_pictures_of_unknown_origin_get_no_licence_and_the_card_says_so(facts, write):
    facts["data"] |= {"name": "my-pictures", "attribution": None}
    card = write(facts)
    assert "license" not in metadata(card)
    assert re.search(r"doesn't know who made.*my-pictures.*licence", sections(card)["Data and licence"])
    assert "Lisa Wischofsky" not in card


def test_the_table_says_what_the_run_was(facts, write):
    facts |= {"step": 21854, "epoch": 14.0, "images_seen": 699_328, "seconds": 4258.5, "hardware": "2 CPU cores"}
    rows = table(write(facts))
    assert rows["steps"] == "21,854 (14.0 epochs)"
    assert rows["pictures seen"] == "699,328"
    assert rows["time"] == "1.2 h on 2 CPU cores, 164 pictures a second"
    assert rows["picture and latent"] == "24x24 pixels from 8 numbers"
    assert rows["feature maps"] == "generator 4, discriminator 4"
    assert rows["data fingerprint"] == f"`{facts['data']['fingerprint']}`"
    assert rows["run"] == f"`{facts['run_id']}`"
    for network, count in facts["parameters"].items():
        assert f"{network} {count:,}" in rows["parameters"]
    for package, number in facts["versions"].items():
        assert f"{package} {number}" in rows["versions"]


def test_the_recipe_is_told_in_words(facts, write):
    rows = table(write(facts))
    assert rows["recipe"].startswith("`best`: hinge loss, spectral normalisation")
    assert "decay 0.9998" in rows["recipe"]
    assert rows["optimiser"] == "Adam, beta1 0, learning rates 0.0008 (generator) and 0.0008 (discriminator)"
    facts["config"] |= {
        "recipe": "plain", "loss": "bce", "d_norm": "batch", "ema": False, "beta1": 0.5, "lr_generator": 0.001,
        "r1_gamma": 10.0, "r1_every": 4, "augment": ["color", "cutout"], "flip": True, "batch_size": 2048,
        "lr_decay": 0.25,
    }  # fmt: skip
    rows = table(write(facts))
    assert rows["recipe"] == (
        "`plain`: binary cross entropy, BatchNorm in the discriminator, no moving average, "
        "R1 penalty 10 every 4 updates, DiffAugment (color, cutout), half of the pictures mirrored"
    )
    assert rows["optimiser"] == (
        "Adam, beta1 0.5, learning rates 0.001 (generator) and 0.0008 (discriminator), "
        "falling to 0 over the last 25% of the run"
    )
    assert rows["batch size"] == "2,048"


@pytest.mark.parametrize(
    ("r1", "r2", "every", "words"),
    [(1.0, 0.0, 4, "R1 penalty 1 every 4 updates"), (0.0, 2.0, 4, "R2 penalty 2 every 4 updates"),
     (1.0, 1.0, 4, "R1 and R2 penalties, gamma 1 each, every 4 updates"),
     (1.0, 1.0, 1, "R1 and R2 penalties, gamma 1 each"), (0.5, 1.0, 1, "R1 penalty 0.5 and R2 penalty 1"),
     (0.5, 1.0, 4, "R1 penalty 0.5 and R2 penalty 1 every 4 updates")],
)  # fmt: skip
def test_both_gradient_penalties_are_told_with_how_strong_and_how_seldom_they_are(r1, r2, every, words, facts, write):
    facts["config"] |= {"r1_gamma": r1, "r2_gamma": r2, "r1_every": every}
    assert table(write(facts))["recipe"].endswith(f"(decay 0.9998), {words}")


def test_a_run_without_penalties_or_from_before_r2_says_nothing_of_them(facts, write):
    facts["config"] |= {"r1_gamma": 0.0, "r2_gamma": 0.0}
    assert "penalt" not in write(facts)
    del facts["config"]["r2_gamma"], facts["config"]["beta2"]
    assert table(write(facts))["recipe"].endswith("(decay 0.9998)")
    assert table(write(facts))["optimiser"].startswith("Adam, beta1 0, learning rates")


def test_the_relativistic_loss_and_an_unusual_beta2_are_told(facts, write):
    facts["config"] |= {"loss": "relativistic", "beta2": 0.99}
    rows = table(write(facts))
    assert rows["recipe"].startswith("`best`: relativistic pairing loss, ")
    assert rows["optimiser"].startswith("Adam, beta1 0, beta2 0.99, learning rates")


@pytest.mark.parametrize(
    ("config", "words"),
    [({"d_norm": "batch"}, "BatchNorm"), ({"d_norm": "spectral"}, "spectral normalisation"),
     ({"d_norm": "none"}, "no normalisation"), ({"spectral_norm": False}, "BatchNorm"),
     ({"spectral_norm": True}, "spectral normalisation")],
    ids=str,
)  # fmt: skip
def test_the_card_names_the_discriminators_norm_as_runs_of_today_and_older_ones_have_it(config, words, facts, write):
    del facts["config"]["d_norm"]
    facts["config"] |= config
    assert f"hinge loss, {words} in the discriminator, moving" in table(write(facts))["recipe"]


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "less than a second on"), (0.1, "less than a second on"), (12.4, "12 s on"),
                           (754, "13 min on"), (4258.5, "1.2 h on"), (5_400_000, "1,500.0 h on")],
)  # fmt: skip
def test_time_is_told_in_the_unit_that_fits(seconds, words, facts, write):
    facts["seconds"] = seconds
    row = table(write(facts))["time"]
    assert row.startswith(words)
    assert ("a second" in row.removeprefix(words)) == (seconds > 0)


def test_a_name_with_markdown_in_it_is_shown_as_it_is_and_breaks_nothing(facts, write):
    shown = r"a\|b \`c\` \*\*d\*\* \<e\> \[f\](g) --- \| h\_"
    facts["data"] |= {"name": HOSTILE, "attribution": None}
    facts["command"] = f"python train.py --data '{HOSTILE} ```'"
    card = write(facts)
    assert table(card)["data"] == f"{shown}, {facts['data']['pictures']} pictures"
    assert f"**{shown}**" in sections(card)["Data and licence"]
    assert f"\n````\n{facts['command']}\n````\n" in card
    assert {result.dataset_name for result in ModelCard(card).data.eval_results} == {HOSTILE}


def test_a_folders_name_with_markdown_in_it_is_shown_as_it_is(facts, write, tmp_path):
    folder = tmp_path / "my_run *2*"
    folder.mkdir()
    card = write(facts, folder)
    assert "\n# my\\_run \\*2\\*: 24x24 faces by a DCGAN\n" in card
    assert ModelCard(card).data.model_name == "my_run *2*"


def test_the_training_json_of_the_bundled_checkpoint_still_makes_a_card():
    folder = ROOT / "checkpoints" / "adventurer-96"
    training, config = read_training(folder), json.loads((folder / "config.json").read_text(encoding="utf-8"))
    card = model_card(training, config, folder)
    assert table(card)["steps"] == f"{training.step:,} ({training.epoch} epochs)"
    assert training.data.attribution.licence_text in card

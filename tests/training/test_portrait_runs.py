"""What a run on portraits says of the art, from the training to its bundle."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

import train
from dcgan.checkpoints import load_generator, read_training
from dcgan.checkpoints.__main__ import main as checkpoints_main
from dcgan.data import cache_root
from dcgan.data.portraits import BACKGROUNDS, CREDIT
from dcgan.evaluation.__main__ import main as evaluation_main
from support.layers import write_layers, zipped
from support.tiny import TINY


def trained(art: Path, folder: Path, *options: str) -> Path:
    words = ["--data", f"portraits:{art}", *TINY[2:], "--epochs", "1", "--output-dir", str(folder), *options]
    assert train.main(words) == 0
    return folder


@pytest.fixture(scope="module")
def art(tmp_path_factory) -> Path:
    return write_layers(tmp_path_factory.mktemp("art") / "pixel-art-portraits")


@pytest.fixture(scope="module")
def portraits_run(art, tmp_path_factory) -> Path:
    return trained(art, tmp_path_factory.mktemp("runs") / "portraits")


def test_a_run_on_portraits_names_the_art_and_no_path(art, portraits_run):
    assert load_generator(portraits_run).image_size == 24
    facts = read_training(portraits_run)
    assert facts.data.name == "portraits:pixel-art-portraits"
    assert facts.data.attribution.to_json() == asdict(CREDIT)
    assert facts.config["background"] == list(BACKGROUNDS)
    assert "--data portraits:pixel-art-portraits" in facts.command
    card = (portraits_run / "README.md").read_text(encoding="utf-8")
    assert "license: cc-by-4.0" in card
    assert "- anime\n" in card
    assert "pixel-art-portraits by Viktor Hahn, CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/)" in card
    assert f"It was changed: {CREDIT.changes}." in card
    assert "https://github.com/V-ktor/pixel-art-portraits" in card
    for name in ("training.json", "README.md"):
        assert str(art.parent) not in (portraits_run / name).read_text(encoding="utf-8")


def test_resume_finds_the_same_portraits_in_a_zip_of_them(art, portraits_run, tmp_path):
    path = zipped(art, tmp_path / "art.zip")
    words = ["--resume", "--data", f"portraits:{path}", "--epochs", "2", "--output-dir", str(portraits_run)]
    assert train.main(words) == 0
    assert read_training(portraits_run).epoch == 2


def test_backgrounds_and_crop_can_be_chosen(art, tmp_path):
    run = trained(art, tmp_path / "run", "--background", "white", "--portrait-crop", "bust")
    config = read_training(run).config
    assert (config["background"], config["portrait_crop"]) == (["white"], "bust")


def test_a_run_on_the_art_is_bundled_and_one_under_an_unknown_licence_is_not(art, portraits_run, tmp_path, capsys):
    assert checkpoints_main(["bundle", str(portraits_run), str(tmp_path / "bundle")]) == 0
    unlicensed = write_layers(tmp_path / "other", licence="All rights reserved.")
    run = trained(unlicensed, tmp_path / "run")
    capsys.readouterr()
    assert checkpoints_main(["bundle", str(run), str(tmp_path / "other-bundle")]) == 2
    assert "licence unknown" in capsys.readouterr().err
    assert not (tmp_path / "other-bundle").exists()


@pytest.mark.slow
def test_portraits_are_measured_against_held_out_ones_and_their_page_stays_in_the_cache(art, portraits_run):
    words = ["--data", f"portraits:{art}", "--count", "16", "--extractor", "efficientnet-lite0"]
    assert evaluation_main([str(portraits_run), *words]) == 0
    report = json.loads((portraits_run / "evaluation.json").read_text(encoding="utf-8"))
    assert report["reals"]["held_out"]
    assert report["reals"]["words"] == "portraits of number 1,000,000 and up, which training never draws"
    assert report["reals"]["same_as_trained"] == 0
    assert report["neighbours"]["relation"] == "which were trained on"
    assert "--data portraits:pixel-art-portraits" in report["command"]
    assert not (portraits_run / "samples" / "neighbours.png").exists()
    assert (cache_root() / "neighbours" / "portraits.png").is_file()


@pytest.mark.parametrize(
    ("break_it", "named"),
    [
        (lambda art: "portraits:nowhere", "there is no folder or .zip nowhere"),
        (lambda art: f"portraits:{art.parent}/empty", "holds no layers"),
    ],
)
def test_art_that_is_not_there_is_one_line_and_no_run(break_it, named, art, tmp_path, capsys):
    (art.parent / "empty").mkdir(exist_ok=True)
    out = tmp_path / "run"
    assert train.main(["--data", break_it(art), *TINY[2:], "--output-dir", str(out)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert named in line
    assert not out.exists()

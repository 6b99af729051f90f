"""The README's results, held against the checkpoints that they are of."""

import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import eye, results
from dcgan.checkpoints import read_evaluation, read_training, snapshot_names
from dcgan.evaluation import open_extractor
from dcgan.files import sha256
from support.paths import ADVENTURER

README = (results.ROOT / "README.md").read_text(encoding="utf-8")


def test_every_bundled_checkpoint_is_in_the_table_and_the_default_is_first():
    bundled = {path.parent for path in (results.ROOT / "checkpoints").glob("*-96/config.json")}
    assert set(results.BUNDLES) == bundled
    rows = results.table().splitlines()[2:]
    assert [row.split(" ")[1] for row in rows] == [folder.name for folder in results.BUNDLES]


def test_the_table_of_the_readme_is_what_the_script_prints():
    assert results.table() in README


def test_the_table_has_the_figures_that_each_checkpoint_carries():
    rows = results.table().splitlines()[2:]
    for folder, row in zip(results.BUNDLES, rows, strict=True):
        found = read_evaluation(folder).fakes
        assert f"| {1000 * found.kid:.4g} (" in row
        assert f"| {found.precision:.4g} (" in row


@pytest.fixture
def tiny(trained_run, tmp_path):
    """A tiny checkpoint with an evaluation that was made up."""
    folder = shutil.copytree(trained_run, tmp_path / "tiny")
    figures = {"kid": 0.5, "fd": 30.0, "precision": 0.25, "recall": 0.125, "spread": 60.0}
    write_evaluation(folder, {"fakes": figures, "floor": figures})
    return folder


def write_evaluation(folder, evaluation):
    about = {"weights_sha256": sha256(folder / "model.safetensors")}
    (folder / "evaluation.json").write_text(json.dumps(about | evaluation), encoding="utf-8")


def test_what_was_measured_once_and_not_judged_by_eye_has_no_second_figures_and_a_dash(tiny):
    cells = results.table([tiny]).splitlines()[2].split(" | ")
    assert cells[2:] == ["500 (500.00)", "30 (30)", "0.25 (0.25)", "0.125 (0.125)", "60 (60)", "- |"]


def test_a_second_measure_stands_after_a_slash(tiny):
    second = {"kid": 0.25, "fd": 20.0, "precision": 0.5, "recall": 0.75}
    write_evaluation(tiny, read_evaluation(tiny).to_json() | {"second": {"fakes": second, "floor": second}})
    cells = results.table([tiny]).splitlines()[2].split(" | ")
    assert cells[2:7] == [
        "500 (500.00) / 250 (250.00)", "30 (30) / 20 (20)", "0.25 (0.25) / 0.5 (0.5)", "0.125 (0.125) / 0.75 (0.75)",
        "60 (60)",
    ]  # fmt: skip


def test_the_table_counts_the_broken_only_where_all_were_judged_of_these_weights(tiny):
    eye.draw(tiny)
    path = tiny / "eye" / "verdicts.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    verdicts = dict.fromkeys(found["verdicts"], "whole")
    verdicts[str(found["first_seed"])] = "two mouths"
    for given, cell in ((verdicts, "1"), (verdicts | {str(found["first_seed"]): ""}, "-")):
        path.write_text(json.dumps(found | {"verdicts": given}), encoding="utf-8")
        assert results.table([tiny]).endswith(f" | {cell} |")
    path.write_text(json.dumps(found | {"verdicts": verdicts, "weights_sha256": "0" * 64}), encoding="utf-8")
    assert results.table([tiny]).endswith(" | - |")


def test_the_faces_of_the_readme_are_the_defaults_first_64(tmp_path):
    results.draw_faces(tmp_path / "faces.png")
    anew, shown = (
        np.asarray(Image.open(path), dtype=int)
        for path in (tmp_path / "faces.png", results.ROOT / "docs" / "faces.png")
    )
    assert anew.shape == shown.shape
    assert np.abs(anew - shown).max() <= 2


def test_a_curve_has_a_point_for_each_snapshot_and_goes_down(monkeypatch, tmp_path):
    monkeypatch.setattr(results, "SAMPLES", 32)
    extractor = open_extractor("efficientnet-lite0", None, torch.device("cpu"))
    curve = results.measure_curve(ADVENTURER, extractor)
    assert len(curve) == len(snapshot_names(ADVENTURER))
    assert max(curve) == pytest.approx(read_training(ADVENTURER).images_seen, rel=0.001)
    assert list(curve) == sorted(curve)
    assert curve[max(curve)] < curve[min(curve)]
    results.draw_curves({"adventurer-96": curve}, tmp_path / "curve.png")
    with Image.open(tmp_path / "curve.png") as plot:
        assert plot.size == (960, 480)

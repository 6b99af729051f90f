"""The README's results, held against the checkpoints that they are of."""

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import results
from dcgan.card import read_evaluation
from dcgan.checkpoints import read_training, snapshots
from dcgan.extractors import open_extractor

README = (results.ROOT / "README.md").read_text(encoding="utf-8")


def test_every_bundled_checkpoint_is_in_the_table_and_the_default_is_first():
    bundled = {path.parent for path in (results.ROOT / "checkpoints").glob("*-96/config.json")}
    assert set(results.bundles()) == bundled
    assert results.bundles()[0] == results.DEFAULT


def test_the_table_of_the_readme_is_what_the_script_prints():
    assert results.table() in README


def test_the_table_has_the_figures_that_each_checkpoint_carries():
    rows = results.table().splitlines()[2:]
    for folder, row in zip(results.bundles(), rows, strict=True):
        found = read_evaluation(folder)["fakes"]
        assert f"| {1000 * found['kid']:.4g} (" in row
        assert f"| {found['precision']:.4g} (" in row


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
    curve = results.measure_curve(results.DEFAULT, extractor)
    facts = read_training(results.DEFAULT)
    assert len(curve) == len(snapshots(results.DEFAULT))
    assert max(curve) == pytest.approx(facts["images_seen"], rel=0.001)
    assert list(curve) == sorted(curve)
    assert curve[max(curve)] < curve[min(curve)]
    results.draw_curves({"adventurer-96": curve}, tmp_path / "curve.png")
    with Image.open(tmp_path / "curve.png") as plot:
        assert plot.size == (960, 480)

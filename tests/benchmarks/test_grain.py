"""What grain costs, measured on a tiny checkpoint."""

import shutil

import numpy as np
import pytest

from benchmarks import grain
from dcgan import denoise
from dcgan.checkpoints import load_generator
from dcgan.sampling import faces


@pytest.mark.slow
def test_each_kind_of_pictures_gets_a_row_and_noise_takes_pictures_away_from_their_kind(trained_run, capsys):
    assert grain.main([str(trained_run), "--count", "24"]) == 0
    head, _, *table = capsys.readouterr().out.splitlines()
    assert head == "tiny: 24 pictures of each kind against as many held-out ones"
    rows = {row.split(" | ")[0].strip("| "): float(row.split(" | ")[1]) for row in table[2:]}
    assert list(rows)[:2] == ["others of them", "these, denoised"]
    assert rows["others of them"] < rows["these with noise of 4 levels"] < rows["these with noise of 8 levels"]


def test_faces_are_denoised_as_their_generator_does(trained_run, tmp_path):
    shutil.copytree(trained_run, tmp_path / "run")
    denoise.main([str(tmp_path / "run")])
    generator = load_generator(tmp_path / "run")
    expected = faces(generator, list(range(10))).astype(int)
    assert np.abs(grain.denoised(grain.undenoised_faces(generator, 10)) - expected).max() <= 2  # pixels were rounded


def test_too_few_pictures_are_refused(trained_run, capsys):
    assert grain.main([str(trained_run), "--count", "9"]) == 2
    assert "--count must be 10 or more" in capsys.readouterr().err

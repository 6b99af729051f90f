"""What is committed under checkpoints/, held against what is promised of it."""

import json
import shlex
import subprocess
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file

import train
from benchmarks.eye import LABEL, seeds_of
from benchmarks.steered import ANSWERS, KEY, MIN_SEEN
from dcgan import Discriminator, checkpoints, faces
from dcgan.checkpoints import read_evaluation
from dcgan.checkpoints.bundle import ALL_BUNDLED_LIMIT, BUNDLED_FILE_LIMIT, BUNDLED_FOLDER_LIMIT, BUNDLED_LICENCES
from dcgan.config import TrainConfig, config_of
from dcgan.data import avatars, portraits
from dcgan.evaluation.directions import MIN_MOVED
from dcgan.evaluation.measure import LOOKED_UP
from dcgan.evaluation.nearest import spread
from dcgan.files import sha256
from dcgan.latents import seeds_from
from dcgan.layout import BUNDLED, EYE_SHEET_NAME, VERDICTS_NAME
from dcgan.training.metrics_log import read_metrics
from support.paths import ROOT

FOLDERS = [ROOT / "checkpoints" / name for name in BUNDLED]


@pytest.mark.slow
def test_each_is_committed_and_no_other():
    committed = subprocess.run(["git", "ls-files", "checkpoints"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {Path(line).parts[1] for line in committed.stdout.splitlines()} == set(BUNDLED)


def test_together_they_are_small_enough_to_clone():
    sizes = [path.stat().st_size for folder in FOLDERS for path in folder.rglob("*") if path.is_file()]
    assert sum(sizes) < ALL_BUNDLED_LIMIT


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
class TestEachBundle:
    def test_is_small_enough_to_commit(self, folder):
        files = [path for path in folder.rglob("*") if path.is_file()]
        assert max(path.stat().st_size for path in files) < BUNDLED_FILE_LIMIT
        assert sum(path.stat().st_size for path in files) < BUNDLED_FOLDER_LIMIT
        tensors = load_file(folder / "model.safetensors")
        assert {str(t.dtype) for t in tensors.values() if t.ndim == 4} == {"torch.float16"}

    def test_draws_faces_that_differ_and_its_snapshots_do_too(self, folder):
        names = checkpoints.snapshot_names(folder)
        assert len(names) >= 3  # early, midway, at the end
        drawn = [faces(checkpoints.load_generator(folder, name), [1, 2, 3, 4]) for name in (None, *names)]
        assert all(face.std() > 20 for sheet in drawn for face in sheet)
        assert len({face.tobytes() for face in drawn[0]}) == 4
        assert not np.array_equal(drawn[1], drawn[-1])
        Discriminator.from_pretrained(folder / "discriminator")

    def test_says_whose_pictures_it_learned_from_in_their_own_words(self, folder):
        data = checkpoints.read_training(folder).data
        drawn = data.name.startswith("avatars:")
        credit = avatars.attribution(data.name.removeprefix("avatars:")) if drawn else portraits.CREDIT
        assert data.attribution.to_json() == asdict(credit)
        assert data.attribution.licence.startswith(BUNDLED_LICENCES)
        assert data.attribution.licence_text in (folder / "README.md").read_text(encoding="utf-8")

    def test_holds_the_command_that_made_it(self, folder):
        facts = checkpoints.read_training(folder)
        words = shlex.split(facts.command)
        given = train.given_options(train.build_parser().parse_args(words[2:]))
        assert config_of(given) == TrainConfig.from_dict(facts.config)
        assert read_metrics(folder)[-1]["images"] == facts.images_seen

    @pytest.mark.slow
    def test_carries_what_was_measured_of_these_very_weights(self, folder):
        evaluation = read_evaluation(folder)
        assert evaluation.samples.fakes == 5000
        assert evaluation.reals.held_out
        drawn = faces(checkpoints.load_generator(folder), seeds_from(evaluation.seeds.first_face, LOOKED_UP))
        assert spread(drawn) == pytest.approx(evaluation.fakes.spread, rel=0.01)
        card = (folder / "README.md").read_text(encoding="utf-8")
        assert evaluation.command in card
        is_shown = checkpoints.read_training(folder).data.name.startswith(
            "avatars:"
        )  # portraits beside faces would be copies of the art
        assert ("](samples/neighbours.png)" in card) == is_shown
        assert (folder / "samples" / "neighbours.png").is_file() == is_shown

    def test_has_six_directions_at_least_that_were_measured_and_seen(self, folder):
        found = read_evaluation(folder).directions.found
        shipped = {name: each for name, each in found.items() if each.shipped}
        assert checkpoints.read_directions(folder, 100).keys() == shipped.keys()
        assert len(shipped) >= 6
        assert all(each.moved >= MIN_MOVED and each.by_eye >= MIN_SEEN for each in shipped.values())
        answers, key = (json.loads((folder / "eye" / "directions" / name).read_text()) for name in (ANSWERS, KEY))
        for name, each in shipped.items():
            assert each.by_eye == sum(key[pair] == side for pair, side in answers[name].items())

    def test_its_sheet_to_judge_by_eye_is_of_these_very_weights(self, folder):
        if (folder / VERDICTS_NAME).exists():
            digest, found = sha256(folder / "model.safetensors"), json.loads((folder / VERDICTS_NAME).read_text())
            assert found["weights_sha256"] == digest
            assert list(found["verdicts"]) == [str(seed) for seed in seeds_of(digest)]
            with Image.open(folder / EYE_SHEET_NAME) as sheet:
                assert sheet.size == (8 * 194 + 2, 8 * (194 + LABEL) + 2)

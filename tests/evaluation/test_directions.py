"""Named directions are found on faces, and tested on others."""

import json
import random
import shutil

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks import steered
from dcgan import directions as command
from dcgan.checkpoints import read_directions, read_evaluation
from dcgan.evaluation.attributes import ADVENTURER, ANY, attributes_of, covered, light, opposite, unlike, warm
from dcgan.evaluation.directions import apart, find_directions, ranked

DIM = 16
TOP, BOTTOM = (0, 48, 0, 96), (48, 96, 0, 96)


class Lamp(nn.Module):
    """Draws pictures whose upper half is as light, and whose lower half as warm, as two numbers of the latent say.

    A third one makes the lower half green above 0.5, and half as green far below 0.
    """

    latent_dim = DIM

    def __init__(self):
        super().__init__()
        self.first = nn.ConvTranspose2d(DIM, 8, 4)
        self.eval()

    def forward(self, z):
        picture = torch.zeros(len(z), 3, 24, 24)
        picture[:, :, :12] = torch.tanh(0.3 * z[:, 3] + 0.05 * z[:, 9])[:, None, None, None]
        picture[:, 0, 12:] = torch.tanh(0.3 * z[:, 5])[:, None, None]
        green = 0.7 * (z[:, 7] > 0.5) + 0.35 * (z[:, 7] < -1.2) + 0.05 * z[:, 7]
        picture[:, 1, 12:] = green[:, None, None]
        return picture


@pytest.fixture(scope="module")
def found():
    attributes = {"light": light(TOP), "dark": opposite(light(TOP)), "warm": warm(BOTTOM)}
    attributes["green"] = lambda pictures: pictures[:, 12:, :, 1].mean(axis=(1, 2))
    attributes["same"] = lambda pictures: np.zeros(len(pictures))
    return find_directions(Lamp(), attributes, fit=400, test=100, steered=100)


def test_a_direction_raises_what_it_is_named_after_by_one_standard_deviation_on_held_out_faces(found):
    for name, axis, sign in (("light", 3, 1), ("dark", 3, -1), ("warm", 5, 1)):
        vector, measured = found[name].vector, found[name].measured
        assert sign * vector[axis] / vector.norm() > 0.95
        assert measured.effect == pytest.approx(1, abs=0.15)
        assert measured.moved == 1
        assert measured.r2 > 0.9 > measured.sefa_r2
        assert measured.shipped
    assert found["warm"].measured.leakage < 0.2
    assert found["light"].measured.leaks_into == "dark"


def test_what_has_much_of_an_attribute_and_hardly_less_of_it_is_scaled_by_the_way_ahead(found):
    vector, measured = found["green"].vector, found["green"].measured
    assert vector[7] / vector.norm() > 0.95
    assert measured.effect == pytest.approx(1, abs=0.3)  # it comes in a leap


def test_what_does_not_vary_is_not_shipped(found):
    assert found["same"].vector is None
    assert (found["same"].measured.shipped, found["same"].measured.moved) == (False, 0)


def test_a_direction_leaves_alone_what_latents_tell_best():
    told, hardly_told, one = torch.eye(3).double() * torch.tensor([0.8, 0.5, 0.1])
    unit = apart(torch.stack([told, hardly_told, one + told / 8 + hardly_told / 2], dim=1), 2)
    assert unit.norm() == pytest.approx(1)
    assert unit @ told == pytest.approx(0, abs=1e-9)
    assert unit @ hardly_told > 0.1


def test_a_few_extreme_faces_do_not_decide():
    measured = np.array([[1.0], [2], [3], [1000]])
    assert np.allclose(ranked(measured)[:, 0], -ranked(-measured)[:, 0])
    assert np.allclose(ranked(measured)[:, 0], ranked(np.arange(4.0)[:, None])[:, 0])


def test_attributes_measure_what_their_names_say():
    grey = np.full((1, 96, 96, 3), 120, np.uint8)
    red, haired = grey.copy(), grey.copy()
    red[..., 0] = 200
    haired[:, 60:90, :20] = 0
    box = (60, 90, 0, 20)
    assert warm(box)(red) > warm(box)(grey) == 0
    assert light(box)(haired) == 0 < light(box)(grey)
    assert covered(box)(haired) == 120 > covered(box)(grey) == 0
    assert unlike(box, (0, 20, 0, 20))(haired) == 120
    assert attributes_of("avatars:adventurer") is ADVENTURER
    assert attributes_of("my-pictures") is ANY
    for attributes in (ADVENTURER, ANY):
        small = np.random.default_rng(0).integers(0, 255, (5, 24, 24, 3), np.uint8)
        assert all(attribute(small).shape == (5,) for attribute in attributes.values())


@pytest.fixture
def steerable(trained_run, tmp_path, monkeypatch):
    """A finished run whose directions were looked for, of which some hold."""
    monkeypatch.setattr("dcgan.evaluation.directions.MIN_MOVED", 0.55)  # it was trained for a moment
    folder = shutil.copytree(trained_run, tmp_path / "run")
    assert command.main([str(folder), "--fit", "200", "--test", "20"]) == 0
    return folder


def test_the_command_keeps_what_holds_and_tells_of_all_in_report_and_card(steerable):
    measured = read_evaluation(steerable).directions
    assert measured.found.keys() == ADVENTURER.keys()
    shipped = {name for name, each in measured.found.items() if each.shipped}
    assert shipped
    assert read_directions(steerable, 8).keys() == shipped
    card = (steerable / "README.md").read_text()
    assert "## Directions" in card
    assert all((f"| `{name}` |" in card) == each.shipped for name, each in measured.found.items())
    assert all((f"`{name}` (raised in" in card) != each.shipped for name, each in measured.found.items())
    assert measured.command == "python -m dcgan.directions run --fit 200 --test 20"


def test_what_was_measured_is_forgotten_with_the_weights_it_was_measured_of(steerable):
    shutil.copy(steerable / "epochs" / "epoch-0001" / "model.safetensors", steerable / "model.safetensors")
    assert read_evaluation(steerable) is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--fit", "3"], "--fit 3 faces are too few"), (["--test", "0"], "--test 0 faces are too few")],
)
def test_too_few_faces_are_refused(arguments, words, trained_run, capsys):
    assert command.main([str(trained_run), *arguments]) == 2
    assert words in capsys.readouterr().err


def test_a_folder_that_is_no_checkpoint_costs_a_line(tmp_path, capsys):
    assert command.main([str(tmp_path / "nowhere")]) == 2
    assert "there is no checkpoint folder" in capsys.readouterr().err


def judged(place, right):
    """Answers as a person would give them who is right so many times for each direction."""
    answers, key = (json.loads((place / name).read_text()) for name in (steered.ANSWERS, steered.KEY))
    other = {"left": "right", "right": "left"}
    for given in answers.values():
        for i, label in enumerate(given):
            given[label] = key[label] if i < right else other[key[label]]
    (place / steered.ANSWERS).write_text(json.dumps(answers))


def test_pairs_are_judged_under_names_that_tell_nothing_and_what_is_not_seen_is_dropped(steerable, tmp_path):
    before = read_directions(steerable, 8)
    steered.draw(steerable, tmp_path / "judged", random.Random(7))
    answers, key = (json.loads((tmp_path / "judged" / name).read_text()) for name in (steered.ANSWERS, steered.KEY))
    assert answers.keys() == before.keys()
    assert {len(given) for given in answers.values()} == {10}
    assert sorted(label for given in answers.values() for label in given) == sorted(key)
    assert set(key.values()) == {"left", "right"}
    judged(tmp_path / "judged", 8)
    steered.count(steerable, tmp_path / "judged")
    assert read_directions(steerable, 8).keys() == before.keys()
    judged(tmp_path / "judged", 7)
    assert "7 of 10, dropped" in "\n".join(steered.count(steerable, tmp_path / "judged"))
    assert read_directions(steerable, 8) == {}
    assert "(7 of 10 by eye)" in (steerable / "README.md").read_text()


def test_answers_that_are_missing_are_named_and_a_persons_work_is_never_overwritten(steerable, tmp_path, capsys):
    words = [str(steerable), str(tmp_path / "judged")]
    assert steered.main(["draw", *words]) == 0
    assert steered.main(["count", *words]) == 2
    assert "write left or right" in capsys.readouterr().err
    assert steered.main(["draw", *words]) == 2
    assert "a person's work may be in it" in capsys.readouterr().err


def test_the_right_side_of_a_pair_is_the_face_that_was_moved_forward_where_the_key_says_so(steerable):
    [(_, direction), *_] = read_directions(steerable, 8).items()
    generator = command.load_generator(steerable)
    right, left = (steered._pair(generator, 5, direction, side) for side in ("right", "left"))
    half = right.shape[1] // 2
    assert np.array_equal(right[:, half:], left[:, :half])

"""The comparison of recipes, on runs of a second."""

import os
import shlex
import signal
import threading
import time
import zipfile
from dataclasses import replace
from subprocess import Popen

import numpy as np
import pytest
import torch

import train
from benchmarks import arms, averages, picture_sets, recipes, records, rounds, speed, tables, trial
from benchmarks.arms import ARMS, AVERAGES
from benchmarks.picture_sets import ADVENTURER, ANIME, PORTRAITS, adventurer
from benchmarks.trial import Trial
from dcgan.checkpoints import load_generator, load_state
from dcgan.config import RECIPES
from dcgan.data import load_pictures
from dcgan.errors import InputError
from dcgan.files import sha256
from dcgan.training.metrics_log import MetricsLog
from support.long_run import MEASURE
from support.pictures import avatar, picture_bytes
from support.tiny import TINY

pytestmark = pytest.mark.slow

LEVERS = {
    "base": {}, "float32": {"precision": "float32"}, "spectral": {"d_norm": "spectral"},
    "gamma-0.3": {"r1_gamma": 0.3, "r2_gamma": 0.3}, "gamma-5": {"r1_gamma": 5.0, "r2_gamma": 5.0},
    "every-step": {"r1_every": 1}, "batch-32": {"batch_size": 32},
    "generator-64": {"generator_feature_maps": 64}, "discriminator-48": {"discriminator_feature_maps": 48},
    "beta2-0.99": {"beta2": 0.99}, "augment": {"augment": ("color", "translation", "cutout")},
    "hinge": {"loss": "hinge", "d_norm": "spectral", "r2_gamma": 0.0},
    "ema-0.98": {"ema_decay": 0.98}, "ema-0.99": {"ema_decay": 0.99}, "ema-0.995": {"ema_decay": 0.995},
}  # fmt: skip
SEEN = 128  # pictures, 8 steps of the base


@pytest.fixture
def tiny(monkeypatch):
    """Arms with the narrowest networks in two pieces, and train.py in this very process, which spares its imports."""
    monkeypatch.setattr(arms, "COMMON", tuple(TINY[2:]))  # all but --data
    monkeypatch.setattr(trial, "QUARTERS", 2)
    monkeypatch.setattr(picture_sets, "DRAWN_SAMPLES", 16)
    monkeypatch.setattr(recipes, "program", lambda words, keep_open: here(words))
    shorter = {number: replace(this, sets=(ADVENTURER,), pictures=SEEN) for number, this in rounds.ROUNDS.items()}
    monkeypatch.setattr(rounds, "ROUNDS", shorter)
    monkeypatch.setattr(recipes, "ROUNDS", shorter)


def here(words):
    return averages.main(words[2:]) if words[0] == "-m" else train.main(words[1:])


def a_second_has_passed(log):
    log.seconds += 1
    return 1.0


def small_trial(folder, name="base", count=SEEN):
    return Trial(folder, "round 1", name, adventurer(), count, seed=0)


# The arms


@pytest.mark.parametrize("name", LEVERS)
def test_an_arm_is_the_base_but_for_its_levers(name, tmp_path):
    base, arm = (small_trial(tmp_path, each, 64_000).config() for each in ("base", name))
    assert arm.but(save_every=1) == base.but(**LEVERS[name], max_steps=arm.max_steps, save_every=1)


def test_the_base_is_what_was_tried_and_plain_is_a_whole_recipe(tmp_path):
    base, plain = (small_trial(tmp_path, each, 64_000).config() for each in ("base", "plain"))
    told = base.but(data="portraits:art").command()
    for words in ("--loss relativistic", "--d-norm none", "--r2-gamma 1.0", "--generator-feature-maps 48"):
        assert words in told
    assert (base.r1_gamma, base.r1_every, base.batch_size, base.lr_generator, base.beta1) == (1, 4, 16, 8e-4, 0)
    assert {name: getattr(plain, name) for name in RECIPES["plain"]} == RECIPES["plain"]
    assert set(ARMS) == {*LEVERS, "plain"}


@pytest.mark.parametrize("name", [*ARMS, arms.AVERAGED])
@pytest.mark.parametrize("count", [64_000, 200_000])
def test_all_arms_see_the_same_number_of_pictures_and_learn_at_steady_rates(name, count, tmp_path):
    config = small_trial(tmp_path, name, count).config()
    assert config.max_steps * config.batch_size == count
    assert config.lr_decay == 0  # it would hang on where a quarter ends


def test_a_run_is_measured_at_each_quarter_of_its_pictures(tmp_path):
    assert small_trial(tmp_path, "base", 64_000).ends == [1000, 2000, 3000, 4000]
    assert small_trial(tmp_path, "plain", 200_000).ends == [781, 1562, 2344, 3125]


# Averages side by side


def test_an_average_is_bit_for_bit_what_the_option_gives(tiny_config, tmp_path):
    config = tiny_config(max_steps=12, ema_decay=0.5)
    run = averages.AveragedRun.start(
        tmp_path, config, load_pictures("avatars:adventurer", 24, 40), [0.5, 0.25], torch.device("cpu")
    )
    with train.StopRequest() as stop:
        assert run.train(stop) == 0
    wanted = run.state.ema.state_dict()
    same, other = (run.averages.generators[decay].state_dict() for decay in (0.5, 0.25))
    assert all(torch.equal(wanted[name], same[name]) for name in wanted)
    assert not all(torch.equal(wanted[name], other[name]) for name in wanted)


def test_the_averages_of_round_1_differ_within_its_length():
    """An average warms up, and all whose decay that never reaches are the same."""
    steps = rounds.ROUNDS[1].pictures // 16
    assert len(set(AVERAGES.values())) == len(AVERAGES)
    assert max(AVERAGES.values()) < steps / (steps + 9)


def test_a_run_with_averages_that_was_stopped_goes_on_exactly(tiny, tmp_path):
    words = ["--decays", "0.5,0.25", "--data", "avatars:adventurer", *TINY[2:]]
    for folder, ends in (("at once", [8]), ("stopped", [3, 8])):
        for end in ends:
            going_on = ["--resume"] if end != ends[0] else []
            out = ["--max-steps", str(end), "--output-dir", str(tmp_path / folder)]
            assert averages.main([*(words[:2] if going_on else words), *going_on, *out]) == 0
    at_once, stopped = (load_state(tmp_path / folder).tensors for folder in ("at once", "stopped"))
    assert all(torch.equal(at_once[name], stopped[name]) for name in at_once)
    assert any(name.startswith("average-0.25.") for name in at_once)


def test_a_run_with_averages_ends_where_a_loss_is_no_number(tiny, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(averages.training, "train", lambda *_: iter([{"loss_g": torch.tensor(float("nan"))}]))
    assert small_trial(tmp_path / "trial", arms.AVERAGED).train(here) == 0
    assert small_trial(tmp_path / "trial", arms.AVERAGED).gave_up == "loss_g is nan"
    assert "loss_g is nan" in capsys.readouterr().err


# The sets


@pytest.fixture
def zip_of_faces(tmp_path):
    """44 pictures in a zip, not in the order of their names, with files among them that are no pictures."""
    path = tmp_path / "faces.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in reversed(range(44)):
            archive.writestr(f"faces/{number:05d}.png", picture_bytes(avatar(number)))
        for name in ("faces/readme.txt", "__MACOSX/faces/00000.png", "faces/.hidden.png"):
            archive.writestr(name, b"nothing")
    return path


def names_in(path):
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def test_every_11th_by_name_is_held_out_and_nothing_is_in_both(zip_of_faces, tmp_path):
    assert picture_sets.split(zip_of_faces, tmp_path) == (40, 4)
    trained_on, held_out = (names_in(tmp_path / name) for name in (picture_sets.TRAIN_NAME, picture_sets.HELD_OUT_NAME))
    assert held_out == [f"faces/{number:05d}.png" for number in (10, 21, 32, 43)]
    assert not set(held_out) & set(trained_on)
    assert sorted(held_out + trained_on) == [f"faces/{number:05d}.png" for number in range(44)]
    assert trained_on == sorted(trained_on)


def test_a_zip_is_split_once_and_another_than_expected_is_told_in_a_line(zip_of_faces, tmp_path, capsys):
    folder = tmp_path / "anime"
    found = picture_sets.anime(zip_of_faces, folder)
    assert found.zip_sha256 == sha256(zip_of_faces)
    assert capsys.readouterr().out.splitlines()[0].endswith("figures won't be comparable with theirs")
    before = (folder / picture_sets.TRAIN_NAME).stat().st_mtime_ns
    picture_sets.anime(zip_of_faces, folder)
    assert (folder / picture_sets.TRAIN_NAME).stat().st_mtime_ns == before
    other = tmp_path / "other.zip"
    other.write_bytes(zip_of_faces.read_bytes() + b"more")
    with pytest.raises(InputError, match="the parts of another zip"):
        picture_sets.anime(other, folder)


def test_anime_faces_are_held_against_those_that_were_not_trained_on(zip_of_faces, tiny_config, tmp_path):
    found = picture_sets.anime(zip_of_faces, tmp_path / "anime")
    config = tiny_config(data=found.source)
    reals, trained_on = found.reals(config), load_pictures(found.source, config.image_size)
    assert (reals.count, len(trained_on)) == (4, 40)
    held_out = reals.pixels(0, 4)
    assert not any(np.array_equal(real, picture) for real in held_out for picture in trained_on.pixels)
    assert (picture_sets.DRAWN_SAMPLES, picture_sets.ANIME_SAMPLES) == (2_000, 1_000)


# A run


def test_a_run_is_trained_measured_and_recorded_once(tiny, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(MetricsLog, "_stop_the_clock", a_second_has_passed)
    words = ["run", "1", str(tmp_path / "runs"), "--arms", "base", "--records", str(tmp_path / "records.jsonl")]
    assert recipes.main(words) == 0
    (record,) = records.read(tmp_path / "records.jsonl")
    assert (record.kind, record.arm, record.data, record.seed) == ("round 1", "base", "adventurer", 0)
    assert (record.steps, record.pictures_seen, record.gave_up) == (8, SEEN, None)
    assert record.began <= record.ended
    assert "--data avatars:adventurer" in record.command
    half, whole = record.measures
    assert (half.pictures, whole.pictures) == (64, SEEN)
    assert half.seconds < whole.seconds == record.seconds
    assert half.samples == whole.samples == 16
    assert half.weights_sha256 != whole.weights_sha256 == record.weights_sha256
    assert str(tmp_path) not in (tmp_path / "records.jsonl").read_text()
    capsys.readouterr()
    assert recipes.main(words) == 0
    assert capsys.readouterr().out.splitlines() == ["round 1: base", "nothing is left of it"]
    assert records.read(tmp_path / "records.jsonl") == [record]


def test_a_run_with_averages_has_a_measure_of_each(tiny, tmp_path, monkeypatch):
    found = small_trial(tmp_path / "trial", arms.AVERAGED)
    assert found.train(here) == 0
    monkeypatch.setattr(
        Trial, "_measured", lambda _, end, average, *__: replace(MEASURE, pictures=end, average=average)
    )
    found.measure(lambda: None)
    measures = found.record().measures
    assert [(measure.pictures, measure.average) for measure in measures] == [
        (end, decay) for end in (4, 8) for decay in AVERAGES.values()
    ]


@pytest.mark.parametrize("name", ["base", "plain"])
def test_a_run_in_quarters_that_was_stopped_between_equals_one_made_at_once(name, tiny, tmp_path):
    def stopped_early(words):
        """Stops a step before the end of a quarter."""
        here([*words, "--max-steps", str(in_pieces.ends[0] - 1)])
        return 143

    in_pieces = small_trial(tmp_path / "in pieces", name)
    assert in_pieces.train(stopped_early) == 143
    assert not in_pieces.kept
    seen = {"base": 48, "plain": 56}  # a batch less than half
    assert in_pieces.progress() == f"{seen[name]} of 128 pictures seen"
    assert small_trial(tmp_path / "in pieces", name).train(here) == 0
    end = in_pieces.ends[-1]
    at_once = shlex.split(in_pieces.config().command())[2:]
    assert train.main([*at_once, "--output-dir", str(tmp_path / "at once")]) == 0
    wanted, found = (load_generator(path).state_dict() for path in (tmp_path / "at once", in_pieces.quarter(end)))
    assert all(torch.equal(wanted[name], found[name]) for name in wanted)
    assert in_pieces.kept == in_pieces.ends


def test_a_run_that_was_killed_before_it_saved_begins_anew(tiny, tmp_path):
    found = small_trial(tmp_path / "trial")
    (found.run / "state").mkdir(parents=True)
    (found.run / "state" / "step-0.partial").touch()
    assert found.train(lambda words: here(words) or 143) == 143
    assert load_state(found.run).facts.step == found.ends[0]


def test_a_run_that_gives_up_is_recorded_as_far_as_it_came_and_keeps_no_other(tiny, tmp_path, monkeypatch, capsys):
    path = tmp_path / "records.jsonl"

    def collapses(words, keep_open):
        if "base" in words[-1] and "--resume" not in words:
            return here(words)
        if "base" in words[-1]:
            with open(tmp_path / "runs/round-1/adventurer/base/run/metrics.jsonl", "a") as file:
                file.write('{"step": 4, "rollback": 4, "why": "the faces became alike", "gave_up": true}\n')
        return 1

    monkeypatch.setattr(recipes, "program", collapses)
    monkeypatch.setattr(Trial, "_measured", lambda *_: MEASURE)
    monkeypatch.setattr(recipes, "the_extractor", lambda: None)
    words = ["run", "1", str(tmp_path / "runs"), "--arms", "base,plain", "--records", str(path)]
    assert recipes.main(words) == 1  # of plain, which failed for another reason
    (base,) = records.read(path)
    assert (base.gave_up, len(base.measures), base.steps) == ("the faces became alike", 1, 4)
    assert "left: plain on adventurer, seed 0: not begun" in capsys.readouterr().out
    assert "| gave up: the faces became alike |" in tables.tables([replace(base, data=PORTRAITS)])


def test_a_run_that_fails_is_left_and_keeps_no_other(tiny, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(recipes, "program", lambda *_, **__: 1)
    assert recipes.main(["run", "1", str(tmp_path), "--arms", "base,plain", "--records", str(tmp_path / "none")]) == 1
    assert capsys.readouterr().out.splitlines()[-2:] == [
        f"left: {name} on adventurer, seed 0: not begun" for name in ("base", "plain")
    ]


def test_when_the_minutes_are_over_the_run_is_told_to_save_and_what_is_left_is_printed(
    tiny, tmp_path, monkeypatch, capfd
):
    trains = tmp_path / "trains"
    child = "import pathlib, signal, sys, time; signal.signal(15, lambda *_: sys.exit(print('saved'))); "
    child += f"pathlib.Path({str(trains)!r}).touch(); time.sleep(60)"

    def ring_when_it_trains():
        while not trains.exists():
            time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGALRM)

    def set_timer(_, seconds, *__):
        if seconds == 60 * 30:
            threading.Thread(target=ring_when_it_trains, daemon=True).start()
        return 0.0, 0.0

    monkeypatch.setattr(recipes.signal, "setitimer", set_timer)
    monkeypatch.setattr(recipes, "program", lambda _, keep_open: trial.program(["-c", child], keep_open))
    words = ["run", "1", str(tmp_path), "--arms", "base", "--minutes", "30", "--records", str(tmp_path / "none")]
    assert recipes.main(words) == 0
    assert capfd.readouterr().out.splitlines()[-3:] == [
        "saved", "time is up", "left: base on adventurer, seed 0: not begun",
    ]  # fmt: skip


def test_ctrl_c_lets_the_run_save_and_two_processes_never_train_in_one_folder(tiny, tmp_path, monkeypatch):
    longer = {1: replace(rounds.ROUNDS[1], pictures=10**6)}
    monkeypatch.setattr(recipes, "ROUNDS", longer)
    monkeypatch.setattr(recipes, "program", trial.program)
    folder, refused, children = tmp_path / "round-1/adventurer/base/run", [], []

    def note(words, **options):
        process = Popen(words, **options)
        if "train.py" in words:  # git is asked as well
            children.append(process)
        return process

    def press_when_it_trains():
        while not children or (children[0].poll() is None and not (folder / "metrics.jsonl").exists()):
            time.sleep(0.1)
        with pytest.raises(InputError, match="another process trains in"), recipes.alone_in(tmp_path):
            pass
        refused.append(True)
        for pid in (children[0].pid, os.getpid()):  # as a terminal does
            os.kill(pid, signal.SIGINT)

    monkeypatch.setattr(trial.subprocess, "Popen", note)
    threading.Thread(target=press_when_it_trains, daemon=True).start()
    assert recipes.main(["run", "1", str(tmp_path), "--arms", "base", "--records", str(tmp_path / "none")]) == 130
    assert load_state(folder).facts.step > 0
    assert refused


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "1", "runs", "--arms", "base,worst"], "there is no arm 'worst'"),
        (["run", "4", "runs"], "invalid choice: 4"),
        (["run", "1", "runs", "--minutes", "0"], "--minutes"),
        (["run", "1", str(recipes.ROOT / "runs")], "is in the repository"),
        (["run", "2", "../runs"], "round 2 has the best arms of round 1, where these weren't run yet: base on"),
        (["run", "1", "../runs", "--portraits", "nowhere"], "there is no folder or .zip nowhere"),
        (["speed", "--arms", "fast"], "there is no arm 'fast'"),
    ],
)
def test_what_cannot_be_run_is_a_line_and_status_2(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = [word.replace("../runs", str(tmp_path / "runs")) for word in words]
    assert recipes.main([*words, "--records", str(tmp_path / "none")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_a_set_that_is_not_given_is_left_out_and_said(tmp_path, capsys):
    options = recipes.build_parser().parse_args(["run", "2", str(tmp_path)])
    left = recipes.missing_trials(options, ["base", "plain"], [])
    assert [found.words for found in left] == ["base on adventurer, seed 0", "plain on adventurer, seed 0"]
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [PORTRAITS, ANIME]


# Its speed


def test_speed_is_measured_arm_by_arm_and_recorded(tiny, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(speed, "PICTURES", 40)
    path = tmp_path / "records.jsonl"
    assert recipes.main(["speed", "--arms", "base,plain", "--records", str(path)]) == 0
    base, plain = records.read(path)
    assert [(record.kind, record.arm) for record in (base, plain)] == [("speed", "base"), ("speed", "plain")]
    assert min(base.images_per_second, plain.images_per_second) > 0
    assert "1.00 times base" in capsys.readouterr().out

"""The comparison of recipes, on runs of a second."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from tiny import TINY

from benchmarks import recipes
from dcgan.checkpoints import Evaluation, Training, load_state
from dcgan.config import RECIPES

RATES = {"lr_generator", "lr_discriminator"}
LEVERS = {
    "batch-32": {"batch_size"}, "batch-16": {"batch_size"}, "batch-128": {"batch_size"}, "lr-4e-4": RATES,
    "lr-8e-4": RATES, "lr-16e-4": RATES, "lr-1e-4-4e-4": RATES, "batch-32-lr-4e-4": {"batch_size", *RATES},
    "batch-16-lr-4e-4": {"batch_size", *RATES}, "no-spectral-norm": {"d_norm"}, "bce": {"loss"},
    "beta1-0.5": {"beta1"}, "no-ema": {"ema"}, "augment": {"augment"}, "r1": {"r1_gamma", "r1_every"},
    "batch-16-lr-8e-4": {"batch_size", *RATES},
    "width-64": {"generator_feature_maps"}, "bfloat16": {"precision"}, "baseline": set(),
}  # fmt: skip


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(recipes, "COMMON", tuple(TINY[2:]))  # all but --data
    monkeypatch.setattr(recipes, "SAMPLES", 16)


@pytest.fixture
def comparison(tmp_path):
    return recipes.Comparison(tmp_path)


@pytest.mark.parametrize("name", LEVERS)
def test_an_arm_is_apart_from_the_baseline_by_its_levers_alone(name, comparison):
    baseline, arm = (comparison.config(each).to_dict() for each in ("baseline", name))
    length = {"max_steps", "save_every"}
    assert {key for key in baseline if baseline[key] != arm[key]} - length == LEVERS[name]


def test_the_other_arms_are_whole_recipes(comparison):
    assert set(recipes.ARMS) - set(LEVERS) == {
        "best", "best-r1-every-1", "best-lr-decay", "plain", "plain-512",
    }  # fmt: skip
    for name, expected in (
        *RECIPES.items(),
        ("best-r1-every-1", RECIPES["best"] | {"r1_every": 1}),
        ("best-lr-decay", RECIPES["best"] | {"lr_decay": 0.25}),
        ("plain-512", RECIPES["plain"] | {"batch_size": 512}),
    ):
        config = comparison.config(name).to_dict()
        assert {key: config[key] for key in expected} == expected


@pytest.mark.parametrize("name", recipes.ARMS)
def test_all_arms_see_the_same_number_of_pictures(name, comparison):
    config = comparison.config(name)
    assert config.max_steps * config.batch_size == 64_000
    assert max(config.snapshot_epochs) * config.data_size > 64_000  # no time for snapshots is spent on the way


def test_an_arm_is_trained_measured_and_shown_and_done_once(tiny, tmp_path, capfd):
    arm = [str(tmp_path), "--arms", "plain", "--seed", "3", "--pictures"]
    assert recipes.main(["train", *arm, "40"]) == 0
    assert recipes.main(["train", *arm, "80"]) == 0  # goes on with it
    facts = json.loads((tmp_path / "plain-seed-3/training.json").read_text())
    assert (facts["recipe"], facts["config"]["seed"], facts["step"]) == ("plain", 3, 10)
    assert recipes.main(["evaluate", *arm, "80"]) == 0
    capfd.readouterr()
    for step in ("train", "evaluate"):
        assert recipes.main([step, *arm, "80"]) == 0
    assert capfd.readouterr().out == "== train plain, seed 3\n== evaluate plain, seed 3\n"
    assert recipes.main(["table", str(tmp_path), "--arms", "plain,bce", "--seed", "3", "--pictures", "80"]) == 0
    found = json.loads((tmp_path / "plain-seed-3/evaluation.json").read_text())["fakes"]
    rows = capfd.readouterr().out.splitlines()
    assert [row.count("|") for row in rows[:4]] == [8] * 4
    assert f"| 3 | {1000 * found['kid']:.4g} | {found['fd']:.4g} |" in rows[2]
    assert rows[3].startswith("| *reals against other reals* |")
    assert rows[5] == "Not measured: bce."


def test_another_style_can_be_compared_on(tmp_path):
    assert recipes.Comparison(tmp_path, "lorelei").config("plain").data == "avatars:lorelei"


@pytest.mark.parametrize("other", [["--style", "lorelei"], ["--pictures", "40"]], ids=" ".join)
def test_the_run_of_another_comparison_is_not_taken_for_an_arm(other, tiny, trained_run, tmp_path, capsys):
    shutil.copytree(trained_run, tmp_path / "plain-seed-0")
    for step in ("train", "evaluate", "table"):
        assert recipes.main([step, str(tmp_path), "--arms", "plain", "--pictures", "80", *other]) == 2
        assert "holds a run of 80 pictures of avatars:adventurer; each --style and" in capsys.readouterr().err


def test_an_arm_that_collapses_does_not_keep_the_others(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(recipes.Comparison, "train", lambda _, name, seed: int(name == "bce"))
    assert recipes.main(["train", str(tmp_path), "--arms", "plain,bce,best"]) == 1
    assert "== train best, seed 0" in capsys.readouterr().out


def test_a_run_that_was_taken_back_says_so_in_the_table(tiny, comparison, monkeypatch):
    told = Training.glean(json.dumps({"step": comparison.config("bce").max_steps, "rollbacks": 2}))
    monkeypatch.setattr(recipes.Comparison, "told", lambda *_: told)
    figures = {"kid": 1.0, "fd": 1.0, "precision": 0.0, "recall": 0.0}
    found = Evaluation.glean(json.dumps({"fakes": figures, "floor": figures}))
    monkeypatch.setattr(recipes, "read_evaluation", lambda _: found)
    assert "| cross entropy, not hinge (rollbacks: 2) | 0 |" in comparison.table(["bce"], [0])


def test_ctrl_c_lets_the_arm_save_so_that_the_same_command_goes_on(tmp_path):
    program = f"""if True:
        import sys
        from benchmarks import recipes
        recipes.COMMON = {tuple(TINY[2:])!r}
        sys.exit(recipes.main(["train", {str(tmp_path)!r}, "--arms", "plain", "--pictures", "400000"]))"""
    folder = tmp_path / "plain-seed-0"
    with subprocess.Popen([sys.executable, "-c", program], cwd=recipes.ROOT, start_new_session=True) as process:
        while process.poll() is None and not (folder / "metrics.jsonl").exists():
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)  # what a terminal does
        assert process.wait() == 130
    assert load_state(folder).facts.step > 0


def test_an_arm_that_did_not_reach_its_end_is_not_measured(tiny, tmp_path, capfd):
    assert recipes.main(["evaluate", str(tmp_path), "--arms", "best"]) == 0
    assert "not trained to its end yet" in capfd.readouterr().out
    assert not list(tmp_path.iterdir())


def test_speed_is_measured_arm_by_arm(tiny, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(recipes, "TIMED_PICTURES", 16)
    assert recipes.main(["speed", str(tmp_path), "--arms", "best,plain"]) == 0
    speeds = recipes.speeds_of(tmp_path)
    assert set(speeds) == {"best", "plain"}
    assert min(speeds.values()) > 0
    assert "1.00 times best" in capfd.readouterr().out
    assert recipes.main(["speed", str(tmp_path), "--arms", "batch-16"]) == 0
    assert set(recipes.speeds_of(tmp_path)) == {"best", "plain", "batch-16"}


@pytest.mark.parametrize(
    ("options", "message"), [(["--arms", "best,worst"], "no arm 'worst'"), (["--seed", "x"], "--seed is 'x'")]
)
def test_what_cannot_be_compared_is_status_2(options, message, tmp_path, capsys):
    assert recipes.main(["train", str(tmp_path), *options]) == 2
    assert message in capsys.readouterr().err


def test_the_published_table_has_every_arm_once_or_says_that_it_is_missing():
    page = (recipes.ROOT / "benchmarks" / "recipes.md").read_text(encoding="utf-8")
    first = page.split("| *reals against other reals* |")[0]
    missing = page.split("Not measured: ")[1].split(".\n")[0].split(", ") if "Not measured: " in page else []
    for name, arm in recipes.ARMS.items():
        assert first.count(f"| {arm.words} | 0 |") + missing.count(name) == 1, name

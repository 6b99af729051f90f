import hashlib
import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from dcgan import faces
from dcgan.checkpoints import load_generator, load_state
from dcgan.data import load_pictures
from dcgan.errors import InputError
from dcgan.images import grid
from dcgan.training import Run, train
from dcgan.training.metrics_log import read_metrics
from dcgan.training.run import config_to_resume
from dcgan.training.run_folder import SAMPLE_SEEDS
from dcgan.training.schedule import LOG_EVERY

pytestmark = pytest.mark.usefixtures("no_plots")

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def pictures():
    return load_pictures("avatars:adventurer", 24, 40)


def go(run, steps=None):
    """Take `steps` steps, or all that are left."""
    for taken, metrics in enumerate(train(run.state, run.config, run.pictures), start=1):
        run.after_step(metrics)
        if taken == steps:
            return


def start(tmp_path, config, pictures, name="run"):
    (tmp_path / name).mkdir()
    return Run.start(tmp_path / name, config, pictures, CPU)


def test_a_run_has_memory_kept_from_its_start(tmp_path, tiny_config, pictures, monkeypatch):
    told = []
    monkeypatch.setattr("dcgan.training.run.keep_freed_memory", lambda: told.append(True))
    start(tmp_path, tiny_config(), pictures)
    assert told == [True]


def test_a_run_leaves_what_the_design_lists(trained_run):
    for name in (
        "config.json", "model.safetensors", "discriminator/config.json", "discriminator/model.safetensors",
        "training.json", "metrics.jsonl", "README.md", "losses.png", "samples/epoch-0001.png",
        "samples/epoch-0002.png", "samples/timelapse.gif", "epochs/epoch-0001/model.safetensors", "state/last",
    ):  # fmt: skip
        assert (trained_run / name).stat().st_size > 0, name
    assert not list(trained_run.rglob("*.partial"))


def test_the_samples_are_the_same_seeds_at_every_snapshot(trained_run):
    for snapshot in ("epoch-0001", "epoch-0002"):
        drawn = np.asarray(Image.open(trained_run / "samples" / f"{snapshot}.png"))
        expected = grid(faces(load_generator(trained_run, snapshot), SAMPLE_SEEDS), 8)
        assert np.array_equal(drawn, expected)


def test_the_time_lapse_has_a_frame_a_snapshot(trained_run):
    with Image.open(trained_run / "samples" / "timelapse.gif") as gif:
        assert gif.n_frames == 2


def test_training_json_tells_the_run_and_no_path(trained_run):
    text = (trained_run / "training.json").read_text(encoding="utf-8")
    facts = json.loads(text)
    assert facts["command"].startswith("python train.py --data avatars:adventurer --data-size 40")
    assert (facts["step"], facts["epoch"], facts["images_seen"]) == (10, 2.0, 80)
    assert facts["data"]["attribution"]["licence"] == "CC BY 4.0"
    assert facts["data"]["pictures"] == 40
    assert len(facts["data"]["fingerprint"]) == 64
    assert len(facts["run_id"]) == 32
    assert {"loss_d", "loss_g", "d_real", "d_fake", "images_per_second"} == set(facts["metrics"])
    assert facts["parameters"]["generator"] == sum(p.numel() for p in load_generator(trained_run).parameters())
    assert str(trained_run.parent) not in text


def test_a_metrics_line_stands_for_an_interval(tmp_path, tiny_config, pictures):
    run = start(tmp_path, tiny_config(max_steps=LOG_EVERY + 3, snapshot_epochs=(60,)), pictures)
    go(run)
    lines = read_metrics(run.folder)
    assert [line["step"] for line in lines] == [LOG_EVERY, LOG_EVERY + 3]
    assert lines[0]["images"] == LOG_EVERY * 8
    assert lines[0]["epoch"] == LOG_EVERY / 5
    assert all(line["images_per_second"] > 0 and 0 < line["d_real"] < 1 for line in lines)
    assert lines[1]["seconds"] > lines[0]["seconds"]


def test_a_run_without_a_scheduled_snapshot_publishes_its_end(tmp_path, tiny_config, pictures):
    run = start(tmp_path, tiny_config(max_steps=3), pictures)
    go(run)
    run.finish()
    published = load_generator(run.folder)
    assert torch.equal(published.main[0].weight, run.state.ema.main[0].weight)
    assert json.loads((run.folder / "training.json").read_text())["step"] == 3
    assert not (run.folder / "epochs").exists()


def test_a_stopped_run_shows_its_last_snapshot_or_without_one_its_newest_generator(tmp_path, tiny_config, pictures):
    config = tiny_config(epochs=3, snapshot_epochs=(1,))
    for steps, shown in ((3, 3), (7, 5)):
        run = start(tmp_path, config, pictures, f"stopped-at-{steps}")
        go(run, steps=steps)
        run.stop()
        assert json.loads((run.folder / "training.json").read_text())["step"] == shown
        assert load_state(run.folder).facts.step == steps


@pytest.mark.slow
def test_n_steps_and_n_more_after_a_resume_leave_what_two_n_steps_leave(tmp_path, tiny_config, pictures):
    config = tiny_config(epochs=4, snapshot_epochs=(1, 2, 3, 4))
    straight = start(tmp_path, config, pictures, "straight")
    go(straight)
    straight.finish()

    halves = start(tmp_path, config, pictures, "halves")
    go(halves, steps=8)
    halves.stop()
    resumed = Run.resume(halves.folder, config_to_resume(halves.folder, {}), pictures, CPU)
    assert (resumed.state.step, resumed.run_id) == (8, halves.run_id)
    assert resumed.metrics_log.seconds >= halves.metrics_log.seconds > 0
    go(resumed)
    resumed.finish()

    for name in ("model.safetensors", "discriminator/model.safetensors", "epochs/epoch-0003/model.safetensors",
                 "samples/epoch-0004.png", "samples/timelapse.gif", "state/step-20/state.safetensors"):  # fmt: skip
        assert (halves.folder / name).read_bytes() == (straight.folder / name).read_bytes(), name


def test_steps_logged_after_the_last_save_of_a_killed_run_are_forgotten(tmp_path, tiny_config, pictures):
    config = tiny_config(epochs=2, snapshot_epochs=(1, 2))
    run = start(tmp_path, config, pictures)
    go(run, steps=7)  # saved at step 5
    run.recorder.close_interval()  # as if an interval had ended; then the process is killed
    with open(run.folder / "metrics.jsonl", "a") as file:
        file.write('{"step": 8, "ep')
    resumed = Run.resume(run.folder, config, pictures, CPU)
    assert resumed.state.step == 5
    assert [line["step"] for line in read_metrics(run.folder)] == [5]


def test_a_state_is_saved_every_so_many_steps(tmp_path, tiny_config, pictures):
    run = start(tmp_path, tiny_config(save_every=3, snapshot_epochs=(60,)), pictures)
    go(run, steps=7)
    assert load_state(run.folder).facts.step == 6


def test_totals_and_snapshots_may_change_on_resume(tmp_path, tiny_config, pictures):
    run = start(tmp_path, tiny_config(epochs=1), pictures)
    go(run)
    changed = config_to_resume(run.folder, {"epochs": 3, "snapshot_epochs": (2,), "save_every": 9, "max_steps": 12})
    assert (changed.epochs, changed.snapshot_epochs, changed.save_every, changed.max_steps) == (3, (2,), 9, 12)
    undone = {"epochs": 1, "snapshot_epochs": run.config.snapshot_epochs, "save_every": 1000, "max_steps": None}
    assert changed.but(**undone) == run.config


@pytest.mark.parametrize(
    ("change", "option"),
    [({"batch_size": 4}, "--batch-size is 4, but the run in .* has 8"), ({"image_size": 32}, "--image-size"),
     ({"loss": "bce"}, "--loss"), ({"seed": 5}, "--seed"), ({"ema": False}, "--ema"),
     ({"recipe": "plain"}, "--recipe")],
)  # fmt: skip
def test_what_the_run_computes_may_not_change_on_resume(change, option, tmp_path, tiny_config, pictures):
    run = start(tmp_path, tiny_config(epochs=1), pictures)
    go(run)
    with pytest.raises(InputError, match=option):
        config_to_resume(run.folder, change)
    assert config_to_resume(run.folder, {"batch_size": 8}) == run.config


def test_a_later_number_of_epochs_wins_over_an_earlier_limit_of_steps(tmp_path, tiny_config, pictures):
    run = start(tmp_path, tiny_config(max_steps=5), pictures)
    go(run)
    changed = config_to_resume(run.folder, {"epochs": 3})
    assert (changed.epochs, changed.max_steps) == (3, None)
    assert config_to_resume(run.folder, {"epochs": 3, "max_steps": 7}).max_steps == 7


def test_a_run_that_is_at_its_end_is_refused_and_left_alone(tmp_path, tiny_config, pictures):
    run = start(tmp_path, tiny_config(epochs=1), pictures)
    go(run)
    run.finish()
    before = (run.folder / "training.json").read_bytes()
    with pytest.raises(InputError, match="at step 5, and its end is step 5.*--epochs or --max-steps"):
        Run.resume(run.folder, run.config, pictures, CPU)
    with pytest.raises(InputError, match="at step 5, and its end is step 3"):
        Run.resume(run.folder, run.config.but(max_steps=3), pictures, CPU)
    assert (run.folder / "training.json").read_bytes() == before


def test_what_was_measured_of_a_generator_goes_when_another_shows(tmp_path, tiny_config, pictures):
    run = start(tmp_path, tiny_config(epochs=2, snapshot_epochs=(1, 2)), pictures)
    go(run, steps=5)
    weights = hashlib.sha256((run.folder / "model.safetensors").read_bytes()).hexdigest()
    measured = [run.folder / name for name in ("evaluation.json", "samples/neighbours.png")]
    for path in measured:
        path.write_text(json.dumps({"weights_sha256": weights}))
    go(run, steps=4)
    assert all(path.is_file() for path in measured)
    go(run)
    assert not any(path.exists() for path in measured)


def test_a_resumed_run_knows_its_latest_metrics(tmp_path, tiny_config, pictures):
    run = start(tmp_path, tiny_config(epochs=2), pictures)
    go(run, steps=7)
    run.stop()
    resumed = Run.resume(run.folder, run.config, pictures, CPU)
    assert resumed.metrics_log.latest == run.metrics_log.latest != {}


@pytest.mark.parametrize(
    "damage",
    [
        lambda facts, tensors: facts.clear(),
        lambda facts, tensors: facts["config"].update(colour=1),
        lambda facts, tensors: facts.pop("seconds"),
        lambda facts, tensors: tensors.pop("generator.main.0.weight"),
        lambda facts, tensors: tensors.pop("rng"),
        lambda facts, tensors: tensors.update(rng=torch.zeros(3, dtype=torch.uint8)),
    ],
)
def test_a_state_that_does_not_fit_is_refused_in_one_line(damage, tmp_path, tiny_config, pictures):
    run = start(tmp_path, tiny_config(epochs=1), pictures)
    go(run, steps=3)
    run.stop()
    saved = load_state(run.folder)
    facts = saved.facts.to_json()
    damage(facts, saved.tensors)
    folder = run.folder / "state" / "step-3"
    (folder / "state.json").write_text(json.dumps(facts))
    save_file(saved.tensors, folder / "state.safetensors")
    with pytest.raises(InputError, match="another version or is damaged") as error:
        Run.resume(run.folder, config_to_resume(run.folder, {}), pictures, CPU)
    assert "\n" not in str(error.value)


def test_other_pictures_than_the_run_began_with_are_refused_on_resume(tmp_path, tiny_config, pictures):
    run = start(tmp_path, tiny_config(epochs=1), pictures)
    go(run)
    other = load_pictures("avatars:micah", 24, 40)
    with pytest.raises(InputError, match="holds other pictures now"):
        Run.resume(run.folder, run.config, other, CPU)

"""Runs that go wrong: taken back, on in another order, or given up; and what shows is the best of their snapshots."""

import json
import math
import re
import shlex
from pathlib import Path

import pytest
import torch

import train
from dcgan import faces
from dcgan.checkpoints import load_generator, load_state, read_training, snapshot_names
from dcgan.checkpoints.bundle import bundle
from dcgan.data import Pictures, epoch_order, load_pictures
from dcgan.data.pictures import Report
from dcgan.errors import GaveUpError
from dcgan.latents import seeds_from
from dcgan.models import Generator
from dcgan.training import Listeners, Run, health, loop
from dcgan.training.health import Reading
from dcgan.training.metrics_log import read_metrics
from dcgan.training.run import config_to_resume
from dcgan.training.supervisor import MAX_TRIES, Supervisor
from support.runs import go
from support.tiny import TINY

pytestmark = pytest.mark.usefixtures("no_plots")

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def pictures():
    return load_pictures("avatars:adventurer", 24, 40)


def start(folder: Path, config, pictures, tell=print) -> Run:
    folder.mkdir()
    run = Run.start(folder, config, pictures, CPU, listeners=Listeners(tell=tell))
    run.save()
    return run


def rollbacks(folder: Path) -> list[dict]:
    return [line for line in read_metrics(folder) if "rollback" in line]


def broken(monkeypatch, step: int, times: int = 1) -> None:
    """Makes a NaN of a weight after `step`, the first `times` that it is reached."""
    intact = loop.train_step

    def train_step(state, config, pixels, *how):
        metrics = intact(state, config, pixels, *how)
        if state.step == step and state.rollbacks < times:
            with torch.no_grad():
                state.generator.main[0].weight[0, 0, 0, 0] = math.nan
        return metrics

    monkeypatch.setattr(loop, "train_step", train_step)


# What goes wrong


def test_a_nan_sends_the_run_back_to_its_last_good_state_and_on_in_another_order(
    tmp_path, tiny_config, pictures, monkeypatch
):
    broken(monkeypatch, step=7)
    orders, told = [], []
    config = tiny_config(max_steps=20, save_every=3, snapshot_epochs=(60,))
    run = start(tmp_path / "run", config, pictures, told.append)
    monkeypatch.setattr(loop, "epoch_order", lambda *of: orders.append(of) or epoch_order(*of))
    go(run)
    run.finish()
    assert (run.state.step, run.state.rollbacks) == (20, 1)
    assert orders == [(40, 0, 0, 0), (40, 0, 1, 0), (40, 0, 1, 1), (40, 0, 2, 1), (40, 0, 3, 1)]
    assert not torch.equal(epoch_order(40, 0, 1), epoch_order(40, 0, 1, 1))
    assert all(tensor.isfinite().all() for tensor in run.state.tensors().values() if tensor.is_floating_point())
    (line,) = rollbacks(run.folder)
    assert (line["step"], line["failed_at"], line["rollback"], line["gave_up"]) == (6, 9, 1, False)
    assert re.fullmatch("(loss_d|loss_g|d_fake|d_real) is nan", line["why"])
    assert told == [
        f"step 9: {line['why']}; back to step 6, from where the pictures come in another order (try 1 of 3)"
    ]
    assert read_training(run.folder).rollbacks == 1


def test_a_weight_that_is_no_number_is_found_before_it_is_saved(tmp_path, tiny_config, pictures, monkeypatch):
    broken(monkeypatch, step=6)  # the losses of that step are still good
    run = start(tmp_path / "run", tiny_config(max_steps=7, save_every=3, snapshot_epochs=(60,)), pictures)
    go(run)
    (line,) = rollbacks(run.folder)
    assert (line["step"], line["failed_at"]) == (3, 6)
    assert line["why"] == "generator.main.0.weight holds values that are no numbers"


def test_a_nan_is_found_between_two_saves(tmp_path, tiny_config, pictures, monkeypatch):
    broken(monkeypatch, step=20)
    monkeypatch.setattr("dcgan.training.schedule.LOG_EVERY", 25)
    run = go(start(tmp_path / "run", tiny_config(max_steps=30, snapshot_epochs=(60,)), pictures))
    assert [line["failed_at"] for line in rollbacks(run.folder)] == [25]


def test_losses_that_are_frozen_send_the_run_back(tmp_path, tiny_config, pictures, monkeypatch):
    monkeypatch.setattr(health, "FROZEN_STEPS", 6)
    run = start(tmp_path / "run", tiny_config(max_steps=40, save_every=10, d_norm="batch"), pictures)
    go(run, until=12)
    with torch.no_grad():
        for weight in run.state.discriminator.parameters():
            weight.zero_()  # nothing reaches it any more, so that it says the same to everything
    go(run)
    (line,) = rollbacks(run.folder)
    assert (line["step"], line["failed_at"]) == (10, 20)
    assert re.match("loss_[dg] has stood at .* updates", line["why"])


def test_losses_that_freeze_around_a_save_send_the_run_back_to_the_state_before(
    tmp_path, tiny_config, pictures, monkeypatch
):
    monkeypatch.setattr(health, "FROZEN_STEPS", 6)
    monkeypatch.setattr(health, "STEADY_STEPS", 2)
    config = tiny_config(max_steps=30, save_every=10, snapshot_epochs=(60,), d_norm="batch")
    run = start(tmp_path / "run", config, pictures)
    go(run, until=17)
    with torch.no_grad():
        for weight in run.state.discriminator.parameters():
            weight.zero_()
    go(run, until=20)  # where a state is saved that is frozen, but not for long enough to be called so
    assert run.supervisor.is_anchor is False
    go(run)
    (line,) = rollbacks(run.folder)
    assert (line["step"], line["failed_at"]) == (10, 30)


@pytest.fixture
def gifted(tmp_path, tiny_config):
    """Makes a run whose pictures are its own generator's faces, so that it draws them well from the first step."""

    def make(**changes) -> Run:
        config = tiny_config(lr_generator=0.0, lr_discriminator=0.0, **changes)
        with torch.random.fork_rng():
            torch.manual_seed(0)
            artist = Generator(**config.generator_config().to_dict())
            with torch.no_grad():
                for layer in artist.main:
                    if isinstance(layer, torch.nn.ConvTranspose2d):
                        layer.weight.mul_(20)
                for _ in range(50):
                    artist(torch.randn(64, config.latent_dim))
        pixels = faces(artist.eval(), seeds_from(1000, 200))
        run = start(tmp_path / "run", config, Pictures(pixels, "own", "0", Report(), None))
        for network in (run.state.generator, run.state.ema):
            network.load_state_dict(artist.state_dict())
        return run

    return make


def draw_one_face(run: Run) -> None:
    with torch.no_grad():
        for network in (run.state.generator, run.state.ema):
            network.main[0].weight.zero_()


def test_a_collapse_is_seen_in_the_trained_generator_long_before_the_average_shows_it(gifted, monkeypatch):
    monkeypatch.setattr("dcgan.training.step.update_ema", lambda *_: None)  # nearly what one of thousands of steps is
    run = go(gifted(epochs=1, save_every=5, snapshot_epochs=(60,)), until=12)
    with torch.no_grad():
        run.state.generator.main[0].weight.zero_()
    go(run)
    (line,) = rollbacks(run.folder)
    assert (line["step"], line["failed_at"]) == (10, 15)


def test_a_generator_that_draws_one_face_is_taken_back(gifted):
    run = go(gifted(epochs=1, save_every=5, snapshot_epochs=(60,)), until=12)
    assert run.supervisor.health.lowest < 0.1
    draw_one_face(run)
    go(run)
    (line,) = rollbacks(run.folder)
    assert (line["step"], line["failed_at"]) == (10, 15)
    assert re.match(r"the faces fell apart \(distance .* after 0\.0.*, diversity 0\.00\)", line["why"])
    assert len({face.tobytes() for face in faces(run.state.published_generator(), [1, 2, 3])}) == 3


def test_a_collapse_reaches_no_snapshot(gifted):
    run = go(gifted(epochs=2, snapshot_epochs=(1, 2)), until=30)
    draw_one_face(run)
    go(run)
    run.finish()
    assert [line["failed_at"] for line in rollbacks(run.folder)] == [50]
    assert snapshot_names(run.folder) == ["epoch-0001", "epoch-0002"]
    for name in (None, *snapshot_names(run.folder)):
        assert len({face.tobytes() for face in faces(load_generator(run.folder, name), [1, 2, 3])}) == 3


# Going on


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory, tiny_config, pictures) -> Run:
    """A run that goes back once, on its way to the end without a stop; read it, don't change it."""
    with pytest.MonkeyPatch.context() as patch:
        broken(patch, step=7)
        config = tiny_config(epochs=4, save_every=3, snapshot_epochs=(2, 4))
        run = go(start(tmp_path_factory.mktemp("uninterrupted") / "run", config, pictures))
        run.finish()
    return run


@pytest.mark.slow
@pytest.mark.parametrize("stops", [(5,), (8,), (9,), (6, 8, 11), (12,)], ids=str)
def test_a_run_resumed_around_its_rollback_equals_an_uninterrupted_one(
    stops, uninterrupted, tmp_path, pictures, monkeypatch
):
    broken(monkeypatch, step=7)
    run = start(tmp_path / "stopped", uninterrupted.config, pictures)
    for stop in stops:
        go(run, until=stop)
        run.stop()
        run = Run.resume(run.folder, config_to_resume(run.folder, {}), pictures, CPU)
    go(run)
    run.finish()
    assert load_state(run.folder).name == "step-20-retry-1"
    for name in ("model.safetensors", "discriminator/model.safetensors", "epochs/epoch-0002/model.safetensors",
                 "samples/timelapse.gif", "state/step-20-retry-1/state.safetensors"):  # fmt: skip
        assert (run.folder / name).read_bytes() == (uninterrupted.folder / name).read_bytes(), name
    assert load_state(run.folder).facts.watch == load_state(uninterrupted.folder).facts.watch
    for each in (run, uninterrupted):
        assert [line["step"] for line in rollbacks(each.folder)] == [6]
        assert [line["step"] for line in read_metrics(each.folder)] == sorted(
            line["step"] for line in read_metrics(each.folder)
        )


def test_a_run_killed_before_its_rollback_was_saved_goes_back_again(tmp_path, tiny_config, pictures, monkeypatch):
    broken(monkeypatch, step=7)
    config = tiny_config(max_steps=12, save_every=3, snapshot_epochs=(60,))
    run = start(tmp_path / "run", config, pictures)
    save = Run.save

    def save_until_killed(run):
        if run.state.rollbacks:
            raise KeyboardInterrupt
        save(run)

    with monkeypatch.context() as killed:
        killed.setattr(Run, "save", save_until_killed)
        with pytest.raises(KeyboardInterrupt):
            go(run)
    assert rollbacks(run.folder)
    resumed = Run.resume(run.folder, config, pictures, CPU)
    assert rollbacks(run.folder) == []
    go(resumed)
    assert (resumed.state.step, resumed.state.rollbacks, len(rollbacks(run.folder))) == (12, 1, 1)


def test_a_stop_in_the_middle_of_damage_shows_and_logs_none_of_it(tmp_path, tiny_config, pictures, monkeypatch):
    broken(monkeypatch, step=7)
    run = go(start(tmp_path / "run", tiny_config(max_steps=20), pictures), until=9)
    (run.folder / "model.safetensors").unlink()  # of the snapshot at step 5
    run.stop()
    assert not (run.folder / "model.safetensors").exists()
    assert load_state(run.folder).facts.good is False
    assert "NaN" not in (run.folder / "metrics.jsonl").read_text()


@pytest.mark.slow
def test_a_state_to_come_back_to_is_kept_however_often_a_run_is_stopped(tmp_path, tiny_config, pictures, monkeypatch):
    broken(monkeypatch, step=9)
    config = tiny_config(max_steps=12, save_every=6, snapshot_epochs=(60,))
    run = start(tmp_path / "run", config, pictures)
    for stop in (7, 8, 9, 10, 11):
        go(run, until=stop)
        run.stop()
        assert {path.name for path in (run.folder / "state").iterdir()} == {"last", "step-6", f"step-{stop}"}
        run = Run.resume(run.folder, config, pictures, CPU)
    go(run)
    assert [line["step"] for line in rollbacks(run.folder)] == [6]


def test_a_run_saved_by_an_earlier_version_resumes(tmp_path, tiny_config, pictures, monkeypatch):
    run = go(start(tmp_path / "run", tiny_config(epochs=2, snapshot_epochs=(1,)), pictures), until=7)
    run.stop()
    state, told = run.folder / "state" / "step-7" / "state.json", run.folder / "epochs" / "epoch-0001" / "training.json"
    for file, new in ((state, ("rollbacks", "good", "watch", "seal")), (told, ("rollbacks", "watch", "best"))):
        facts = json.loads(file.read_text())
        file.write_text(json.dumps({key: value for key, value in facts.items() if key not in new}))
    (run.folder / "training.json").write_text(told.read_text())
    broken(monkeypatch, step=9)
    resumed = go(Run.resume(run.folder, run.config, pictures, CPU))
    resumed.finish()
    assert [(line["step"], line["failed_at"]) for line in rollbacks(run.folder)] == [(7, 10)]
    assert read_training(run.folder).best.snapshot == "epoch-0002"  # the only one that was looked at


def test_snapshots_of_undone_steps_are_dropped(tmp_path, tiny_config, pictures, monkeypatch):
    broken(monkeypatch, step=12)
    config = tiny_config(epochs=2, snapshot_epochs=(1,))  # the end of epoch 2 is one, but no state to come back to
    run = go(start(tmp_path / "run", config, pictures))
    run.finish()
    assert snapshot_names(run.folder) == ["epoch-0001", "epoch-0002"]
    go(Run.resume(run.folder, config.but(epochs=3), pictures, CPU)).finish()
    assert [(line["step"], line["failed_at"]) for line in rollbacks(run.folder)] == [(5, 15)]
    assert snapshot_names(run.folder) == ["epoch-0001", "epoch-0003"]
    assert read_training(run.folder).best.snapshot in snapshot_names(run.folder)
    assert not (run.folder / "samples" / "epoch-0002.png").exists()


# Giving up


@pytest.mark.slow
def test_a_run_that_goes_wrong_four_times_from_one_state_gives_up(tmp_path, tiny_config, pictures, monkeypatch):
    broken(monkeypatch, step=7, times=99)
    run = start(tmp_path / "run", tiny_config(epochs=4, snapshot_epochs=(1,)), pictures)
    with pytest.raises(GaveUpError, match=r"step 20: .* From step 5 on 4 orders .*at step 5 and epoch-0001, its best"):
        go(run)
    assert run.gave_up
    assert [line["gave_up"] for line in rollbacks(run.folder)] == [False] * MAX_TRIES + [True]
    kept = load_state(run.folder)
    assert (kept.facts.step, kept.facts.rollbacks, kept.facts.watch.tries) == (5, 4, 0)
    assert all(tensor.isfinite().all() for tensor in kept.tensors.values() if tensor.is_floating_point())


def test_tries_are_counted_from_the_last_good_state(tmp_path, tiny_config, pictures, monkeypatch):
    intact, seen = loop.train_step, set()

    def train_step(state, config, pixels, *how):
        metrics = intact(state, config, pixels, *how)
        if state.step % 3 == 1 and (state.step, state.rollbacks) not in seen and state.rollbacks < state.step:
            seen.add((state.step, state.rollbacks))
            return {"loss_d": torch.tensor(math.nan)}
        return metrics

    monkeypatch.setattr(loop, "train_step", train_step)
    run = go(start(tmp_path / "run", tiny_config(max_steps=12, save_every=3, snapshot_epochs=(60,)), pictures))
    assert run.state.rollbacks > MAX_TRIES
    assert run.state.step == 12


def test_train_py_ends_with_status_1_says_what_is_kept_and_the_printed_command_tries_again(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr("dcgan.training.step.generator_loss", lambda logits, *_: logits.mean() * math.nan)
    out = tmp_path / "out"
    arguments = [*TINY, "--epochs", "2", "--snapshot-epochs", "2", "--save-every", "4", "--output-dir", str(out)]
    assert train.main(arguments) == 1
    output, error = capsys.readouterr()
    line = error.splitlines()[-1]
    assert line.startswith("error: step 4: loss_g is nan. From step 0 on 4 orders of the pictures came to such an end")
    assert "Kept: its state at step 0. Lower --lr-discriminator or raise --r1-gamma" in line
    assert "Traceback" not in error
    assert [said for said in output.splitlines() if said.startswith("step 4: ")] == [
        f"step 4: loss_g is nan; back to step 0, from where the pictures come in another order (try {n} of 3)"
        for n in (1, 2, 3)
    ]
    assert "done" not in output
    monkeypatch.undo()
    go_on = shlex.split(re.search(r"with: python train\.py (.*)", line)[1])
    assert go_on == ["--resume", "--output-dir", str(out)]
    assert train.main(go_on) == 0
    assert load_state(out).name == "step-10-retry-4"


# The best snapshot


@pytest.fixture
def judged(monkeypatch):
    """Says what the faces of a step are worth."""
    return lambda distances: monkeypatch.setattr(
        Supervisor, "_read", lambda watching, pixels: Reading(distances[watching.state.step], 0.5)
    )


def test_the_best_snapshot_shows_and_the_last_is_kept(tmp_path, tiny_config, pictures, judged):
    judged({5: 0.3, 10: 0.2, 15: 0.25})
    told = []
    run = go(start(tmp_path / "run", tiny_config(epochs=3, snapshot_epochs=(1, 2, 3)), pictures, told.append))
    run.finish()
    assert told == ["the best of 3 snapshots is epoch-0002, and shows; the newest is kept as well"]
    assert snapshot_names(run.folder) == ["epoch-0001", "epoch-0002", "epoch-0003"]
    best, last = (run.folder / "epochs" / name for name in ("epoch-0002", "epoch-0003"))
    for name in ("config.json", "model.safetensors", "discriminator/model.safetensors", "samples/latest.png"):
        assert (run.folder / name).read_bytes() == (best / name).read_bytes(), name
        assert name == "config.json" or (run.folder / name).read_bytes() != (last / name).read_bytes(), name
    assert torch.equal(load_generator(last).main[0].weight, run.state.ema.main[0].weight)

    facts = read_training(run.folder)
    assert facts.step == 15
    told = facts.best.to_json()
    assert {key: told[key] for key in ("snapshot", "step", "images_seen", "watch")} == {
        "snapshot": "epoch-0002", "step": 10, "images_seen": 80, "watch": {"distance": 0.2, "relative_diversity": 0.5},
    }  # fmt: skip
    assert facts.best.metrics == read_training(best).metrics
    assert [(line["snapshot"], line["distance"], line["best"]) for line in read_metrics(run.folder)] == [
        ("epoch-0001", 0.3, "epoch-0001"), ("epoch-0002", 0.2, "epoch-0002"), ("epoch-0003", 0.25, "epoch-0002"),
    ]  # fmt: skip
    card = (run.folder / "README.md").read_text()
    assert "until it had seen 80." in card
    bundle(run.folder, tmp_path / "run-slim")
    assert "until it had seen 80." in (tmp_path / "run-slim" / "README.md").read_text()


def test_the_end_of_a_run_shows_only_where_it_has_no_snapshot(tmp_path, tiny_config, pictures, judged):
    judged({5: 0.3, 7: 0.1})
    run = go(start(tmp_path / "run", tiny_config(max_steps=7, snapshot_epochs=(1,)), pictures))
    run.finish()
    snapshot = run.folder / "epochs" / "epoch-0001"
    assert (run.folder / "model.safetensors").read_bytes() == (snapshot / "model.safetensors").read_bytes()
    facts = read_training(run.folder)
    assert (facts.step, facts.best.step, facts.reading.distance) == (7, 5, 0.1)


def test_a_resumed_run_remembers_its_best_snapshot(tmp_path, tiny_config, pictures, judged):
    judged({5: 0.2, 10: 0.3, 15: 0.25})
    config = tiny_config(epochs=3, snapshot_epochs=(1, 2, 3))
    run = go(start(tmp_path / "run", config, pictures), until=12)
    run.stop()
    go(Run.resume(run.folder, config, pictures, CPU)).finish()
    assert read_training(run.folder).best.snapshot == "epoch-0001"
    first = run.folder / "epochs" / "epoch-0001"
    assert (run.folder / "model.safetensors").read_bytes() == (first / "model.safetensors").read_bytes()

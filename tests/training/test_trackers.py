"""What a run reports to trackers, read back from what the real ones wrote; a stand-in for W&B, which is large."""

import io
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

import train
from dcgan.checkpoints import published_files, read_training, snapshot_folder
from dcgan.checkpoints.bundle import bundle
from dcgan.data import load_pictures
from dcgan.errors import InputError
from dcgan.training import Listeners, Run, loop
from dcgan.training.metrics_log import read_metrics
from dcgan.training.recorder import Recorder
from dcgan.training.trackers import PROJECT, TRACKERS, Tracked, Trackers
from support import warm
from support.paths import ROOT
from support.runs import go
from support.tiny import TINY

pytestmark = pytest.mark.usefixtures("no_plots")

CPU = torch.device("cpu")
TWO_SNAPSHOTS = [*TINY, "--epochs", "2", "--snapshot-epochs", "1,2"]  # as of `trained_run`


@pytest.fixture(scope="module", autouse=True)
def trackio_folder(tmp_path_factory):
    """Where trackio keeps the runs of this file. It reads the variable once, when it is imported."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("TRACKIO_", "WANDB_", "HF_"))]:
            patch.delenv(name)
        folder = tmp_path_factory.getbasetemp() / "trackio"  # the same where another file's tests came in between
        folder.mkdir(exist_ok=True)
        patch.setenv("TRACKIO_DIR", str(folder))
        patch.setenv("HF_HOME", str(folder / "home"))
        patch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(folder / "home" / "token"))  # of nobody
        import trackio

        assert folder == trackio.TRACKIO_DIR
        yield folder


@pytest.fixture(autouse=True)
def nobody_is_asked(monkeypatch):
    """No test looks for another host."""
    asked = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *of, **more: asked.append(of) or [])
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: asked.append(address))
    yield
    assert asked == []


@pytest.fixture(autouse=True)
def no_threads_are_left():
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        if thread.name == "tqdm_monitor":
            continue  # the progress bar's, for as long as the process lives
        thread.join(timeout=5)
        assert not thread.is_alive(), thread


@pytest.fixture(scope="module")
def pictures():
    return load_pictures("avatars:adventurer", 24, 40)


@pytest.fixture(scope="module")
def reported_run(tmp_path_factory, trackio_folder) -> Path:
    """A run that was reported to TensorBoard and trackio, by train.py as a process."""
    folder = tmp_path_factory.mktemp("runs") / "reported"
    command = warm.python("train.py", *TWO_SNAPSHOTS, "--report-to", "tensorboard,trackio", "--output-dir", str(folder))
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    return folder


def in_tensorboard(folder: Path):
    """What TensorBoard would show of a run's folder."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    shown = EventAccumulator(str(folder / "tensorboard"), dict.fromkeys(("scalars", "images", "tensors"), 0))
    return shown.Reload()


def words(shown, name: str) -> dict[int, str]:
    events = shown.Tensors(f"{name}/text_summary")
    return {event.step: event.tensor_proto.string_val[0].decode() for event in events}


def kept_by_trackio(name: str) -> list:
    """trackio's runs of this name, oldest first."""
    import trackio

    return [run for run in trackio.Api().runs(PROJECT) if run.name == name]


def rows_of(run) -> list[dict]:
    """All that was logged to a run of trackio, in that order."""
    from trackio.sqlite_storage import SQLiteStorage

    return SQLiteStorage.get_logs(PROJECT, run.name, run_id=run.id)


def numbers(line: dict) -> dict[str, float]:
    return {name: value for name, value in line.items() if not isinstance(value, str) and name != "step"}


def assert_tensorboard_shows(folder: Path) -> None:
    """Each value of metrics.jsonl at its step, and none besides."""
    shown, lines = in_tensorboard(folder), read_metrics(folder)
    names = {name for line in lines for name in numbers(line)}
    assert set(shown.Tags()["scalars"]) == names
    for name in names:
        expected = [(line["step"], pytest.approx(line[name], rel=1e-6)) for line in lines if name in line]
        assert [(event.step, event.value) for event in shown.Scalars(name)] == expected, name


# What arrives


@pytest.mark.slow
def test_tensorboard_shows_every_value_of_every_line(reported_run):
    assert_tensorboard_shows(reported_run)
    shown, lines = in_tensorboard(reported_run), read_metrics(reported_run)
    assert {"loss_d", "loss_g", "d_real", "d_fake", "distance", "relative_diversity"} < set(shown.Tags()["scalars"])
    for name in ("snapshot", "best"):
        assert words(shown, name) == {line["step"]: line[name] for line in lines}


def test_tensorboard_shows_the_samples_of_every_snapshot(reported_run):
    images = in_tensorboard(reported_run).Images("samples")
    assert [image.step for image in images] == [5, 10]
    for image, name in zip(images, ("epoch-0001", "epoch-0002"), strict=True):
        with Image.open(reported_run / "samples" / f"{name}.png") as drawn:
            assert np.array_equal(Image.open(io.BytesIO(image.encoded_image_string)), drawn)


def test_trackio_has_every_value_of_every_line(reported_run):
    (run,) = kept_by_trackio("reported")
    lines = [row for row in rows_of(run) if "samples" not in row]
    assert [{name: row[name] for name in row if name != "timestamp"} for row in lines] == read_metrics(reported_run)


def test_trackio_has_the_samples_of_every_snapshot(reported_run, trackio_folder):
    (run,) = kept_by_trackio("reported")
    images = {row["step"]: row["samples"] for row in rows_of(run) if "samples" in row}
    assert list(images) == [5, 10]
    for image, name in zip(images.values(), ("epoch-0001", "epoch-0002"), strict=True):
        with (
            Image.open(trackio_folder / "media" / image["file_path"]) as kept,
            Image.open(reported_run / "samples" / f"{name}.png") as drawn,
        ):
            assert np.array_equal(kept.convert("RGB"), drawn)


def test_both_know_the_run_by_its_name_and_config(reported_run):
    facts = read_training(reported_run)
    expected = facts.config | {"run_id": facts.run_id}
    (run,) = kept_by_trackio("reported")
    assert {name: value for name, value in run.config.items() if not name.startswith("_")} == expected
    (text,) = words(in_tensorboard(reported_run), "config").values()
    assert text.startswith("reported\n")
    assert f'"run_id": "{facts.run_id}"' in text
    assert '"lr_generator": 0.0008' in text


def test_neither_is_told_where_the_pictures_lie(tmp_path, tiny_config, pictures):
    told = []
    trackers = SimpleNamespace(start=told.append, log=None)
    config, state = tiny_config(data=str(tmp_path)), SimpleNamespace(step=3)
    Run(tmp_path, config, pictures, state, "1", Listeners(trackers=trackers)).announce()
    assert (told[0].config["data"], told[0].config["run_id"]) == ("avatars:adventurer", "1")
    assert str(tmp_path) not in str(told[0].config)


def test_a_reported_run_learns_what_one_without_trackers_does(reported_run, trained_run):
    for name in ("model.safetensors", "discriminator/model.safetensors", "state/step-10/state.safetensors"):
        assert (reported_run / name).read_bytes() == (trained_run / name).read_bytes(), name


def test_what_tensorboard_reads_is_never_published(reported_run, tmp_path):
    assert (reported_run / "tensorboard").is_dir()
    bundle(reported_run, tmp_path / "bundled")
    assert not list((tmp_path / "bundled").rglob("*tensorboard*"))
    for folder in (reported_run, snapshot_folder(reported_run, "epoch-0002")):
        assert not [path for path in published_files(folder) if "tensorboard" in path or "tfevents" in path]


# Runs that go back, and on


def broken(monkeypatch, step: int) -> None:
    """Makes a NaN of a weight after `step`, the first time that it is reached."""
    intact = loop.train_step

    def train_step(state, config, pixels, *how):
        metrics = intact(state, config, pixels, *how)
        if state.step == step and not state.rollbacks:
            with torch.no_grad():
                state.generator.main[0].weight[0, 0, 0, 0] = float("nan")
        return metrics

    monkeypatch.setattr(loop, "train_step", train_step)


def test_a_rollback_is_reported_and_tensorboard_forgets_the_undone_steps(tmp_path, tiny_config, pictures, monkeypatch):
    monkeypatch.setattr("dcgan.training.schedule.LOG_EVERY", 4)
    broken(monkeypatch, step=8)  # the line of that step is undone
    (tmp_path / "taken-back").mkdir()
    config = tiny_config(max_steps=12, save_every=3, snapshot_epochs=(60,))
    trackers = Trackers(["tensorboard", "trackio"])
    run = Run.start(tmp_path / "taken-back", config, pictures, CPU, listeners=Listeners(trackers=trackers))
    run.save()
    go(run).finish()
    trackers.close()

    (line,) = [line for line in read_metrics(run.folder) if "rollback" in line]
    assert (line["step"], line["failed_at"]) == (6, 9)
    shown = in_tensorboard(run.folder)
    assert [event.step for event in shown.Scalars("loss_d")] == [4, 8, 12]
    assert [(event.step, event.value) for event in shown.Scalars("failed_at")] == [(6, 9)]
    assert words(shown, "why") == {6: line["why"]}

    (kept,) = kept_by_trackio("taken-back")
    assert [row["step"] for row in rows_of(kept) if "loss_d" in row] == [4, 8, 8, 12]
    assert [row["why"] for row in rows_of(kept) if "rollback" in row] == [line["why"]]
    (alert,) = kept.alerts()
    assert (alert["step"], alert["title"], alert["text"]) == (6, "Taken back to step 6", line["why"])


@pytest.mark.slow
def test_a_killed_run_goes_on_where_its_trackers_were(tmp_path, tiny_config, pictures, monkeypatch):
    monkeypatch.setattr("dcgan.training.schedule.LOG_EVERY", 2)
    (tmp_path / "killed").mkdir()
    trackers = Trackers(["tensorboard", "trackio"])
    config = tiny_config(max_steps=10, save_every=3)
    run = Run.start(tmp_path / "killed", config, pictures, CPU, listeners=Listeners(trackers=trackers))
    go(run, until=8)  # saved at step 6; what was reported of 7 and 8 comes again
    trackers.close()
    wait_for_the_next_second()

    trackers = Trackers(["tensorboard", "trackio"])
    resumed = Run.resume(run.folder, run.config, pictures, CPU, listeners=Listeners(trackers=trackers))
    go(resumed).finish()
    trackers.close()
    assert_tensorboard_shows(run.folder)
    (kept,) = kept_by_trackio("killed")
    assert [row["step"] for row in rows_of(kept) if "loss_d" in row] == [2, 4, 6, 8, 8, 10]


def wait_for_the_next_second() -> None:
    """TensorBoard reads files by their names, which hold the second they were begun in."""
    time.sleep(1 - time.time() % 1)


@pytest.mark.slow
def test_a_run_that_began_without_trackers_is_reported_once_they_are_asked_for(tmp_path):
    out = ["--output-dir", str(tmp_path / "later")]
    assert train.main([*TINY, "--max-steps", "4", *out]) == 0
    assert train.main(["--resume", "--max-steps", "7", *out, "--report-to", "trackio"]) == 0
    assert train.main(["--resume", "--max-steps", "9", *out, "--report-to", "trackio"]) == 0
    (kept,) = kept_by_trackio("later")
    assert [row["step"] for row in rows_of(kept) if "loss_d" in row] == [7, 9]


def test_runs_in_folders_of_the_same_name_stay_apart(tmp_path):
    for place in ("here", "there"):
        out = ["--output-dir", str(tmp_path / place / "twin"), "--report-to", "trackio"]
        assert train.main([*TINY, "--max-steps", "2", *out]) == 0
    for place in ("here", "there"):
        out = ["--output-dir", str(tmp_path / place / "twin"), "--report-to", "trackio"]
        assert train.main(["--resume", "--max-steps", "3", *out]) == 0
    ids = [read_training(tmp_path / place / "twin").run_id for place in ("here", "there", "here", "there")]
    assert sorted(run.config["run_id"] for run in kept_by_trackio("twin")) == sorted(ids)


def test_the_command_that_goes_on_reports_as_before(tmp_path, monkeypatch, capsys):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Recorder, "_snapshot", fail)
    arguments = ["--epochs", "1", "--report-to", "trackio,tensorboard,trackio", "--output-dir", str(tmp_path / "out")]
    assert train.main([*TINY, *arguments]) == 1
    assert capsys.readouterr().err.rstrip().endswith(f"--output-dir {tmp_path}/out --report-to trackio,tensorboard")


# What goes wrong


@pytest.mark.parametrize("more", [[], ["--dry-run"]], ids=["run", "dry-run"])
@pytest.mark.parametrize(
    ("name", "module"),
    [("trackio", "trackio"), ("tensorboard", "tensorboard.compat.proto.event_pb2"), ("wandb", "wandb")],
)
def test_a_missing_package_is_said_before_the_first_step(name, module, more, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, module, None)
    out = tmp_path / "out"
    assert train.main([*TINY, "--report-to", name, "--output-dir", str(out), *more]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith(f"error: --report-to {name} needs the package {name}, ")
    assert error.endswith(f"Get it with: pip install {name}\n")
    assert not out.exists()


def test_an_unknown_tracker_is_refused_with_those_that_are_known(tmp_path, capsys):
    assert train.main([*TINY, "--report-to", "trackio,mlflow", "--output-dir", str(tmp_path / "out")]) == 2
    assert "--report-to is 'mlflow'; it must be one of trackio, tensorboard, wandb" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_dry_run_reports_nothing(tmp_path, monkeypatch):
    for tracker in TRACKERS.values():
        monkeypatch.setattr(tracker, "start", lambda *_: pytest.fail("started"))
    assert train.main(["--dry-run", *TINY[4:], "--report-to", "tensorboard,trackio"]) == 0


class Stub:
    """A tracker that notes what it is asked for, and fails or hangs where `troubled` says."""

    asked: list[str]
    troubled: dict

    def __getattr__(self, name):
        def act(*_):
            self.asked.append(name)
            self.troubled.get(name, lambda: None)()

        return act


@pytest.fixture
def stub(monkeypatch):
    """Stands in for W&B."""
    Stub.asked, Stub.troubled = [], {}
    monkeypatch.setitem(TRACKERS, "wandb", Stub)
    return Stub


def fail():
    raise ConnectionError("nobody\nthere")


@pytest.mark.parametrize("where", ["start", "log", "image", "close"])
def test_a_tracker_that_fails_is_told_once_and_left_out_while_the_run_and_the_others_go_on(
    where, stub, tmp_path, tiny_config, pictures
):
    stub.troubled, told = {where: fail}, []
    trackers = Trackers(["wandb", "tensorboard"], told.append)
    config = tiny_config(epochs=2, snapshot_epochs=(1, 2))
    run = Run.start(tmp_path, config, pictures, CPU, listeners=Listeners(trackers=trackers))
    go(run).finish()
    trackers.close()
    assert told == ["wandb: ConnectionError: nobody there; the run goes on without reporting there"]
    assert stub.asked.count(where) == 1
    assert stub.asked[-1] == where
    assert_tensorboard_shows(run.folder)


def test_waiting_for_a_tracker_is_not_counted_as_training(stub, tmp_path, tiny_config, pictures):
    stub.troubled = {"start": lambda: time.sleep(1)}
    listeners = Listeners(trackers=Trackers(["wandb"]))
    run = Run.start(tmp_path, tiny_config(max_steps=1), pictures, CPU, listeners=listeners)
    go(run).finish()
    assert 0 < run.metrics_log.seconds < 1


def test_a_rollback_that_cannot_be_reported_is_still_one(stub):
    told = []
    stub.troubled = {"went_back": fail}
    trackers = Trackers(["wandb"], told.append)
    trackers.went_back(6, "loss_d is nan")
    trackers.log({"step": 6, "rollback": 1})
    assert (len(told), stub.asked) == (1, ["went_back"])


def test_a_tracker_that_hangs_at_the_end_is_waited_for_no_longer_than_that(stub):
    told, go_on = [], threading.Event()
    stub.troubled = {"close": go_on.wait}
    began = time.monotonic()
    Trackers(["wandb"], told.append).close(timeout=0.2)
    assert time.monotonic() - began < 2
    assert told == ["wandb: still not done after 0 seconds; its last values may be missing there"]
    go_on.set()


# W&B, whose package the tests do without


@pytest.fixture
def wandb(monkeypatch):
    """A module in W&B's place that notes what is called."""
    calls = []

    def noted(name, result=None):
        return lambda *given, **named: calls.append((name, given, named)) or result

    run = SimpleNamespace(**{name: noted(name) for name in ("define_metric", "log", "alert", "finish")})
    module = SimpleNamespace(init=noted("init", run), Image=lambda pixels: ("picture", pixels.shape), calls=calls)
    monkeypatch.setitem(sys.modules, "wandb", module)
    return module


def test_wandb_goes_on_by_the_runs_id_and_draws_values_over_the_runs_own_steps(wandb, tmp_path):
    trackers = Trackers(["wandb"])
    trackers.start(Tracked(tmp_path / "mine", "f00", {"lr": 1}, 0))
    trackers.log({"step": 50, "loss_d": 0.5})
    trackers.image("samples", np.zeros((4, 8, 3), np.uint8), 50)
    trackers.went_back(6, "loss_d is nan")
    trackers.log({"step": 6, "rollback": 1})
    trackers.close()
    assert wandb.calls == [
        ("init", (), {"project": "dcgan", "name": "mine", "id": "f00", "resume": "allow", "config": {"lr": 1}}),
        ("define_metric", ("*",), {"step_metric": "step"}),
        ("log", ({"loss_d": 0.5, "step": 50},), {}),
        ("log", ({"samples": ("picture", (4, 8, 3)), "step": 50},), {}),
        ("alert", ("Taken back to step 6", "loss_d is nan"), {"level": "WARN"}),
        ("log", ({"rollback": 1, "step": 6},), {}),
        ("finish", (), {}),
    ]


def test_wandb_s_own_variable_names_another_project(wandb, tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_PROJECT", "faces")
    Trackers(["wandb"]).start(Tracked(tmp_path, "f00", {}, 0))
    assert wandb.calls[0][2]["project"] == "faces"


def test_a_package_that_breaks_when_it_is_imported_is_refused_too(monkeypatch):
    def broken():
        raise TypeError("Descriptors cannot be created directly.\nIf this call came from a _pb2.py file")

    monkeypatch.setitem(TRACKERS, "tensorboard", broken)
    with pytest.raises(InputError, match="--report-to tensorboard needs the package tensorboard") as error:
        Trackers(["tensorboard"])
    assert "\n" not in str(error.value)

"""train.py as its users run it: in-process where that is enough, as a process where signals are sent."""

import fcntl
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

import train
from dcgan.avatars import main as avatars_main
from dcgan.checkpoints import load_generator, load_state, snapshot_names
from dcgan.config import config_of
from dcgan.files import held
from dcgan.models import Discriminator
from dcgan.training import dry_run_config
from dcgan.training.metrics_log import read_metrics
from dcgan.training.recorder import Recorder
from support import warm
from support.paths import ROOT
from support.tiny import TINY, TINY_STEPS_PER_EPOCH
from support.torchrun import torchrun

pytestmark = pytest.mark.usefixtures("no_plots")

ENDLESS = [*TINY, "--epochs", "5000", "--snapshot-epochs", "1"]


def write_pictures(folder: Path, count: int) -> Path:
    avatars_main(["micah", str(folder), "--count", str(count), "--size", "30"])
    (folder / "LICENCE.txt").unlink()
    return folder


def with_data(data: Path, *more: str) -> list[str]:
    return ["--data", str(data), *TINY[4:], *more]


def one_line(capsys) -> str:
    error = capsys.readouterr().err
    assert error.count("\n") == 1, error
    assert error.rpartition("\r")[2].startswith("error: ")
    return error


# What works


def test_training_on_a_folder_leaves_a_checkpoint_that_loads(tmp_path, capsys):
    pictures = write_pictures(tmp_path / "pictures", 17)
    out = tmp_path / "out"
    assert train.main(with_data(pictures, "--max-steps", "3", "--output-dir", str(out))) == 0
    assert load_generator(out).image_size == 24
    output = capsys.readouterr().out
    assert "17 of 17 pictures used at 24x24" in output
    assert f"python app.py --model {out}" in output
    assert str(tmp_path) not in (out / "training.json").read_text()
    assert str(tmp_path) not in (out / "README.md").read_text()


def test_a_truncated_picture_among_good_ones_is_reported_and_skipped(tmp_path, capsys):
    pictures = write_pictures(tmp_path / "pictures", 9)
    whole = (pictures / "micah-000000.png").read_bytes()
    (pictures / "broken.png").write_bytes(whole[: len(whole) // 2])
    assert train.main(with_data(pictures, "--max-steps", "1", "--output-dir", str(tmp_path / "out"))) == 0
    output = capsys.readouterr().out
    assert "9 of 10 pictures used" in output
    assert "1 unreadable, skipped: broken.png" in output


@pytest.mark.slow
def test_resume_goes_on_to_the_new_total_and_equals_an_uninterrupted_run(tmp_path):
    straight, halves = tmp_path / "straight", tmp_path / "halves"
    assert train.main([*TINY, "--max-steps", "12", "--output-dir", str(straight)]) == 0
    assert train.main([*TINY, "--max-steps", "6", "--output-dir", str(halves)]) == 0
    assert train.main(["--resume", "--max-steps", "12", "--output-dir", str(halves)]) == 0
    for name in ("model.safetensors", "discriminator/model.safetensors", "state/step-12/state.safetensors"):
        assert (halves / name).read_bytes() == (straight / name).read_bytes(), name


def test_resume_takes_the_same_options_again(tmp_path):
    out = ["--output-dir", str(tmp_path / "out")]
    assert train.main([*TINY, "--max-steps", "2", *out]) == 0
    assert train.main([*TINY, "--max-steps", "3", "--resume", *out]) == 0
    assert load_state(tmp_path / "out").facts.step == 3


def test_epochs_continue_a_run_that_max_steps_had_ended(tmp_path):
    out = ["--output-dir", str(tmp_path / "out")]
    assert train.main([*TINY, "--max-steps", "2", *out]) == 0
    assert train.main(["--resume", *out, "--epochs", "2"]) == 0
    assert load_state(tmp_path / "out").facts.step == 2 * TINY_STEPS_PER_EPOCH


def test_resume_finds_its_pictures_where_they_have_moved_to(tmp_path):
    pictures = write_pictures(tmp_path / "pictures", 9)
    out = ["--output-dir", str(tmp_path / "out")]
    assert train.main(with_data(pictures, "--max-steps", "1", *out)) == 0
    moved = pictures.rename(tmp_path / "moved")
    assert train.main(["--resume", "--data", str(moved), "--max-steps", "2", *out]) == 0


def test_a_run_without_a_name_gets_a_free_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number in (1, 2):
        assert train.main([*TINY, "--max-steps", "1"]) == 0
        assert (tmp_path / f"checkpoints/adventurer-24-run-{number}/model.safetensors").is_file()


def test_what_a_run_leaves_among_its_pictures_is_never_trained_on(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(write_pictures(tmp_path / "pictures", 9))
    for _ in range(2):
        assert train.main(with_data(Path(), "--max-steps", "1")) == 0
        assert "9 of 9 pictures used" in capsys.readouterr().out
    assert train.main(["--resume", "--max-steps", "2", "--output-dir", "checkpoints/pictures-24-run-1"]) == 0


def test_a_tilde_is_the_home_folder_of_data_and_of_the_run(tmp_path, monkeypatch):
    write_pictures(tmp_path / "pictures", 9)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert train.main(with_data(Path("~/pictures"), "--max-steps", "1", "--output-dir=~/run")) == 0
    assert (tmp_path / "run" / "model.safetensors").is_file()


def test_the_plain_recipe_and_every_lever_can_be_chosen(tmp_path):
    arguments = ["--recipe", "plain", "--ema", "--augment", "--r1-gamma", "2", "--flip", "--d-every", "2",
                 "--g-every", "3", "--r1-every", "2", "--lr-decay", "0.5",
                 "--lr-generator", "0.001", "--lr-discriminator", "0.002", "--beta1", "0.25",
                 "--r2-gamma", "3", "--beta2", "0.75",
                 "--ema-decay", "0.9", "--seed", "5", "--max-steps", "1", "--background", "white,#b6e3f4",
                 "--device", "cpu", "--precision", "bfloat16"]  # fmt: skip
    assert train.main([*TINY, *arguments, "--output-dir", str(tmp_path / "out")]) == 0
    config = load_state(tmp_path / "out").facts.config
    assert {k: config[k] for k in ("loss", "d_norm", "ema", "augment", "r1_gamma", "flip", "d_every", "g_every",
            "r1_every", "r2_gamma", "beta2", "lr_decay",
            "lr_generator", "lr_discriminator", "beta1", "ema_decay", "seed", "background",
            "precision")} == {
        "loss": "bce", "d_norm": "batch", "ema": True, "augment": ["color", "translation", "cutout"],
        "r1_gamma": 2.0, "flip": True, "d_every": 2, "g_every": 3, "r1_every": 2,
        "r2_gamma": 3.0, "beta2": 0.75, "lr_decay": 0.5,
        "lr_generator": 0.001, "lr_discriminator": 0.002,
        "beta1": 0.25, "ema_decay": 0.9, "seed": 5, "background": ["white", "#b6e3f4"],
        "precision": "bfloat16",
    }  # fmt: skip


def test_a_relativistic_run_without_a_norm_in_d_leaves_both_networks_as_they_were_trained(tmp_path):
    out = tmp_path / "out"
    levers = ["--loss", "relativistic", "--d-norm", "none", "--r2-gamma", "1"]
    assert train.main([*TINY, *levers, "--max-steps", "3", "--output-dir", str(out)]) == 0
    assert Discriminator.from_pretrained(out / "discriminator").config.norm == "none"
    card = (out / "README.md").read_text()
    assert "relativistic pairing loss, no normalisation in the discriminator" in card
    assert "R1 and R2 penalties, gamma 1 each, every 4 updates" in card


@pytest.mark.parametrize(
    ("older", "today"), [(["--spectral-norm"], "spectral"), (["--no-spectral-norm"], "batch"),
                         (["--no-spectral-norm", "--d-norm", "batch"], "batch")], ids=str,
)  # fmt: skip
def test_the_older_words_for_ds_norm_are_still_understood(older, today):
    given = train.given_options(train.build_parser().parse_args(["--data", "pictures", *older]))
    assert config_of(given).d_norm == today
    assert "spectral_norm" not in given


def test_a_dry_run_goes_through_the_whole_chain_and_leaves_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path / "cache"))
    (tmp_path / "tmp").mkdir()
    snapshots, snapshot = [], Recorder._snapshot

    def noted(self, *of):
        snapshot(self, *of)
        snapshots.append((self.state.step, load_generator(self.folder, "epoch-0001").image_size))

    monkeypatch.setattr(Recorder, "_snapshot", noted)
    assert train.main(["--dry-run", *TINY[4:]]) == 0
    assert snapshots == [(2, 24)]
    output = capsys.readouterr().out
    assert "dry run: all is well" in output
    assert "see it with" not in output
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_an_option_without_effect_is_named_before_the_run_which_goes_on(tmp_path, capsys):
    out = ["--output-dir", str(tmp_path / "out")]
    assert train.main([*TINY, "--max-steps", "1", "--portrait-crop", "bust", *out]) == 0
    told = "note: --portrait-crop has no effect: --data avatars:adventurer holds no portraits to crop."
    assert capsys.readouterr().err.splitlines()[0] == told


def test_a_dry_run_says_what_it_leaves_out(capsys, tmp_path):
    assert train.main(["--dry-run", *TINY[4:], "--push-to-hub", "user/name", "--output-dir", str(tmp_path / "a")]) == 0
    notes = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note: ")]
    assert notes == [
        f"note: --{name} has no effect: a dry run keeps nothing." for name in ("output-dir", "push-to-hub")
    ]


def test_the_progress_shown_names_losses_beliefs_and_speed(tmp_path, capsys):
    assert train.main([*TINY, "--epochs", "2", "--snapshot-epochs", "1", "--output-dir", str(tmp_path / "out")]) == 0
    shown = capsys.readouterr().err
    for part in ("D=", "G=", "D(x)=", "D(G(z))=", "img/s=", "10/10"):
        assert part in shown


# Several processes


def run(command: Sequence[str]) -> subprocess.CompletedProcess:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.mark.slow
def test_two_processes_train_one_run_that_one_process_can_continue(tmp_path):
    out = tmp_path / "out"
    more = ["--epochs", "2", "--snapshot-epochs", "1,2", "--report-to", "tensorboard"]
    program = warm.python("-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "train.py")
    done = run([*program, *TINY, *more, "--output-dir", str(out)])  # whose processes start as a user's do
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("training on cpu for 10 steps of 8 pictures (2 processes with 4 each)") == 1
    assert done.stdout.count("40 of 40 pictures used") == 1
    assert [line["step"] for line in read_metrics(out)] == [5, 10]
    assert snapshot_names(out) == ["epoch-0001", "epoch-0002"]
    assert not list(out.rglob("*.partial"))
    assert len(list((out / "tensorboard").iterdir())) == 1  # the main process's

    on_two = shutil.copytree(out, tmp_path / "on-two")
    resumed = run(torchrun(2, "train.py", "--resume", "--epochs", "3", "--output-dir", str(on_two)))
    assert resumed.returncode == 0, resumed.stderr
    assert train.main(["--resume", "--epochs", "3", "--output-dir", str(out)]) == 0
    assert load_state(out).facts.step == load_state(on_two).facts.step == 15
    assert torch.isfinite(load_generator(out).main[0].weight).all()


@pytest.mark.slow
def test_a_batch_that_cannot_be_split_is_said_once_and_leaves_nothing(tmp_path):
    out = tmp_path / "out"
    done = run(torchrun(3, "train.py", *TINY, "--output-dir", str(out)))
    assert done.returncode == 1  # torchrun's own, whatever a process returned
    assert done.stderr.count("error: --batch-size 8 can't be split over 3 processes") == 1
    assert "exitcode: 2" in done.stderr or "exitcode  : 2" in done.stderr
    assert 'train.py", line' not in done.stderr
    assert not out.exists()


# Bad input: exit 2, one line, nothing lost


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--data is missing"),
        (["--data", "avatars:adventurer", "--frobnicate"], "--frobnicate"),
        (["--data", "avatars:adventurer", "--loss", "wasserstein"], "wasserstein"),
        (["--data", "avatars:adventurer", "--recipe", "secret"], "secret"),
        (["--data", "avatars:adventurer", "--d-norm", "layer"], "layer"),
        (["--data", "avatars:adventurer", "--d-norm", "none", "--no-spectral-norm"], "means --d-norm batch, but"),
        (["--data", "avatars:adventurer", "--epochs", "many"], "--epochs"),
        (["--data", "avatars:adventurer", "--snapshot-epochs", "1,two"], "--snapshot-epochs"),
        (["--data", "avatars:adventurer", "--snapshot-epochs", ""], "--snapshot-epochs"),
        (["--data", "avatars:adventurer", "--augment", "blur"], "blur"),
        (["--data", "avatars:adventurer", "--background", ","], "--background"),
        (["--data", "x" * 5000], "can't be opened"),
        (["--dry-run", "--batch-size", "0"], "--batch-size"),
        (["--data", "avatars:adventurer", "--background", "mauvish"], "mauvish"),
        (["--data", "avatars:picasso"], "lorelei"),
        (["--data", "avatars:adventurer", "--image-size", "100"], "24, 32, 48, 64, 96, 128, 192, 256"),
        (["--data", "avatars:adventurer", "--batch-size", "0"], "--batch-size"),
        (["--data", "avatars:adventurer", "--data-size", "20", "--batch-size", "21"], "20 usable pictures"),
        (["--data", "avatars:adventurer", "--data-size", "1"], "has 1 usable picture, and a batch takes at least 2"),
        (["--data", "nowhere"], "no such folder or file"),
        (["--data", "/no/where/at/all"], "no such folder or file"),
        (["--data", "empty"], "with nothing"),
        (["--data", "texts"], "none of them a picture"),
        (["--resume"], "--output-dir"),
        (["--resume", "--output-dir", "nowhere"], "holds no run to resume"),
    ],
)
def test_bad_input_costs_one_line_and_leaves_no_trace(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").touch()
    before = sorted(tmp_path.rglob("*"))
    assert train.main(arguments) == 2
    assert message in one_line(capsys)
    assert sorted(p for p in tmp_path.rglob("*") if p.name != "checkpoints") == before


def test_a_device_that_is_not_there_is_refused(monkeypatch, capsys):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert train.main([*TINY, "--device", "cuda"]) == 2
    assert "--device cuda" in one_line(capsys)


def test_an_output_folder_that_can_not_be_written_is_refused(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert train.main([*TINY, "--output-dir", str(tmp_path / "file" / "out")]) == 2
    assert "can't be written to" in one_line(capsys)


@pytest.mark.parametrize("arguments", [[*TINY], ["--resume"]], ids=["a new run", "resumed"])
def test_a_second_run_in_a_folder_is_refused_while_the_first_goes_on(arguments, tmp_path, capsys):
    with held(tmp_path):
        assert train.main([*arguments, "--output-dir", str(tmp_path)]) == 2
    assert f"another process has a run in {tmp_path} at this moment; wait until it ends" in one_line(capsys)


@pytest.mark.parametrize("given", ["--data-size", "--epochs", "--max-steps"])
def test_an_option_that_a_dry_run_decides_itself_is_named(given, capsys):
    dry_run_config({given[2:].replace("-", "_"): 7})
    assert capsys.readouterr().err == f"note: {given} has no effect: a dry run decides that itself.\n"


def test_an_output_folder_with_another_run_is_refused_and_left_alone(trained_run, capsys):
    before = {p: p.stat().st_mtime_ns for p in trained_run.rglob("*")}
    assert train.main([*TINY, "--output-dir", str(trained_run)]) == 2
    assert "--resume" in one_line(capsys)
    assert {p: p.stat().st_mtime_ns for p in trained_run.rglob("*")} == before


def test_resuming_with_another_configuration_names_the_option(trained_run, capsys):
    assert train.main(["--resume", "--output-dir", str(trained_run), "--beta1", "0.9"]) == 2
    assert "--beta1 is 0.9, but the run" in one_line(capsys)


def test_resuming_on_changed_pictures_is_refused(tmp_path, capsys):
    pictures = write_pictures(tmp_path / "pictures", 9)
    out = ["--output-dir", str(tmp_path / "out")]
    assert train.main(with_data(pictures, "--max-steps", "1", *out)) == 0
    (pictures / "micah-000003.png").unlink()
    capsys.readouterr()
    assert train.main(["--resume", "--max-steps", "2", *out]) == 2
    assert "holds other pictures now" in capsys.readouterr().err


@pytest.mark.parametrize(
    "failure", [OSError(28, "No space left on device"), torch.OutOfMemoryError("CUDA\nout of memory")]
)
def test_a_failure_is_status_1_with_what_was_kept_and_how_to_go_on(failure, tmp_path, monkeypatch, capsys):
    def fail(*_):
        raise failure

    monkeypatch.setattr(Recorder, "_snapshot", fail)
    out = tmp_path / "out"
    arguments = [*TINY, "--epochs", "2", "--snapshot-epochs", "2", "--save-every", "4", "--output-dir", str(out)]
    assert train.main(arguments) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert re.search("No space left|CUDA out of memory", error)
    assert "everything up to step 8 is kept" in error
    assert f"python train.py --resume --output-dir {out}" in error
    monkeypatch.undo()
    assert train.main(["--resume", "--output-dir", str(out)]) == 0
    assert load_state(out).facts.step == 10


@pytest.mark.parametrize("is_there", [False, True])
def test_what_a_disk_that_is_full_from_the_start_tells_to_do_works_when_one_does_it(
    is_there, tmp_path, monkeypatch, capsys
):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    if is_there:
        (tmp_path / "out").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        assert train.main([*TINY, "--max-steps", "1", "--output-dir", str(tmp_path / "out")]) == 1
    assert (tmp_path / "out").exists() is is_there
    told = capsys.readouterr().err.splitlines()[-1]
    assert "nothing was saved yet. Mend that, then begin again with: python train.py" in told
    assert train.main(shlex.split(told.partition("train.py ")[2])) == 0
    assert load_generator(tmp_path / "out")


@pytest.mark.parametrize("left", ["step-0.partial/.state.safetensors.7.partial", "step-0/state.json", ""])
def test_what_a_run_left_that_was_killed_before_it_had_saved_anything_is_in_nobodys_way(left, tmp_path):
    leftover = tmp_path / "out" / "state" / left
    leftover.parent.mkdir(parents=True)
    leftover.touch() if left else leftover.mkdir()
    assert train.main([*TINY, "--max-steps", "1", "--output-dir", str(tmp_path / "out")]) == 0
    assert sorted(path.name for path in (tmp_path / "out" / "state").iterdir()) == ["last", "step-0", "step-1"]


def test_a_folder_of_the_users_own_that_is_called_state_is_left_alone(tmp_path, capsys):
    (tmp_path / "out" / "state").mkdir(parents=True)
    (tmp_path / "out" / "state" / "notes.txt").write_text("mine")
    assert train.main([*TINY, "--max-steps", "1", "--output-dir", str(tmp_path / "out")]) == 2
    assert "already holds files" in one_line(capsys)
    assert (tmp_path / "out" / "state" / "notes.txt").read_text() == "mine"


# Signals


@pytest.mark.slow
def test_a_termination_while_pictures_are_rendered_leaves_nothing_behind(tmp_path):
    environment = os.environ | {"DCGAN_CACHE": str(tmp_path / "cache")}
    command = warm.python("train.py", "--data", "avatars:adventurer", "--output-dir", str(tmp_path / "out"))
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        while not any(file.stat().st_size for file in (tmp_path / "cache").glob("*.partial-*/pictures.u8")):
            assert process.poll() is None
            time.sleep(0.1)
        process.terminate()
        _, error = process.communicate(timeout=60)
    assert process.returncode == 143
    assert b"Traceback" not in error
    assert [p for p in tmp_path.rglob("*") if p.name != "cache"] == []


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_finishes_the_step_saves_and_prints_the_command_that_continues(number, status, tmp_path):
    out = tmp_path / "out"
    command = warm.python("train.py", *ENDLESS, "--output-dir", str(out))
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            while not (out / "epochs" / "epoch-0001" / "model.safetensors").exists():
                assert process.poll() is None, process.stderr.read()
                time.sleep(0.05)
            process.send_signal(number)
            output, error = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == status, error
    go_on = re.search(r"Continue with: python (train\.py .*)", output)[1].split()
    assert "Traceback" not in error
    step = load_state(out).facts.step
    assert step >= TINY_STEPS_PER_EPOCH
    assert read_metrics(out)[-1]["step"] == step
    assert load_generator(out)

    assert train.main([*go_on[1:], "--max-steps", str(step + 2)]) == 0
    assert load_state(out).facts.step == step + 2


@pytest.mark.slow
def test_a_terminal_that_is_closed_ends_a_run_that_has_saved(tmp_path):
    out = tmp_path / "out"
    terminal, its_end = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "train.py", *ENDLESS, "--output-dir", str(out)], cwd=ROOT, stdin=its_end, stdout=its_end,
        stderr=its_end, start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    os.close(its_end)
    try:
        while not (out / "epochs" / "epoch-0001" / "model.safetensors").exists():
            assert process.poll() is None
            time.sleep(0.05)
        os.close(terminal)
        assert process.wait(60) == 129
    finally:
        process.kill()
        process.wait()
    assert load_state(out).facts.step == read_metrics(out)[-1]["step"] >= TINY_STEPS_PER_EPOCH


@pytest.mark.slow
def test_a_killed_run_goes_on_from_its_last_save(tmp_path):
    out = tmp_path / "out"
    straight = tmp_path / "straight"
    command = warm.python("train.py", *ENDLESS, "--output-dir", str(out))
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        while not (out / "state" / f"step-{TINY_STEPS_PER_EPOCH}").exists():
            assert process.poll() is None
            time.sleep(0.05)
        process.kill()
        process.stdout.read()  # until its end, which comes with that of the process
    step = load_state(out).facts.step
    assert train.main(["--resume", "--max-steps", str(step + 4), "--output-dir", str(out)]) == 0
    assert train.main([*TINY, "--max-steps", str(step + 4), "--output-dir", str(straight)]) == 0
    for name in ("model.safetensors", f"state/step-{step + 4}/state.safetensors"):
        assert (out / name).read_bytes() == (straight / name).read_bytes()
    shutil.rmtree(out)

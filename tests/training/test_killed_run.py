"""Runs that are killed while they write, as by a power cut; `kill_again_and_again` runs in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
import torch

from dcgan.checkpoints import snapshot_names
from dcgan.config import TrainConfig
from dcgan.data import Pictures, load_pictures
from dcgan.files import write_text
from dcgan.training import Run, run_folder, schedule, supervisor
from dcgan.training.health import Reading
from dcgan.training.metrics_log import MetricsLog
from dcgan.training.supervisor import WATCHED_SEEDS, Supervisor
from support import warm
from support.paths import PYTHONPATH
from support.runs import go

pytestmark = pytest.mark.slow

KILLED = 99
CONFIG = TrainConfig(
    data="avatars:adventurer", data_size=8, image_size=24, batch_size=8, latent_dim=8, generator_feature_maps=4,
    discriminator_feature_maps=4, ema=False, epochs=3, snapshot_epochs=(1, 2, 3),
)  # fmt: skip
# How far the faces are in the beginning and at each snapshot, which every step leaves; and which of those is killed.
CASES = {
    "first": ((0.9, 0.3, 0.2, 0.25), 1),
    "better": ((0.9, 0.3, 0.2, 0.25), 2),
    "worse": ((0.9, 0.2, 0.3, 0.25), 2),
}
# What puts whole files in their places, or takes them away, whoever calls it
WRITERS = [(os, "replace"), (os, "rename"), (shutil, "copyfile"), (shutil, "rmtree"), (MetricsLog, "write")]


# In a process of its own


def make_runs_alike(distances: tuple[float, ...]) -> None:
    """Make runs the same to the last byte of what they tell, and quick."""
    Supervisor._read = lambda watching, pixels: Reading(distances[watching.state.step], 0.5)
    MetricsLog._stop_the_clock = a_second_has_passed
    schedule.LOG_EVERY = 1
    # What takes long is made short
    supervisor.WATCHED_SEEDS = WATCHED_SEEDS[:8]
    run_folder.draw_losses = lambda lines, path: write_text(path, str([line["loss_d"] for line in lines]))
    run_folder.save_gif = lambda frames, path, _: path.write_bytes(frames.tobytes())
    os.fsync = lambda file: None


def a_second_has_passed(log: MetricsLog) -> float:
    log.seconds += 1
    return 1.0


def resume(folder: Path, pictures: Pictures) -> Run:
    return Run.resume(folder, CONFIG, pictures, torch.device("cpu"))


def in_a_child(act: Callable[[], object]) -> int:
    """Give the status of a process that does this."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        act()
        os._exit(0)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(1)


def kill_at_call(number: int) -> None:
    """Let this process die where something would be written for the `number`th time."""
    calls = count()

    def deadly(write: Callable) -> Callable:
        def written(*given, **named):
            if next(calls) == number:
                os._exit(KILLED)
            return write(*given, **named)

        return written

    for owner, name in WRITERS:
        setattr(owner, name, deadly(getattr(owner, name)))


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def shown_of(folder: Path) -> list[str]:
    """Name the snapshots whose networks are those at the top."""
    names = ("model.safetensors", "discriminator/model.safetensors", "samples/latest.png")
    return [
        snapshot
        for snapshot in snapshot_names(folder)
        if all((folder / name).read_bytes() == (folder / "epochs" / snapshot / name).read_bytes() for name in names)
    ]


def kill_again_and_again(scratch: Path, case: str) -> None:
    torch.set_num_threads(1)
    distances, killed_at = CASES[case]
    make_runs_alike(distances)
    pictures = load_pictures(CONFIG.data, CONFIG.image_size, CONFIG.data_size)
    start, straight = scratch / "start", scratch / "straight"
    start.mkdir()
    run = Run.start(start, CONFIG, pictures, torch.device("cpu"))
    run.save()
    if killed_at > 1:
        go(run, until=killed_at - 1)
    go(resume(shutil.copytree(start, straight), pictures)).finish()
    expected = files_of(straight)
    found = []
    differences: dict[frozenset, list[str]] = {}  # in the end, by what a resumed run had: the same goes the same way
    for number in count():
        folder = scratch / f"killed-at-{number}" / straight.name
        shutil.copytree(start, folder)
        status = in_a_child(lambda folder=folder, n=number: (kill_at_call(n), go(resume(folder, pictures), killed_at)))
        if status == 0:
            break
        resumed = resume(folder, pictures)
        kept = {"snapshots": snapshot_names(folder), "shown": shown_of(folder), "step": resumed.state.step}
        had = frozenset(files_of(folder).items())
        if had not in differences:
            go(resumed).finish()
            files = files_of(folder)
            differences[had] = sorted(name for name in expected | files if expected.get(name) != files.get(name))
        found.append({"status": status, "different": differences[had]} | kept)
    (scratch / "found.json").write_text(json.dumps(found))


if __name__ == "__main__":
    kill_again_and_again(Path(sys.argv[1]), sys.argv[2])


# What came of it


@pytest.mark.timeout(600)
@pytest.mark.parametrize("case", CASES)
def test_a_run_killed_between_any_two_writes_of_a_snapshot_goes_on_as_if_nothing_had_been(case, tmp_path):
    done = subprocess.run(
        warm.python(__file__, str(tmp_path), case), env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": PYTHONPATH},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    assert len(found) > 20
    best = {1: ["epoch-0001"], 2: ["epoch-0002" if case == "better" else "epoch-0001"]}
    for number, kept in enumerate(found):
        assert kept["status"] == KILLED, (number, done.stderr)
        assert kept["shown"] == best.get(len(kept["snapshots"]), []), (number, kept)
        assert kept["different"] == [], (number, kept)
    killed_at = CASES[case][1]
    assert {kept["step"] for kept in found} <= {killed_at - 1, killed_at}  # as its state was saved or not

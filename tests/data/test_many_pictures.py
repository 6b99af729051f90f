"""As many pictures as people have: memory holds what they are called, and never what they show."""

from __future__ import annotations

import io
import json
import os
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import machine, promises
from support import warm
from support.paths import PYTHONPATH, ROOT
from support.tiny import TINY

pytestmark = pytest.mark.slow

BROKEN = 100  # each such a picture is cut short
MAX_MB, MAX_KB_EACH = 150, 3  # that decoding and training take, and a picture on top
SCRIPT = """
import json, sys
from pathlib import Path
import torch, torchvision.transforms.v2
import train
from dcgan.data import load_pictures
from dcgan.training.metrics_log import read_metrics

def peak():
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024

def forget_peak():
    Path("/proc/self/clear_refs").write_text("5")

forget_peak()
before = peak()
assert train.main(json.loads(sys.argv[1])) == 0
pictures = load_pictures(sys.argv[2], 24)
print("=>", json.dumps([pictures.report.to_dict(), pictures.fingerprint, round(peak() - before)]))
"""


def png_files(count: int) -> Iterator[tuple[str, bytes]]:
    """Small pictures, no two the same, and some that are cut short."""
    rng = np.random.default_rng(0)
    for number in range(count):
        packed = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (12, 12, 3), dtype=np.uint8)).save(packed, "PNG", compress_level=1)
        content = packed.getvalue()
        yield f"{number // 1000:03d}/{number:06d}.png", content[:60] if number % BROKEN == 0 else content


def write_both(scratch: Path, count: int) -> list[Path]:
    """Write the same pictures into a folder and into a .zip."""
    folder, packed = scratch / "pictures", scratch / "pictures.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in png_files(count):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
            archive.writestr(name, content)
    return [folder, packed]


def train_on(source: Path, scratch: Path) -> tuple[dict, str, int]:
    """Decode pictures and train a few steps on them; give the report, the fingerprint and the memory it took, in MB."""
    out = scratch / f"run-{source.name}"
    arguments = ["--data", str(source), *TINY[4:], "--max-steps", "3", "--output-dir", str(out)]
    environment = os.environ | {"DCGAN_CACHE": str(scratch / "cache"), "OMP_NUM_THREADS": "1", "PYTHONPATH": PYTHONPATH}
    command = warm.python("-c", SCRIPT, json.dumps(arguments), str(source))
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.rpartition("=> ")[2])


def check(count: int, scratch: Path) -> int:
    """Train on so many pictures from both containers; give the most memory that it took, in MB."""
    (report, fingerprint, growth), (packed, same, growth_packed) = (
        train_on(source, scratch) for source in write_both(scratch, count)
    )
    assert (report["found"], report["unreadable"], report["duplicates"]) == (count, count // BROKEN, 0)
    assert report["used"] == count - count // BROKEN
    assert (packed, same) == (report, fingerprint)
    assert max(growth, growth_packed) < MAX_MB + MAX_KB_EACH * count / 1024
    return max(growth, growth_packed)


def test_two_thousand_pictures_are_counted_right_in_a_folder_and_in_a_zip(tmp_path):
    check(2000, tmp_path)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_hundred_thousand_pictures_are_counted_right_and_take_little_memory(tmp_path):
    began, clock = machine.now(), time.monotonic()
    growth = check(100_000, tmp_path)
    promises.leave(
        "many pictures",
        command="python -m pytest -m long tests/data/test_many_pictures.py",
        seed=0,
        began=began,
        counts={"pictures": 100_000, "as a folder and as a zip": 2, "not counted": 0,
                "MB of memory at most": growth, "seconds": round(time.monotonic() - clock)},
    )  # fmt: skip

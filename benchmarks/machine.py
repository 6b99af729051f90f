"""Where a run was made: the machine, and the commit of the code."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch

from dcgan.sampling import pick_device

ROOT = Path(__file__).parent.parent
WRITTEN_BY_RUNS = (
    "benchmarks/records.jsonl",
    "benchmarks/recipes.md",
    "SECURITY.md",
)  # a change of these alone changes no run
CPU_FACTS = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Machine:
    """What decides how fast a run is, and the last bits of what it computes."""

    processor: str
    cores: int
    threads: int  # that PyTorch uses
    torch: str
    capability: str  # the widest instructions that PyTorch uses here, as AVX2; AVX512_BF16 where the processor has it
    device: str  # cpu, or the name of the GPU


def this_machine() -> Machine:
    """Describe the machine that this runs on."""
    known = _cpu_facts()
    capability = torch.backends.cpu.get_cpu_capability()
    if "avx512_bf16" in known.get("flags", "").split():
        capability += " AVX512_BF16"
    device = pick_device("auto")
    return Machine(
        processor=known.get("model name") or platform.processor() or platform.machine(),
        cores=os.cpu_count() or 1,
        threads=torch.get_num_threads(),
        torch=torch.__version__,
        capability=capability,
        device=torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
    )


def _cpu_facts() -> dict[str, str]:
    """Read what Linux says of the first core; nothing on other systems."""
    if not CPU_FACTS.is_file():
        return {}
    first = CPU_FACTS.read_text(encoding="utf-8", errors="replace").split("\n\n")[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def this_commit(root: Path = ROOT) -> str:
    """Find the commit that is checked out, with `-dirty` where tracked files differ from it; `unknown` without git."""
    try:
        commit = _git(root, "rev-parse", "HEAD").stdout.strip()
        changed = _git(root, "status", "--porcelain", "--untracked-files=no", "--", ".", *_all_but(WRITTEN_BY_RUNS))
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit + ("-dirty" if changed.stdout else "")


def _git(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", "-C", str(root), *words], check=True, capture_output=True, text=True)


def _all_but(paths: tuple[str, ...]) -> list[str]:
    return [f":(exclude){path}" for path in paths]


def now() -> str:
    """Give the time, UTC, to the second, as ISO 8601 writes it."""
    return iso(datetime.now(UTC))


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

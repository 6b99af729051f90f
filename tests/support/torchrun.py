"""torchrun, whose processes start warm as it does itself."""

from __future__ import annotations

from support import warm


def torchrun(processes: int, program: str, *arguments: str) -> list[str]:
    """Give the command that runs a program in this many processes."""
    options = ["--standalone", "--local-addr=127.0.0.1", f"--nproc-per-node={processes}", "--no-python"]
    return warm.python("-m", "torch.distributed.run", *options, *warm.python(program, *arguments))

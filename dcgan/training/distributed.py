"""One run in several processes, as torchrun starts them on one machine. A single process never meets torch.distributed.

Each process takes its share of every batch and averages its gradients with the others'; all else that decides the run
(weights, optimizers, random numbers, picture order) is the same in all of them.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from dcgan.errors import InputError

MIN_SHARE = 2  # pictures of a batch that a process must have, for BatchNorm
COLLECTIVE_TIMEOUT = timedelta(hours=24)  # the main process decodes pictures while the others wait
Value = TypeVar("Value")


@dataclass(frozen=True)
class World:
    """The processes of a run, seen from one of them: `rank` counts from 0 to `size` - 1, `local_rank` its GPUs.

    What talks to the other processes works inside `connected` alone, and has to be called by all of them alike.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @classmethod
    def from_environment(cls) -> World:
        """Give this process as torchrun's RANK, WORLD_SIZE and LOCAL_RANK describe it; without them, the only one."""
        rank = int(os.environ.get("RANK", 0))
        return cls(rank, int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("LOCAL_RANK", rank)))

    @property
    def is_main(self) -> bool:
        """Whether this is the process that prints and writes."""
        return self.rank == 0

    def check(self, batch_size: int) -> None:
        """Make sure that a batch can be split into equal shares that BatchNorm can work with.

        Raises:
            InputError: it can't; names sizes that can.
        """
        least = MIN_SHARE * self.size
        if self.size == 1 or (batch_size >= least and batch_size % self.size == 0):
            return
        below = batch_size // self.size * self.size
        fits = f"{below} or {below + self.size}" if below >= least else f"{least} or another multiple of {self.size}"
        raise InputError(
            f"--batch-size {batch_size} can't be split over {self.size} processes into equal shares of at least "
            f"{MIN_SHARE} pictures; use --batch-size {fits}, or another number of processes."
        )

    def batch_in_words(self, batch_size: int) -> str:
        """Say how many pictures a step has, and how many of them each process has."""
        if self.size == 1:
            return f"{batch_size}"
        return f"{batch_size} pictures ({self.size} processes with {batch_size // self.size} each)"

    def device(self, device: torch.device) -> torch.device:
        """Pick this process's device where `device` is the run's: with several processes, each has a GPU of its own.

        Raises:
            InputError: fewer GPUs than processes, or a kind of device that only a single process can use.
        """
        if self.size == 1 or device.type == "cpu":
            return device
        if device.type != "cuda":
            raise InputError(
                f"--device {device.type} works for one process, not for {self.size}; start train.py without torchrun."
            )
        if self.size > (there := torch.cuda.device_count()):
            raise InputError(
                f"torchrun started {self.size} processes, but PyTorch finds {there} GPUs here; "
                f"use --nproc_per_node={there}, or --device cpu."
            )
        own = torch.device("cuda", self.local_rank)
        torch.cuda.set_device(own)
        return own

    @contextmanager
    def connected(self, device: torch.device) -> Iterator[None]:
        """Join the other processes, whose gradients will be on `device`'s kind of device; leave them at the end."""
        if self.size == 1:
            yield
            return
        # What is on the CPU goes through gloo in either case, so that `any` and the like never wait for a GPU.
        dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo", timeout=COLLECTIVE_TIMEOUT)
        try:
            with warnings.catch_warnings():
                # of the last layer's gradient (1, C, 4, 4): the stride of a dimension of size 1 is anything
                warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides")
                yield
        finally:
            dist.destroy_process_group()

    def rows(self, batch: Tensor, dim: int = 0) -> Tensor:
        """Give this process's equal share of a whole batch whose rows are counted along `dim`."""
        assert batch.shape[dim] % self.size == 0, (batch.shape, dim, self.size)
        return batch.chunk(self.size, dim)[self.rank]

    def wrap(self, network: nn.Module) -> nn.Module:
        """Make of `network` one with the same weights that averages gradients over the processes in each backward pass.

        Buffers stay each process's own: BatchNorm's statistics are those of its share of the batch.
        """
        if self.size == 1:
            return network
        parallel = DistributedDataParallel(network)
        parallel.broadcast_buffers = False  # as an argument it is deprecated; what follows it is newer than torch 2.8
        return parallel

    def any(self, flag: bool) -> bool:
        """Say whether `flag` is true in any process. Cheap enough for every step."""
        if self.size == 1:
            return flag
        flags = torch.tensor(int(flag))
        dist.all_reduce(flags, dist.ReduceOp.MAX)
        return bool(flags)

    def barrier(self) -> None:
        """Wait until all processes are here."""
        self.any(False)  # torch's own barrier would wait for the GPU

    def from_main(self, value: Value) -> Value:
        """Give the main process's `value`, plain data, in every process."""
        if self.size == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0, device=torch.device("cpu"))
        return box[0]


SINGLE_PROCESS = World()

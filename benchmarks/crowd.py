"""How many answers a second a crowd of visitors gets, and how much memory that and a long training take.

python -m benchmarks.crowd
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx2
import numpy as np

from benchmarks.loops import CPU, noise
from benchmarks.machine import ROOT
from benchmarks.measuring import Effort, Finding, Row, Spread, in_turns, run_rows
from benchmarks.serving import OURS, Server, resident_bytes, served
from dcgan.checkpoints import load_generator
from dcgan.cli import command
from dcgan.config import config_of
from dcgan.latents import latents
from dcgan.layout import BUNDLED, CHECKPOINTS
from dcgan.sampling import render
from dcgan.training import Run, train

VISITORS, FACES = 50, 16
ANSWER_SECONDS = 120
MAX_GROWTH = 2.0  # percent of resident memory
TINY_RUN = {"image_size": 24, "generator_feature_maps": 4, "discriminator_feature_maps": 4, "latent_dim": 8}


@dataclass(frozen=True)
class Crowd:
    """What visitors who ask at once were answered: how many a second, after how many seconds each, and how many not."""

    answers_a_second: float
    seconds: list[float]
    errors: int


def visitors_at_once(effort: Effort) -> Finding:
    """Let one visitor ask again and again, then 50 at once, each for 16 faces."""
    visitors, asks = effort.of(VISITORS, 3), effort.of(3, 1)
    with served(OURS) as server:
        seeds = itertools.count()
        asyncio.run(_crowd(server, seeds, visitors, 1))  # all that is made when first asked for
        before = server.resident_bytes()
        one = [asyncio.run(_crowd(server, seeds, 1, effort.of(20, 2))) for _ in range(effort.of(3, 1))]
        many = [asyncio.run(_crowd(server, seeds, visitors, asks)) for _ in range(effort.of(3, 1))]
        growth = 100 * (server.resident_bytes() / before - 1)
    network = _seconds_in_the_network(effort)
    ratio = Spread.of_ratios([each.answers_a_second for each in many], [each.answers_a_second for each in one])
    waited = float(np.percentile([each for crowd in many for each in crowd.seconds], 95))
    errors, rate = sum(crowd.errors for crowd in many), Spread.of([crowd.answers_a_second for crowd in many]).median
    in_network = 100 * rate * network
    met = ratio.median >= 4 and not errors and waited <= VISITORS * network + 1 and growth <= MAX_GROWTH
    return Finding(
        f"{ratio.words()} the answers of one visitor: {rate:.1f} a second ({60 * rate:,.0f} a minute), "
        f"{in_network:.0f} % of the time in the network, p95 {waited:.1f} s, {errors} errors, memory {growth:+.1f} %",
        met,
    )


async def _crowd(server: Server, seeds: itertools.count[int], visitors: int, asks: int) -> Crowd:
    """Let so many visitors ask so often, each as soon as the last answer is there."""
    seconds: list[float] = []
    errors = 0

    async def visitor(client: httpx2.AsyncClient) -> None:
        nonlocal errors
        for _ in range(asks):
            began = time.perf_counter()
            if await _is_answered(client, "generate", [next(seeds), FACES, False, None, 1, 1]):
                seconds.append(time.perf_counter() - began)
            else:
                errors += 1

    async with _client(server) as client:
        began = time.perf_counter()
        await asyncio.gather(*(visitor(client) for _ in range(visitors)))
        return Crowd(visitors * asks / (time.perf_counter() - began), seconds, errors)


def _client(server: Server) -> httpx2.AsyncClient:
    limits = httpx2.Limits(max_connections=None)
    return httpx2.AsyncClient(base_url=server.address, timeout=ANSWER_SECONDS, limits=limits, trust_env=False)


async def _is_answered(client: httpx2.AsyncClient, endpoint: str, values: list[object]) -> bool:
    """Call an endpoint as gradio_client does; tell whether an answer came."""
    asked = await client.post(f"gradio_api/call/{endpoint}", json={"data": values})
    if asked.status_code != 200:
        return False
    answer = await client.get(f"gradio_api/call/{endpoint}/{asked.json()['event_id']}")
    return "event: complete" in answer.text


def _seconds_in_the_network(effort: Effort) -> float:
    generator = load_generator(ROOT / CHECKPOINTS / BUNDLED[0])
    z = latents(list(range(FACES)), generator.latent_dim)
    [seconds] = in_turns(effort.of(10, 2), {"faces": lambda: render(generator, z)}).values()
    return Spread.of(seconds).median


def memory(effort: Effort) -> Finding:
    """Watch the memory of a training of 100 epochs and of a page that answers 2,000 times."""
    trained, answered = _growth_of_a_training(effort), _growth_of_a_page(effort)
    words = f"{trained:+.1f} % over {effort.of(100, 4)} epochs, {answered:+.1f} % over {effort.of(2000, 20):,} requests"
    return Finding(words, max(trained, answered) <= MAX_GROWTH)


def _growth_of_a_training(effort: Effort) -> float:
    """Train tiny networks on tiny data, with the snapshots of a run; give the growth in percent after a tenth of it."""
    epochs = effort.of(100, 4)
    every_tenth = tuple(range(max(1, epochs // 10), epochs + 1, max(1, epochs // 10)))
    settings = {"data": "noise", "epochs": epochs, "snapshot_epochs": every_tenth, "batch_size": 8}
    config = config_of(settings | TINY_RUN)
    pictures = noise(config.image_size, 64)
    warm_steps, before = len(pictures) // config.batch_size * max(1, epochs // 5), 0
    with tempfile.TemporaryDirectory() as folder:
        run = Run.start(Path(folder), config, pictures, CPU)
        for metrics in train(run.state, config, pictures):
            run.after_step(metrics)
            if run.state.step == warm_steps:
                before = resident_bytes(os.getpid())
        return 100 * (resident_bytes(os.getpid()) / before - 1)


def _growth_of_a_page(effort: Effort) -> float:
    with served(OURS) as server:
        asyncio.run(_ask_for_avatars(server, effort.of(500, 5)))
        before = server.resident_bytes()
        asyncio.run(_ask_for_avatars(server, effort.of(2000, 20)))
        return 100 * (server.resident_bytes() / before - 1)


async def _ask_for_avatars(server: Server, count: int, at_once: int = 8) -> None:
    seeds = iter(range(count))

    async def visitor(client: httpx2.AsyncClient) -> None:
        for seed in seeds:
            assert await _is_answered(client, "avatar", [seed, None, 1, ""])

    async with _client(server) as client:
        await asyncio.gather(*(visitor(client) for _ in range(at_once)))


ROWS = [
    Row(
        "crowd",
        "50 visitors at once, 16 faces each, clients on the same cores, beside one visitor",
        ">= 4x the answers a second, no error, p95 <= 50 x the model's time + 1 s, memory flat",
        visitors_at_once,
        seconds=300,
    ),
    Row(
        "memory",
        "resident memory over 100 epochs of tiny data, and over 2,000 requests",
        "growth <= 2 %",
        memory,
        seconds=300,
    ),
]


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Measure the rows that are named, or all."""
    return run_rows(ROWS, __doc__, argv)


if __name__ == "__main__":
    sys.exit(main())

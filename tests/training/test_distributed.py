"""Several processes, as torchrun starts them; they run this file too (see `trained`), and tests look at the result."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from dcgan.config import AUGMENTATIONS, RECIPES, TrainConfig
from dcgan.data import Pictures
from dcgan.data.pictures import Report
from dcgan.errors import InputError
from dcgan.training import Run, TrainState, World, train
from dcgan.training.distributed import SINGLE_PROCESS
from dcgan.training.metrics_log import read_metrics
from support.paths import PYTHONPATH
from support.torchrun import torchrun

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")
SHAPE = {
    "data": "noise", "image_size": 24, "batch_size": 8, "latent_dim": 8,
    "generator_feature_maps": 4, "discriminator_feature_maps": 4, "max_steps": 6,
}  # fmt: skip
LEVERS = {"augment": AUGMENTATIONS, "flip": True, "r1_gamma": 1.0}
STILL = {"lr_generator": 0.0, "lr_discriminator": 0.0, "max_steps": 2}  # so that gradients are of the same weights
CONFIGS = {
    "best": TrainConfig(**RECIPES["best"] | SHAPE | LEVERS),
    "plain": TrainConfig(**RECIPES["plain"] | SHAPE, d_every=2, g_every=3),  # both, none, D, G, D, none
    "still best": TrainConfig(**RECIPES["best"] | SHAPE | LEVERS | STILL),
    "still plain": TrainConfig(**RECIPES["plain"] | SHAPE | STILL),
}


def noise() -> Pictures:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 24, 24, 3), np.uint8)
    return Pictures(pixels, "noise", "0", Report(), None)


def new_state(name: str, world: World = SINGLE_PROCESS) -> TrainState:
    state = TrainState(CONFIGS[name], CPU, world)
    if name == "still best":
        state.generator.eval()  # BatchNorm would make a fake depend on the share of the batch it is in
    return state


def trained_to_the_end(state: TrainState, name: str) -> list[dict[str, float]]:
    return [{k: v.item() for k, v in metrics.items()} for metrics in train(state, CONFIGS[name], noise())]


def gradients(state: TrainState) -> dict[str, torch.Tensor]:
    networks = {"generator": state.generator, "discriminator": state.discriminator}
    return {f"{part}.{name}": p.grad for part, net in networks.items() for name, p in net.named_parameters()}


def laid_out(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """As files want them, whatever the memory format."""
    return {name: tensor.contiguous() for name, tensor in tensors.items()}


# What each process does


def act_as_one_of_several(folder: Path) -> None:
    world = World.from_environment()
    with world.connected(world.device(CPU)):
        facts = {"world": [world.rank, world.size], "metrics": {}}
        for name in CONFIGS:
            state = new_state(name, world)
            facts["metrics"][name] = trained_to_the_end(state, name)
            save_file(laid_out(state.tensors()), folder / f"{name}-{world.rank}.safetensors")
            save_file(laid_out(gradients(state)), folder / f"{name}-gradients-{world.rank}.safetensors")
        resume_halfway(folder, world)
        facts["rollback"] = go_back_together(folder, world)
        facts |= talk(folder, world)
    (folder / f"facts-{world.rank}.json").write_text(json.dumps(facts))


def resume_halfway(folder: Path, world: World) -> None:
    first = new_state("best", world)
    steps = train(first, CONFIGS["best"], noise())
    for _ in range(3):
        next(steps)
    if world.is_main:
        save_file(laid_out(first.tensors()), folder / "halfway.safetensors")
    world.barrier()
    second = new_state("best", world)
    second.load(load_file(folder / "halfway.safetensors"), step=3)
    trained_to_the_end(second, "best")
    save_file(laid_out(second.tensors()), folder / f"resumed-{world.rank}.safetensors")


def go_back_together(folder: Path, world: World) -> list[int]:
    """A run in which the second process comes to grief, alone, in its fifth step; where it was taken back, and is."""
    if world.is_main:
        (folder / "run").mkdir()
    world.barrier()
    config = CONFIGS["best"].but(max_steps=10, save_every=3)
    run = Run.start(folder / "run", config, noise(), CPU, "a run", world)
    run.save()
    steps = []
    for metrics in train(run.state, config, run.pictures):
        if world.rank == 1 and run.state.step == 4 and not run.state.rollbacks:
            torch.nn.init.constant_(run.state.generator.main[0].weight, torch.nan)
        run.after_step(metrics)
        steps.append(run.state.step)
    run.finish()
    save_file(laid_out(run.state.tensors()), folder / f"taken-back-{world.rank}.safetensors")
    return [run.state.rollbacks, *steps]


def talk(folder: Path, world: World) -> dict[str, object]:
    if world.is_main:
        time.sleep(0.3)
        (folder / "late").touch()
    world.barrier()
    return {
        "behind the barrier": (folder / "late").exists(),
        "any": [world.any(False), world.any(world.rank == 1), world.any(True)],
        "from_main": world.from_main({"rank": world.rank, "words": ["a", None]}),
    }


if __name__ == "__main__":
    warnings.simplefilter("error")
    act_as_one_of_several(Path(sys.argv[1]))


# What came of it


class Trained:
    """What the two processes left behind."""

    def __init__(self, folder: Path):
        self.facts = [json.loads((folder / f"facts-{rank}.json").read_text()) for rank in range(2)]
        self.tensors = {path.stem: load_file(path) for path in folder.glob("*.safetensors")}
        self.run = folder / "run"

    def both(self, name: str) -> list[dict[str, torch.Tensor]]:
        return [self.tensors[f"{name}-{rank}"] for rank in range(2)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Trained:
    folder = tmp_path_factory.mktemp("two-processes")
    result = subprocess.run(
        torchrun(2, __file__, str(folder)),
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": PYTHONPATH},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert result.returncode == 0, result.stderr
    return Trained(folder)


class Apart(World):
    """One of several processes that takes its rows, but learns from them alone."""

    def wrap(self, network: nn.Module) -> nn.Module:
        return network


@pytest.fixture(scope="module")
def apart() -> dict[str, list[tuple[TrainState, list[dict[str, float]]]]]:
    """What either process would become without the other."""
    runs = {}
    for name in CONFIGS:
        states = [new_state(name, Apart(rank, 2, rank)) for rank in range(2)]
        runs[name] = [(state, trained_to_the_end(state, name)) for state in states]
    return runs


@pytest.fixture(scope="module")
def alone() -> dict[str, TrainState]:
    """What a single process becomes."""
    states = {name: new_state(name) for name in CONFIGS}
    for name, state in states.items():
        trained_to_the_end(state, name)
    return states


def learned(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """All but what belongs to the process's own share of the batch."""
    return {name: tensor for name, tensor in tensors.items() if "running_" not in name}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("name", ["best", "plain"])
def test_two_processes_hold_the_same_weights_optimizers_and_rng_to_the_last_bit(trained, name):
    first, second = trained.both(name)
    assert same(learned(first), learned(second))
    assert {"generator.main.0.weight", "adam.discriminator.0.exp_avg", "rng"} <= learned(first).keys()


@pytest.mark.parametrize("name", ["best", "plain"])
def test_two_processes_learn_from_different_rows_and_from_each_other(trained, apart, name):
    metrics = [facts["metrics"][name] for facts in trained.facts]
    for step in (0, 2, 3):
        assert metrics[0][step].keys() == metrics[1][step].keys()
        assert all(metrics[0][step][key] != metrics[1][step][key] for key in metrics[0][step])
    for rank, (lonely, lonely_metrics) in enumerate(apart[name]):
        assert metrics[rank][0]["loss_d"] == pytest.approx(lonely_metrics[0]["loss_d"], rel=1e-5)  # its rows, no other
        for key in ("generator.main.0.weight", next(k for k in lonely.tensors() if k.startswith("discriminator"))):
            assert not torch.equal(trained.both(name)[rank][key], lonely.tensors()[key])


def test_batch_norms_statistics_are_those_of_each_processs_rows(trained, apart):
    for tensors, (lonely, _) in zip(trained.both("still plain"), apart["still plain"], strict=True):
        statistics = {key for key in tensors if "running_" in key}
        assert statistics
        for key in statistics:
            torch.testing.assert_close(tensors[key], lonely.tensors()[key], msg=key)
    first, second = trained.both("still plain")
    assert not any(torch.equal(first[key], second[key]) for key in statistics)


def test_a_network_is_updated_by_two_processes_as_often_as_configured(trained):
    names = [set(metrics) for metrics in trained.facts[0]["metrics"]["plain"]]
    d, g = {"loss_d", "d_real"}, {"loss_g", "d_fake"}
    assert names == [d | g, set(), d, g, d, set()]


@pytest.mark.parametrize("name", CONFIGS)
def test_the_random_stream_and_the_names_of_a_state_do_not_depend_on_the_number_of_processes(trained, alone, name):
    expected = alone[name].tensors()
    for tensors in trained.both(name):
        assert torch.equal(tensors["rng"], expected["rng"])
        assert {key: tensor.shape for key, tensor in tensors.items()} == {k: t.shape for k, t in expected.items()}


def test_the_gradient_of_two_processes_is_that_of_the_whole_batch(trained, alone):
    expected = gradients(alone["still best"])
    for found in trained.both("still best-gradients"):
        for name, gradient in expected.items():
            torch.testing.assert_close(found[name], gradient, rtol=1e-3, atol=1e-6, msg=name)


@pytest.mark.parametrize("name", ["still best", "still plain"])
def test_the_gradient_of_two_processes_is_the_mean_of_both(trained, apart, name):
    first, second = (gradients(state) for state, _ in apart[name])
    for found in trained.both(f"{name}-gradients"):
        for key in first:
            torch.testing.assert_close(found[key], (first[key] + second[key]) / 2, rtol=1e-3, atol=1e-6, msg=key)
            assert "bias" in key or not torch.allclose(first[key], second[key], rtol=1e-2)


def test_two_processes_resume_what_two_saved_bit_for_bit(trained):
    for straight, resumed in zip(trained.both("best"), trained.both("resumed"), strict=True):
        assert same(learned(straight), learned(resumed))
    assert same(trained.both("best")[0], trained.both("resumed")[0])  # the main one its statistics as well


def test_one_process_continues_what_two_saved(trained, alone):
    state = new_state("best")
    state.load(trained.tensors["halfway"], step=3)
    assert same(state.tensors(), trained.tensors["halfway"])
    assert len(trained_to_the_end(state, "best")) == 3
    assert torch.equal(state.rng.get_state(), alone["best"].rng.get_state())


def test_two_processes_are_taken_back_together_though_one_alone_came_to_grief(trained):
    for facts in trained.facts:
        assert facts["rollback"] == [1, 1, 2, 3, 4, 3, 4, 5, 6, 7, 8, 9, 10]
    first, second = trained.both("taken-back")
    assert same(learned(first), learned(second))
    assert all(tensor.isfinite().all() for tensor in first.values() if tensor.is_floating_point())
    (line,) = (line for line in read_metrics(trained.run) if "rollback" in line)
    assert (line["step"], line["failed_at"]) == (3, 5)


def test_processes_hear_of_each_other(trained):
    for rank, facts in enumerate(trained.facts):
        assert facts["world"] == [rank, 2]
        assert facts["any"] == [False, True, True]
        assert facts["from_main"] == {"rank": 0, "words": ["a", None]}
        assert facts["behind the barrier"]


# Without any processes


def test_without_torchrun_a_process_is_alone(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    assert World.from_environment() == SINGLE_PROCESS
    assert SINGLE_PROCESS.is_main


def test_torchruns_variables_say_which_process_this_is(monkeypatch):
    for name, value in {"RANK": "2", "WORLD_SIZE": "4", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    assert World.from_environment() == World(rank=2, size=4, local_rank=1)
    assert not World.from_environment().is_main


def test_a_single_process_has_nothing_to_do_with_torch_distributed(monkeypatch):
    monkeypatch.setattr("dcgan.training.distributed.dist", None)
    monkeypatch.setattr("dcgan.training.distributed.DistributedDataParallel", None)
    network, batch = nn.Linear(1, 1), torch.arange(3)
    with SINGLE_PROCESS.connected(torch.device("cuda")):
        assert SINGLE_PROCESS.wrap(network) is network
        assert torch.equal(SINGLE_PROCESS.rows(batch), batch)
        assert SINGLE_PROCESS.any(True)
        assert not SINGLE_PROCESS.any(False)
        assert SINGLE_PROCESS.from_main(network) is network
        SINGLE_PROCESS.barrier()
    SINGLE_PROCESS.check(3)


def test_the_rows_of_all_processes_are_the_batch():
    batch = torch.randn(6, 4)
    assert torch.equal(torch.cat([World(rank, 3).rows(batch) for rank in range(3)]), batch)
    assert torch.equal(torch.cat([World(rank, 2).rows(batch, dim=1) for rank in range(2)], dim=1), batch)


@pytest.mark.parametrize(("batch_size", "size"), [(2, 1), (3, 1), (4, 2), (64, 8)])
def test_a_batch_that_splits_into_equal_shares_is_accepted(batch_size, size):
    World(size=size).check(batch_size)


@pytest.mark.parametrize(
    ("batch_size", "size", "advice"),
    [(10, 4, "8 or 12"), (9, 2, "8 or 10"), (4, 4, "8 or another multiple of 4"), (3, 2, "4 or another multiple of 2")],
)
def test_a_batch_that_does_not_split_is_refused_with_sizes_that_would(batch_size, size, advice):
    with pytest.raises(InputError, match=f"--batch-size {batch_size} can't be split over {size} .*size {advice}, or"):
        World(size=size).check(batch_size)


def test_each_process_has_a_gpu_of_its_own(monkeypatch):
    current = []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", current.append)
    assert World(1, 2, 1).device(torch.device("cuda")) == torch.device("cuda", 1)
    assert current == [torch.device("cuda", 1)]
    assert World(1, 2, 1).device(CPU) == CPU
    assert SINGLE_PROCESS.device(torch.device("cuda")) == torch.device("cuda")
    assert len(current) == 1


def test_more_processes_than_gpus_are_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(InputError, match="3 processes, .* 2 GPUs here; use --nproc_per_node=2, or --device cpu"):
        World(0, 3, 0).device(torch.device("cuda"))


def test_a_device_that_processes_cannot_share_is_refused():
    with pytest.raises(InputError, match="--device mps works for one process, not for 2"):
        World(0, 2, 0).device(torch.device("mps"))


def test_a_process_reads_its_own_rows_of_every_batch_and_no_others(monkeypatch):
    seen = {0: [], 1: []}
    monkeypatch.setattr("dcgan.training.loop.train_step", lambda state, *_: setattr(state, "step", state.step + 1))
    for rank, indices_seen in seen.items():
        monkeypatch.setattr(Pictures, "batch", lambda _, indices, mine=indices_seen: mine.append(indices.tolist()))
        list(train(new_state("best", Apart(rank, 2)), CONFIGS["best"], noise()))
    whole = []
    monkeypatch.setattr(Pictures, "batch", lambda _, indices: whole.append(indices.tolist()))
    list(train(new_state("best"), CONFIGS["best"], noise()))
    assert [first + second for first, second in zip(*seen.values(), strict=True)] == whole

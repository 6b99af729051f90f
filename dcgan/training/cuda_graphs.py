"""Steps as CUDA graphs: a GPU that was told once what a step computes needn't wait for Python at each of its kernels.

These networks are small, so that a GPU is done with most kernels before Python has asked for the next one. A recorded
step asks for all of them at once (https://pytorch.org/blog/accelerating-pytorch-with-cuda-graphs). The same kernels
compute the same numbers, so that a run may change between recorded steps and plain ones at any time.
"""

from __future__ import annotations

import warnings
from collections import Counter

import torch
from torch import Tensor

from dcgan.config import TrainConfig
from dcgan.training.state import Metrics, TrainState
from dcgan.training.step import Inputs, Kind, learn

PLAIN_STEPS = 3  # of each kind at first: cuDNN chooses its algorithms, and all memory is taken


class RecordedLearning:
    """Does what `learn` does: the first steps of each kind plainly, and all later ones as a recorded graph."""

    def __init__(self) -> None:
        self._taken: Counter[Kind] = Counter()
        self._graphs: dict[Kind, _Graph] = {}
        self._rollbacks = 0

    def __call__(self, state: TrainState, config: TrainConfig, kind: Kind, inputs: Inputs) -> Metrics:
        if state.rollbacks != self._rollbacks:  # the optimizers' tensors are others now
            self._graphs.clear()
            self._rollbacks = state.rollbacks
        self._taken[kind] += 1
        if self._taken[kind] <= PLAIN_STEPS:
            return _learn_aside(state, config, kind, inputs)
        if kind not in self._graphs:
            self._graphs[kind] = _Graph(state, config, kind, inputs)
        return self._graphs[kind].replay(inputs)


class _Graph:
    """A recorded step of one kind, with memory of its own for what goes in and comes out."""

    def __init__(self, state: TrainState, config: TrainConfig, kind: Kind, inputs: Inputs):
        for optimizer in state.optimizers.values():
            optimizer.zero_grad(set_to_none=True)  # gradients are to lie in the graph's own memory
        self._inputs = [tensor.clone() for tensor in _tensors(inputs)]
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            metrics = learn(state, config, kind, _with_tensors(inputs, self._inputs))
            self._names, self._values = list(metrics), torch.stack([value.float() for value in metrics.values()])

    def replay(self, inputs: Inputs) -> Metrics:
        for own, given in zip(self._inputs, _tensors(inputs), strict=True):
            own.copy_(given, non_blocking=True)
        self._graph.replay()
        return dict(zip(self._names, self._values.clone().unbind(), strict=True))


def _learn_aside(state: TrainState, config: TrainConfig, kind: Kind, inputs: Inputs) -> Metrics:
    """Learn on a stream of its own, as PyTorch asks for before a recording."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "This instance was constructed with capturable=True")
        metrics = learn(state, config, kind, inputs)
    torch.cuda.current_stream().wait_stream(stream)
    return metrics


def _tensors(inputs: Inputs) -> list[Tensor]:
    flipped = [] if inputs.flipped is None else [inputs.flipped]
    return [inputs.pixels, inputs.z, *flipped, *(number for drawn in inputs.numbers for number in drawn)]


def _with_tensors(inputs: Inputs, tensors: list[Tensor]) -> Inputs:
    """Give inputs of the same make from other tensors, in the order of `_tensors`."""
    left = iter(tensors)
    pixels, z = next(left), next(left)
    flipped = None if inputs.flipped is None else next(left)
    return Inputs(pixels, z, flipped, tuple(tuple(next(left) for _ in drawn) for drawn in inputs.numbers))

import pytest
import torch

from dcgan.data import epoch_order, load_pictures
from dcgan.training import TrainState, World, can_compile, cuda_graphs, note_if_not_compiled, train
from dcgan.training.cuda_graphs import PLAIN_STEPS, RecordedLearning
from dcgan.training.feed import Feed, _copied
from dcgan.training.step import Inputs, Kind, learn, train_step

CPU = torch.device("cpu")
needs_a_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")


@pytest.fixture(scope="module")
def pictures():
    return load_pictures("avatars:adventurer", 24, 40)


@pytest.fixture
def recorded(monkeypatch):
    """Learn as on a GPU, but let a stand-in record: the kinds of step in the order in which they were recorded."""
    kinds = []

    class Graph:
        def __init__(self, state, config, kind, inputs):
            kinds.append(kind)
            self.replay = lambda given: learn(state, config, kind, given)

    monkeypatch.setattr(cuda_graphs, "_Graph", Graph)
    monkeypatch.setattr(cuda_graphs, "_learn_aside", learn)
    return kinds


def test_the_first_steps_of_each_kind_are_plain_and_then_it_is_recorded_once(tiny_config, pictures, recorded):
    config, reals = tiny_config(r1_every=4), pictures.batch(torch.arange(8))
    state, learning = TrainState(config, CPU), RecordedLearning()
    penalised, other = Kind(True, True, True), Kind(True, True, False)
    for _ in range(4 * PLAIN_STEPS):
        train_step(state, config, reals, learning)
    assert recorded == [other]
    for _ in range(8):
        train_step(state, config, reals, learning)
    assert recorded == [other, penalised]


def test_recorded_steps_learn_what_plain_ones_do(tiny_config, pictures, recorded):
    config = tiny_config(max_steps=20, augment=("color",), flip=True, r1_every=2)
    plain, state, learning = TrainState(config, CPU), TrainState(config, CPU), RecordedLearning()
    for _ in train(plain, config, pictures):
        pass
    while state.step < plain.step:
        epoch, position = divmod(state.step, 5)
        order = epoch_order(len(pictures), config.seed, epoch)
        train_step(state, config, pictures.batch(order[8 * position : 8 * position + 8]), learning)
    assert recorded
    assert all(torch.equal(state.tensors()[name], tensor) for name, tensor in plain.tensors().items())


def test_a_run_that_was_taken_back_is_recorded_anew(tiny_config, pictures, recorded):
    config, reals = tiny_config(r1_every=1), pictures.batch(torch.arange(8))
    state, learning = TrainState(config, CPU), RecordedLearning()
    for _ in range(PLAIN_STEPS + 2):
        train_step(state, config, reals, learning)
    state.load({name: tensor.clone() for name, tensor in state.tensors().items()}, state.step, rollbacks=1)
    train_step(state, config, reals, learning)
    assert recorded == [Kind(True, True, True)] * 2


def test_inputs_come_out_of_a_recording_as_they_went_in():
    pixels, z, flipped = torch.zeros(2, 4, 4, 3), torch.ones(2, 5), torch.tensor([True, False])
    numbers = ((torch.full((3, 2), 0.1), torch.full((2, 2), 0.2)), (torch.full((3, 2), 0.3), torch.full((2, 2), 0.4)))
    for inputs in (Inputs(pixels, z, flipped, numbers), Inputs(pixels, z, None, ((), ()))):
        again = cuda_graphs._with_tensors(inputs, cuda_graphs._tensors(inputs))
        assert again == inputs


def test_steps_are_recorded_on_one_gpu_alone():
    assert can_compile(torch.device("cuda"), World())
    assert not can_compile(torch.device("cuda"), World(0, 2))
    assert not can_compile(CPU, World())


def test_asking_for_it_in_vain_is_said(capsys):
    note_if_not_compiled(CPU, World())
    assert capsys.readouterr().err == "note: --compile has no effect here: it records the steps of a single GPU.\n"
    note_if_not_compiled(torch.device("cuda"), World())
    assert capsys.readouterr().err == ""


def test_pictures_stay_in_their_file_where_there_is_no_gpu(pictures):
    feed = Feed(pictures, CPU)
    assert feed.on_device is None
    assert torch.equal(feed.batch(torch.tensor([3, 1])), pictures.batch(torch.tensor([3, 1])))


@pytest.mark.parametrize(("room", "fits"), [(40 * 24 * 24 * 3 * 2, True), (40 * 24 * 24 * 3 * 2 - 1, False)])
def test_pictures_go_to_a_gpu_that_has_twice_the_room(room, fits, pictures, monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (room, room))
    monkeypatch.setattr("dcgan.training.feed._copied", lambda pixels, device: torch.from_numpy(pixels.copy()))
    feed = Feed(pictures, torch.device("cuda"))
    assert (feed.on_device is not None) == fits


def test_pictures_are_copied_whole_a_few_at_a_time(pictures, monkeypatch):
    monkeypatch.setattr("dcgan.training.feed.CHUNK", 7)
    assert torch.equal(_copied(pictures.pixels, CPU), torch.from_numpy(pictures.pixels.copy()))


@needs_a_gpu
def test_a_gpu_learns_by_what_it_recorded(tiny_config, pictures):
    config, cuda = tiny_config(max_steps=24), torch.device("cuda")
    state = TrainState(config, cuda)
    losses = [metrics["loss_g"].item() for metrics in train(state, config, pictures, compile=True)]
    assert len(set(losses)) == 24
    assert all(tensor.isfinite().all() for tensor in state.tensors().values() if tensor.is_floating_point())

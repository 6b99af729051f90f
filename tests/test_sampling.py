import copy

import numpy as np
import pytest
import torch
from torch import nn

from dcgan import Discriminator, Generator, faces, folding, latents
from dcgan.errors import InputError
from dcgan.folding import BATCH, folded
from dcgan.network_config import NORMS
from dcgan.sampling import belief, most_convincing_faces, pick_device, render


@pytest.fixture(scope="module")
def generator():
    torch.manual_seed(3)
    network = Generator(feature_maps=8)
    for _ in range(20):  # gives BatchNorm statistics that differ from batch to batch
        network(torch.randn(16, 100))
    return network.eval()


def test_a_face_is_the_same_alone_in_any_company_and_at_any_place(generator):
    alone = faces(generator, [42])[0]
    for company in (range(42, 42 + BATCH), range(30, 64), range(42 - BATCH + 1, 43), [7, 42], [42] * 3):
        seeds = list(company)
        assert np.array_equal(faces(generator, seeds)[seeds.index(42)], alone)


def test_a_thousand_faces_are_equal_bit_for_bit_alone_and_together(generator):
    together = faces(generator, list(range(1000)))
    assert all(np.array_equal(faces(generator, [seed])[0], together[seed]) for seed in range(1000))


def packs_nothing(layer, size):
    raise RuntimeError("not on this machine")


def packs_wrongly(layer, size):
    wrong = copy.deepcopy(layer)
    wrong.weight.mul_(1.1)
    return wrong


@pytest.mark.parametrize("packed", [packs_nothing, packs_wrongly])
def test_where_weights_cannot_be_packed_the_layers_draw_as_they_are(generator, packed, monkeypatch):
    expected = faces(generator, [5])
    monkeypatch.setattr(folding, "_Packed", packed)
    other = copy.deepcopy(generator)
    assert np.array_equal(faces(other, [5]), expected)
    assert any(isinstance(layer, nn.ConvTranspose2d) for layer in folded(other).layers)


def test_where_a_face_alone_would_differ_it_is_padded(generator, monkeypatch):
    """As if this machine computed one alone differently."""
    plain, rows = nn.ConvTranspose2d.forward, []

    def forward(layer, x, *arguments):
        rows.append(len(x))
        return plain(layer, x, *arguments) * (1.001 if len(x) == 1 else 1)

    expected = faces(generator, [5, 6])[0]
    monkeypatch.setattr(folding, "_Packed", packs_nothing)
    monkeypatch.setattr(nn.ConvTranspose2d, "forward", forward)
    other = copy.deepcopy(generator)
    assert np.array_equal(faces(other, [5])[0], expected)
    assert set(rows) == {1, BATCH}  # it was tried alone, once
    rows.clear()
    faces(other, [5])
    assert set(rows) == {BATCH}


def test_a_face_alone_is_drawn_alone_where_that_makes_no_difference(generator, monkeypatch):
    network = folded(generator)
    monkeypatch.setattr(network, "_may_be_alone", True)
    rows = []
    hook = network.layers.register_forward_pre_hook(lambda _, given: rows.append(len(given[0])))
    faces(generator, [5])
    faces(generator, [5, 6])
    hook.remove()
    assert rows == [1, BATCH]


def test_folded_layers_draw_what_the_network_draws(generator):
    z = latents(list(range(BATCH)), 100)
    with torch.inference_mode():
        assert torch.allclose(folded(generator).draw(z), generator(z), atol=2e-5)


@pytest.mark.parametrize(
    "change",
    [
        lambda network: network(torch.randn(4, 100)),  # BatchNorm's statistics
        lambda network: [parameter.mul_(0.5) for parameter in network.parameters()],
        lambda network: network.load_state_dict(Generator(feature_maps=8).state_dict()),
    ],
)
def test_faces_follow_the_weights_when_these_change(generator, change):
    other = copy.deepcopy(generator)
    before = faces(other, [5])
    with torch.no_grad():
        change(other.train())
    other.eval()
    assert not np.array_equal(faces(other, [5]), before)
    assert np.array_equal(faces(other, [5]), faces(copy.deepcopy(other), [5]))


def test_a_face_needs_nothing_but_five_lines_of_pytorch(generator):
    z = torch.randn(100, generator=torch.Generator("cpu").manual_seed(5))
    with torch.inference_mode():
        image = generator(z.view(1, 100, 1, 1))[0]
    expected = ((image + 1) * 127.5).round().clamp(0, 255).byte().permute(1, 2, 0).numpy()
    assert np.abs(faces(generator, [5])[0].astype(int) - expected).max() <= 1


def test_faces_are_bytes_of_the_generators_size(generator):
    pixels = faces(generator, [1, 2, 3])
    assert (pixels.shape, pixels.dtype) == ((3, 96, 96, 3), np.uint8)


def test_truncation_scales_the_latents_and_changes_nothing_at_one(generator):
    assert np.array_equal(faces(generator, [5], psi=1.0), faces(generator, [5]))
    assert np.array_equal(faces(generator, [5], psi=0.5), render(generator, latents([5], 100) * 0.5))
    near, far = (faces(generator, list(range(20)), psi).astype(float).std(axis=0).mean() for psi in (0.3, 1.2))
    assert near < far


@pytest.mark.parametrize("norm", NORMS)
def test_what_d_believes_of_a_picture_does_not_depend_on_its_company(generator, norm):
    torch.manual_seed(1)
    discriminator = Discriminator(feature_maps=4, norm=norm).eval()
    pixels = faces(generator, list(range(BATCH + 3)))
    logits = belief(discriminator, pixels)
    assert logits.shape == (BATCH + 3,)
    assert logits[9] == belief(discriminator, pixels[9:10])[0]
    with torch.inference_mode():
        expected = discriminator(torch.from_numpy(pixels).permute(0, 3, 1, 2) / 127.5 - 1)
    assert np.allclose(logits, expected.numpy(), atol=1e-4)


def test_the_most_convincing_come_first_with_their_logits(generator):
    torch.manual_seed(1)
    discriminator = Discriminator(feature_maps=4, norm="spectral").eval()
    seeds = list(range(100, 130))
    picked = most_convincing_faces(generator, discriminator, seeds, 4)
    logits = dict(zip(seeds, belief(discriminator, faces(generator, seeds)), strict=True))
    assert [face.seed for face in picked] == sorted(seeds, key=lambda seed: -logits[seed])[:4]
    assert [face.logit for face in picked] == [logits[face.seed] for face in picked]


def test_drawing_in_train_mode_is_refused(generator):
    training = Generator(feature_maps=2)
    with pytest.raises(ValueError, match=r"call generator\.eval\(\) first"):
        render(training, latents([1], 100))


def test_drawing_changes_nothing_in_the_generator(generator):
    before = {name: tensor.clone() for name, tensor in generator.state_dict().items()}
    faces(generator, [1, 2])
    assert all(torch.equal(before[name], tensor) for name, tensor in generator.state_dict().items())


def test_auto_takes_the_cpu_where_there_is_nothing_better(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert pick_device("auto").type == "cpu"


def test_auto_prefers_cuda_then_apples_gpu(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert pick_device("auto").type == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_device("auto").type == "cuda"


@pytest.mark.parametrize("name", ["cuda", "mps", "tpu"])
def test_a_device_that_is_not_there_is_refused_by_name(name, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(InputError, match=f"--device {name}"):
        pick_device(name)

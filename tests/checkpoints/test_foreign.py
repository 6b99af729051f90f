"""Networks of other DCGAN code: found whatever their layers are called, or refused by a sentence of their own."""

import math
import re
import shutil
import zipfile
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from dcgan import Discriminator, Generator
from dcgan.checkpoints import load_discriminator, load_generator
from dcgan.checkpoints.__main__ import main as checkpoints_main

State = dict[str, Tensor]
CPU = torch.device("cpu")


def foreign_generator(size: int, latent_dim: int = 100, width: int = 4, channels: int = 3) -> nn.Module:
    """A generator as pytorch/examples (64) and pytorch-book (96) write it: one nn.Sequential called main."""
    doublings = {24: 1, 64: 3, 96: 3}[size]
    widths = [width * 2**k for k in range(doublings, -1, -1)]
    layers = [nn.ConvTranspose2d(latent_dim, widths[0], 4, 1, 0, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU(True)]
    for wide, narrow in pairwise(widths):
        layers += [nn.ConvTranspose2d(wide, narrow, 4, 2, 1, bias=False), nn.BatchNorm2d(narrow), nn.ReLU(True)]
    last = (4, 2, 1) if size == 64 else (5, 3, 1)
    network = nn.Module()
    network.main = nn.Sequential(*layers, nn.ConvTranspose2d(width, channels, *last, bias=False), nn.Tanh())
    for _ in range(3):
        network.main(torch.randn(8, latent_dim, 1, 1))
    return network.eval()


class ReportGenerator(nn.Module):
    """The report's own class, with its names for layers."""

    def __init__(self, latent_dim: int = 20, width: int = 4) -> None:
        super().__init__()
        widths = [width * 2**k for k in (3, 2, 1, 0)]
        self.covt1 = nn.ConvTranspose2d(latent_dim, widths[0], 4, 1, 0, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        for k, (wide, narrow) in enumerate(pairwise(widths), start=2):
            setattr(self, f"covt{k}", nn.ConvTranspose2d(wide, narrow, 4, 2, 1, bias=False))
            setattr(self, f"bn{k}", nn.BatchNorm2d(narrow))
        self.covt5 = nn.ConvTranspose2d(width, 3, 5, 3, 1, bias=False)

    def forward(self, z: Tensor) -> Tensor:
        for k in range(1, 5):
            z = getattr(self, f"bn{k}")(getattr(self, f"covt{k}")(z)).relu()
        return self.covt5(z).tanh()


class ReportDiscriminator(nn.Module):
    """The same for the other network; it ends in a sigmoid."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        widths = [width * 2**k for k in range(4)]
        self.conv1 = nn.Conv2d(3, width, 5, 3, 1, bias=False)
        for k, (narrow, wide) in enumerate(pairwise(widths), start=2):
            setattr(self, f"conv{k}", nn.Conv2d(narrow, wide, 4, 2, 1, bias=False))
            setattr(self, f"bn{k}", nn.BatchNorm2d(wide))
        self.conv5 = nn.Conv2d(widths[-1], 1, 4, 1, 0, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        x = nn.functional.leaky_relu(self.conv1(images), 0.2)
        for k in range(2, 5):
            x = nn.functional.leaky_relu(getattr(self, f"bn{k}")(getattr(self, f"conv{k}")(x)), 0.2)
        return self.conv5(x).sigmoid().flatten()


def warmed_up(network: nn.Module, *shape: int) -> nn.Module:
    """Let BatchNorm see something, so that its statistics matter."""
    for _ in range(3):
        network(torch.randn(8, *shape))
    return network.eval()


def imported(state: object, folder: Path, *more: str) -> int:
    torch.save(state, folder / "netG.pth")
    return checkpoints_main(["import", str(folder / "netG.pth"), str(folder / "mine"), *more])


def refusal_of(state: object, folder: Path, capfd: pytest.CaptureFixture[str], *more: str) -> str:
    assert imported(state, folder, *more) == 2
    assert not (folder / "mine").exists()
    error = capfd.readouterr().err
    assert error.count("\n") == 1
    return error


def assert_draws_as(folder: Path, theirs: Callable[[Tensor], Tensor]) -> None:
    ours, z = load_generator(folder), torch.randn(3, 20, 1, 1)
    with torch.inference_mode():
        torch.testing.assert_close(ours(z), theirs(z))


def assert_judges_as(folder: Path, theirs: nn.Module, size: int = 96) -> None:
    ours, images = load_discriminator(folder, CPU), torch.randn(3, 3, size, size)
    assert ours is not None
    with torch.inference_mode():
        torch.testing.assert_close(ours(images).sigmoid(), theirs(images))


def without_counters(state: State) -> State:
    return {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}


def in_blocks(state: State) -> State:
    """Name layers as code does that has a block for each size, with the layers in it named by what they are."""
    names = {0: "deconv", 1: "norm"}
    renamed = {}
    for name, tensor in state.items():
        _, layer, leaf = name.split(".")
        block, kind = divmod(int(layer), 3)
        renamed[f"block{block + 1}.{names[kind]}.{leaf}"] = tensor
    return renamed


@pytest.mark.parametrize(
    ("size", "channels", "rename"),
    [
        (64, 3, dict),
        (96, 3, dict),
        (64, 1, dict),
        (64, 3, lambda state: {f"module.{k}": v for k, v in state.items()}),
        (96, 3, lambda state: {k.replace("main", "layers"): v for k, v in state.items()}),
        (96, 3, lambda state: {k.removeprefix("main."): v for k, v in state.items()}),
        (64, 3, lambda state: {k.removeprefix("main.0."): v for k, v in state.items()}),
        (64, 3, without_counters),
        (64, 3, in_blocks),
        (96, 3, in_blocks),
        (96, 3, lambda state: dict(sorted(state.items()))),
    ],
    ids=[
        "examples",
        "book",
        "grey",
        "data-parallel",
        "other name",
        "bare sequential",
        "a layer without a name",
        "old file",
        "blocks of 64",
        "blocks of 96",
        "sorted by letters",
    ],
)
def test_a_state_dict_people_have_becomes_a_checkpoint_that_draws_the_same(size, channels, rename, tmp_path, capsys):
    theirs = foreign_generator(size, latent_dim=20, channels=channels)
    torch.save(rename(theirs.state_dict()), tmp_path / "netG.pth")
    assert checkpoints_main(["import", str(tmp_path / "netG.pth"), str(tmp_path / "mine")]) == 0
    ours = load_generator(tmp_path / "mine")
    z = torch.randn(3, 20, 1, 1)
    with torch.inference_mode():
        torch.testing.assert_close(ours(z), theirs.main(z))
    assert "app.py --model" in capsys.readouterr().out


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_file_of_another_pickle_protocol_is_imported_without_a_warning(protocol, tmp_path, capfd):
    theirs = warmed_up(ReportGenerator(), 20, 1, 1)
    torch.save(theirs.state_dict(), tmp_path / "netG.pth", pickle_protocol=protocol)
    assert checkpoints_main(["import", str(tmp_path / "netG.pth"), str(tmp_path / "mine")]) == 0
    assert capfd.readouterr().err == ""
    assert_draws_as(tmp_path / "mine", theirs)


class Poison:
    def __reduce__(self):
        return (print, ("executed!",))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "no file"),
        (lambda path: path.write_bytes(b"hello"), "without running code from it"),
        (lambda path: path.write_bytes(b"a"), "without running code from it"),
        (lambda path: path.write_bytes(b"\x80\x04."), "without running code from it"),
        (lambda path: torch.save(Poison(), path), "without running code from it"),
        (lambda path: torch.save({}, path, pickle_protocol=4), "without running code from it"),
        (lambda path: torch.save({1: torch.zeros(1)}, path), "holds no state_dict"),
        (
            lambda path: torch.save({}, path),
            r"holds no state_dict\. Save one with torch\.save\(netG\.state_dict\(\), 'netG\.pth'\)\.$",
        ),
        (lambda path: torch.save({"epoch": 3}, path), "holds no state_dict"),
        (lambda path: torch.save([torch.zeros(1)], path), "holds no state_dict"),
        (
            lambda path: torch.save(nn.Linear(2, 2).state_dict(), path),
            r"0 convolutions, .* without bias in the generator\) can be imported\.$",
        ),
        (lambda path: torch.save(Discriminator(feature_maps=2).state_dict(), path), "is a discriminator"),
        (
            lambda path: torch.save(foreign_generator(24).state_dict() | {"main.9.weight": torch.zeros(1)}, path),
            "too many",
        ),
        (
            lambda path: torch.save(foreign_generator(24).state_dict() | {"main.1.weight": torch.zeros(1)}, path),
            r"main\.1\.weight",
        ),
    ],
    ids=[
        "missing",
        "text",
        "letter",
        "stub",
        "poison",
        "protocol 4",
        "keys",
        "empty",
        "numbers",
        "list",
        "linear",
        "discriminator",
        "extra",
        "misshaped",
    ],
)
def test_a_file_that_is_no_dcgan_generator_is_refused_and_nothing_is_written(make, message, tmp_path, capfd):
    make(tmp_path / "netG.pth")
    assert checkpoints_main(["import", str(tmp_path / "netG.pth"), str(tmp_path / "mine")]) == 2
    output = capfd.readouterr()
    assert output.err.count("\n") == 1
    assert re.search(message, output.err)
    assert "executed" not in output.out
    assert "weights_only" not in output.err, "PyTorch's advice to load unsafely is passed on"
    assert not (tmp_path / "mine").exists()


def test_a_network_is_called_what_its_file_calls_it_and_told_which_sizes_fit(tmp_path, capfd):
    state = {k: v for k, v in foreign_generator(64).state_dict().items() if k.split(".")[1] not in ("0", "1", "3", "4")}
    both = {"netG": state, "netD": Discriminator(feature_maps=4).state_dict()}
    error = refusal_of({"nets": both}, tmp_path, capfd)
    assert error == (
        f"error: {tmp_path / 'netG.pth'}: the generator nets.netG is for 16x16 pictures; sizes that fit are "
        "24, 32, 48, 64, 96, 128, 192, 256.\n"
    )


def test_two_convolutions_are_no_network(tmp_path, capfd):
    state = {name: tensor for name, tensor in foreign_generator(24).state_dict().items() if "main.6" not in name}
    error = refusal_of(state, tmp_path, capfd)
    assert "has 2 convolutions, and no row of them that makes a DCGAN. Only DCGANs (convolutions with" in error


@pytest.mark.parametrize("name", ["G_ema", "EMA", "g_avg", "averaged"])
def test_of_two_generators_the_average_is_taken_wherever_it_stands(name, tmp_path):
    average = warmed_up(ReportGenerator(), 20, 1, 1)
    for files in (["netG", name], [name, "netG"]):
        states = {each: average.state_dict() for each in files} | {"netG": ReportGenerator().state_dict()}
        shutil.rmtree(tmp_path / "mine", ignore_errors=True)
        assert imported(states, tmp_path) == 0
        assert_draws_as(tmp_path / "mine", average)


def test_of_generators_without_an_average_the_first_is_taken(tmp_path):
    first, second = warmed_up(ReportGenerator(), 20, 1, 1), warmed_up(ReportGenerator(), 20, 1, 1)
    assert imported({"G_A2B": first.state_dict(), "G_B2A": second.state_dict()}, tmp_path) == 0
    assert_draws_as(tmp_path / "mine", first)


def test_importing_into_a_folder_with_files_is_refused(tmp_path):
    torch.save(foreign_generator(24).state_dict(), tmp_path / "netG.pth")
    assert checkpoints_main(["import", str(tmp_path / "netG.pth"), str(tmp_path)]) == 2


WRAPPED: dict[str, Callable[[State, State], object]] = {
    "netG": lambda g, d: {"epoch": 3, "netG": g, "netD": d},
    "generator": lambda g, d: {"generator": g, "discriminator": d, "loss": torch.zeros(3)},
    "state_dict": lambda g, d: {"state_dict": g, "args": {"lr": 0.1}},
    "model": lambda g, d: {"model": {"G": g, "D": d}},
    "one state_dict of both": lambda g, d: {"state_dict": _below("netG", g) | _below("netD", d)},
    "with an average": lambda g, d: {"netG": {k: v + 1 for k, v in g.items()}, "netD": d, "netG_ema": g},
    "data-parallel": lambda g, d: {"netG": _below("module", g), "netD": _below("module", d)},
}


def _below(name: str, state: Mapping[str, Tensor]) -> State:
    return {f"{name}.{key}": tensor for key, tensor in state.items()}


@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
def test_the_reports_networks_are_found_in_a_checkpoint_of_any_shape_with_the_discriminator_if_it_is_there(
    wrap, tmp_path, capsys
):
    g, d = warmed_up(ReportGenerator(), 20, 1, 1), warmed_up(ReportDiscriminator(), 3, 96, 96)
    assert imported(wrap(g.state_dict(), d.state_dict()), tmp_path) == 0
    assert_draws_as(tmp_path / "mine", g)
    if "and its discriminator" in capsys.readouterr().out:
        assert_judges_as(tmp_path / "mine", d)
    else:
        assert wrap is WRAPPED["state_dict"]


@pytest.mark.parametrize(("size", "channels"), [(64, 3), (96, 1), (24, 1)])
def test_networks_of_any_size_and_colour_are_imported_together(size, channels, tmp_path):
    g = Generator(latent_dim=20, image_size=size, image_channels=channels, feature_maps=4)
    d = Discriminator(image_size=size, image_channels=channels, feature_maps=4).eval()
    assert imported({"netG": g.state_dict(), "netD": d.state_dict()}, tmp_path) == 0
    images = torch.randn(2, channels, size, size)
    assert torch.equal(load_discriminator(tmp_path / "mine", CPU)(images), d(images))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (
            {"fc.weight": torch.zeros(1, 32)},
            "the discriminator netD ends with a fully connected layer (fc.weight)",
        ),
        (
            {"conv1.weight": torch.full((4, 3, 5, 5), math.nan)},
            "the discriminator netD has values in conv1.weight that",
        ),
    ],
)
def test_a_discriminator_that_can_not_be_imported_gets_a_sentence_of_its_own(more, words, tmp_path, capfd):
    both = {"netG": ReportGenerator().state_dict(), "netD": ReportDiscriminator().state_dict() | more}
    assert words in refusal_of(both, tmp_path, capfd)


def test_a_discriminator_comes_from_a_file_of_its_own(tmp_path, capsys):
    g, d = warmed_up(ReportGenerator(), 20, 1, 1), warmed_up(ReportDiscriminator(), 3, 96, 96)
    torch.save(d.state_dict(), tmp_path / "netD.pth")
    assert imported(g.state_dict(), tmp_path, "--discriminator", str(tmp_path / "netD.pth")) == 0
    assert "a 96x96 generator and its discriminator" in capsys.readouterr().out
    assert_judges_as(tmp_path / "mine", d)


@pytest.mark.parametrize("norm", ["spectral", "none"])
@pytest.mark.parametrize("older", [False, True])
def test_a_discriminator_without_batchnorm_is_imported_too(norm, older, tmp_path):
    d = Discriminator(feature_maps=4, norm=norm).eval()
    names = {".parametrizations.weight.original": ".weight_orig", ".parametrizations.weight.0._u": ".weight_u"}
    names[".parametrizations.weight.0._v"] = ".weight_v"
    state = d.state_dict()
    for modern, old in names.items() if older else ():
        state = {key.replace(modern, old): tensor for key, tensor in state.items()}
    torch.save(state, tmp_path / "netD.pth")
    assert imported(ReportGenerator().state_dict(), tmp_path, "--discriminator", str(tmp_path / "netD.pth")) == 0
    images = torch.randn(2, 3, 96, 96)
    assert torch.equal(load_discriminator(tmp_path / "mine", CPU)(images), d(images))


NOT_A_DCGAN = "Only DCGANs (convolutions with BatchNorm between them, without bias in the generator) can be imported.\n"


def without(name: str) -> State:
    return {key: tensor for key, tensor in foreign_generator(24).state_dict().items() if not key.startswith(name)}


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (
            without("main.1."),
            f"the generator can't be imported: the tensor main.1.weight is missing, expected (8,). {NOT_A_DCGAN}",
        ),
        (without("main.1.running_var"), "the tensor main.1.running_var is missing, expected (8,). Only DCGANs"),
        (
            without("?") | {"main.1.weight": torch.zeros(1)},
            f"the generator can't be imported: the tensor main.1.weight is (1,), expected (8,). {NOT_A_DCGAN}",
        ),
        (
            foreign_generator(64, channels=4).state_dict(),
            "is for pictures of 4 channels; only grey (1) and RGB (3) ones can be had here.\n",
        ),
        (
            without("?") | {"fc.weight": torch.zeros(64, 20)},
            "begins with a fully connected layer (fc.weight), where a DCGAN has a convolution; it can't be imported.\n",
        ),
        (
            without("?") | {"main.0.weight": torch.full((100, 8, 4, 4), math.nan)},
            "has values in main.0.weight that are no numbers: its training went wrong; import an earlier save of it.\n",
        ),
        (
            without("?") | {"main.1.weight": torch.zeros(8, dtype=torch.bool)},
            "has the tensor main.1.weight in a form that can't be imported. Save it with "
            "torch.save(netG.float().state_dict(), 'netG.pth').\n",
        ),
        (
            Discriminator(feature_maps=2).state_dict(),
            "netG.pth is a discriminator; import the generator's file (often netG.pth), and this one beside it by "
            "--discriminator.\n",
        ),
        (
            torch.nn.Linear,
            "netG.pth is no state_dict that can be read without running code from it (UnpicklingError). Save one with "
            "torch.save(netG.state_dict(), 'netG.pth').\n",
        ),
    ],
)  # fmt: skip
def test_a_refusal_says_what_was_found_and_what_would_work(state, words, tmp_path, capfd):
    assert words in refusal_of(state, tmp_path, capfd)


def test_a_file_that_is_not_there_or_empty_is_named(tmp_path, capfd):
    file = tmp_path / "netG.pth"
    for words in (f"error: there is no file {file}.\n", f"error: {file} is no state_dict that can be read without"):
        assert checkpoints_main(["import", str(file), str(tmp_path / "mine")]) == 2
        assert capfd.readouterr().err.startswith(words)
        file.touch()


def with_nan(state: State) -> State:
    name = next(iter(state))
    return state | {name: state[name] * float("nan")}


def other(tensor: Tensor, form: str) -> Tensor:
    forms: dict[str, Callable[[], Tensor]] = {
        "sparse": tensor.to_sparse,
        "meta": lambda: tensor.to("meta"),
        "repeated": lambda: torch.zeros(1).expand_as(tensor),
    }
    return forms[form]() if form in forms else tensor.to(getattr(torch, form))


FORMS = ["sparse", "meta", "repeated", "float8_e4m3fn", "float8_e5m2", "complex64", "bool", "uint8"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["main.0.weight", "main.1.weight", "main.1.running_mean"])
def test_a_tensor_of_another_form_is_named(name, form, tmp_path, capfd):
    state = foreign_generator(24).state_dict()
    error = refusal_of(state | {name: other(state[name], form)}, tmp_path, capfd)
    assert f"the generator has the tensor {name} in a form that can't be imported" in error
    assert "torch.save(netG.float().state_dict(), 'netG.pth')" in error


def test_a_file_that_claims_a_tensor_of_a_terabyte_costs_no_memory(tmp_path, capfd):
    shapes = [(2**19, 2**17), (2**17, 8), (8, 3)]
    state = {f"main.{k}.weight": torch.zeros(1).expand(*shape, 4, 4) for k, shape in enumerate(shapes)}
    assert "in a form that can't be imported" in refusal_of(state, tmp_path, capfd)


@pytest.mark.parametrize("form", ["float16", "bfloat16", "float64"])
def test_weights_of_any_usual_type_are_imported(form, tmp_path):
    theirs = warmed_up(ReportGenerator(), 20, 1, 1).to(getattr(torch, form))
    assert imported(theirs.state_dict(), tmp_path) == 0
    assert_draws_as(tmp_path / "mine", theirs.float())


def test_numbers_that_float32_has_not_are_named(tmp_path, capfd):
    state = foreign_generator(24).state_dict()
    error = refusal_of(state | {"main.0.weight": state["main.0.weight"].double() * 1e300}, tmp_path, capfd)
    assert "the generator has values in main.0.weight that are no numbers" in error


def test_a_nested_tensor_is_none_of_a_network(tmp_path, capfd):
    nested = torch.nested.as_nested_tensor([torch.zeros(3), torch.zeros(4)], layout=torch.jagged)
    assert "holds no state_dict" in refusal_of({"main.0.weight": nested}, tmp_path, capfd)


def test_a_file_that_was_packed_to_unpack_to_more_than_it_has_is_not_read(tmp_path, capfd):
    torch.save({"main.0.weight": torch.zeros(2**20)}, tmp_path / "plain.pth")
    with zipfile.ZipFile(tmp_path / "plain.pth") as plain, zipfile.ZipFile(tmp_path / "netG.pth", "w", 8) as packed:
        for info in plain.infolist():
            packed.writestr(info.filename, plain.read(info), 8)
    assert checkpoints_main(["import", str(tmp_path / "netG.pth"), str(tmp_path / "mine")]) == 2
    error = capfd.readouterr().err
    assert re.search(r"netG\.pth unpacks to 4,\d+,\d+ bytes, more than it has, so it wasn't read\. Save one", error)


def with_bias(state: State) -> State:
    return state | {"main.0.bias": torch.zeros(32)}


SENTENCES = {
    "NaN": (with_nan, "the generator has values in main.0.weight that are no numbers: its training went wrong"),
    "four channels": (
        lambda state: foreign_generator(64, channels=4).state_dict(),
        "the generator is for pictures of 4 channels; only grey (1) and RGB (3)",
    ),
    "linear start": (
        lambda state: {"fc.weight": torch.zeros(64, 20), "fc.bias": torch.zeros(64)} | state,
        "the generator begins with a fully connected layer (fc.weight)",
    ),
    "biases": (with_bias, "has the tensor main.0.bias too many. Only DCGANs"),
    "too small": (
        lambda state: {k: v for k, v in state.items() if k.split(".")[1] not in ("0", "1", "3", "4")},
        "is for 16x16 pictures; sizes that fit are 24, 32",
    ),
}


@pytest.mark.parametrize(("spoil", "sentence"), SENTENCES.values(), ids=SENTENCES)
def test_what_can_not_be_imported_gets_a_sentence_of_its_own(spoil, sentence, tmp_path, capfd):
    state = foreign_generator(64).state_dict()
    assert sentence in refusal_of(spoil(state), tmp_path, capfd)


@pytest.mark.parametrize(
    ("discriminator", "sentence"),
    [
        (ReportGenerator(), "error: --discriminator netD.pth is a generator; name the other file (often netD).\n"),
        (
            Discriminator(image_size=64, feature_maps=4),
            "the discriminator is for 64x64 RGB pictures, but the generator draws 96x96 RGB ones; import two",
        ),
        (
            Discriminator(image_channels=1, feature_maps=4),
            "is for 96x96 grey pictures, but the generator draws 96x96 RGB ones; import two that belong together.\n",
        ),
    ],
    ids=["a generator", "another size", "other colours"],
)
def test_a_discriminator_that_does_not_belong_is_refused(discriminator, sentence, tmp_path, capfd):
    torch.save(discriminator.state_dict(), tmp_path / "netD.pth")
    state = ReportGenerator().state_dict()
    error = refusal_of(state, tmp_path, capfd, "--discriminator", str(tmp_path / "netD.pth"))
    assert sentence.replace("netD.pth", str(tmp_path / "netD.pth"), 1) in error

"""Checkpoints and archives that were made to do harm: refused with a sentence, before they cost memory."""

import json
import random
import resource
import stat
import struct
import zipfile
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save, save_file

from benchmarks import promises
from benchmarks.machine import now
from dcgan.checkpoints import load_generator
from dcgan.data import load_pictures
from dcgan.errors import InputError
from dcgan.limits import MAX_CONFIG_BYTES, MAX_HEADER_BYTES
from dcgan.models import Generator
from support.pictures import SIZE

MEGABYTE, TERABYTE = 2**20, 2**40
MOST_MEGABYTES = 64  # that all of these together may cost


@pytest.fixture
def folder(tmp_path) -> Path:
    """A checkpoint that is sound."""
    Generator(latent_dim=6, image_size=24, feature_maps=3).save_pretrained(tmp_path / "sound")
    return tmp_path / "sound"


@pytest.fixture
def weights(folder) -> Path:
    return folder / "model.safetensors"


@pytest.fixture
def costs_no_memory():
    before = peak()
    yield
    assert peak() - before < MOST_MEGABYTES * MEGABYTE


def peak() -> int:
    """Give the most bytes that this process ever had."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def with_header(weights: Path, header: object, length: int | None = None) -> None:
    """Put another header into a weights file, which says that it has `length` bytes."""
    data = weights.read_bytes()
    (before,) = struct.unpack("<Q", data[:8])
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    weights.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data[8 + before :])


def header_of(weights: Path) -> dict:
    data = weights.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length])


def change(name: str, **changes: object):
    """Make the lie that the header tells of one of the tensors; NAME is the first of them."""

    def lie(weights: Path) -> None:
        header = header_of(weights)
        header["main.0.weight"] |= changes
        with_header(weights, header)

    return pytest.param(lie, id=name)


def add_empty(shape: list[int], weights: Path) -> None:
    """Tell of one more tensor in a weights file, which has no numbers."""
    with_header(weights, header_of(weights) | {"more": {"dtype": "F32", "shape": shape, "data_offsets": [0, 0]}})


@pytest.mark.usefixtures("costs_no_memory")
@pytest.mark.parametrize(
    "lie",
    [
        pytest.param(lambda weights: with_header(weights, b"{}", 2**63), id="a header of 8 EB"),
        pytest.param(lambda weights: with_header(weights, b"{}", TERABYTE), id="a header of 1 TB"),
        pytest.param(lambda weights: with_header(weights, b"{}"), id="no tensors"),
        pytest.param(lambda weights: with_header(weights, b"[" * 50_000), id="a header that is deep"),
        pytest.param(lambda weights: with_header(weights, b'{"a":' * 9000), id="a header of objects in objects"),
        pytest.param(lambda weights: with_header(weights, b"\xff" * 50), id="a header that is no text"),
        change("a tensor of 1 TB", shape=[TERABYTE // 4], data_offsets=[0, TERABYTE]),
        change("offsets beyond the end", data_offsets=[0, 10**9]),
        change("offsets that go back", data_offsets=[100, 0]),
        change("offsets below 0", data_offsets=[-100, 0]),
        change("offsets that overlap", data_offsets=[8, 8 + 6 * 12 * 16 * 4]),
        change("a shape whose product is none", shape=[2**40, 2**40, 2**40]),
        change("a shape below 0", shape=[-1, 6]),
        change("a type that there is not", dtype="F1024"),
        change("a type of code", dtype={"__reduce__": ["os.system", "ls"]}),
        change("no shape", shape=None),
        pytest.param(partial(add_empty, [0, 2**63]), id="a side that PyTorch can't count"),
        pytest.param(partial(add_empty, [0, 2**40, 2**24 - 1]), id="sides that PyTorch can't multiply"),
    ],
)
def test_a_weights_file_whose_header_lies_is_refused_in_one_line(lie, folder, weights):
    lie(weights)
    with pytest.raises(InputError, match=r"model\.safetensors") as error:
        load_generator(folder)
    assert "\n" not in str(error.value)


def test_a_weights_file_may_be_as_large_as_its_config_calls_for_and_no_larger(folder, weights):
    tensors = load_file(weights)
    bare = len(save(tensors, {"format": "pt", "x": ""}))
    spare = sum(tensor.nbytes for tensor in tensors.values()) + MAX_HEADER_BYTES - bare
    save_file(tensors, weights, {"format": "pt", "x": "x" * (spare // 8 * 8)})  # headers have eights of bytes
    assert load_generator(folder)
    save_file(tensors, weights, {"format": "pt", "x": "x" * (spare // 8 * 8 + 8)})
    with pytest.raises(InputError) as error:
        load_generator(folder)
    size = weights.stat().st_size
    assert str(error.value) == f"{weights} has {size:,} bytes, but its config.json calls for {size - 8:,} at most."


@pytest.mark.usefixtures("costs_no_memory")
def test_a_weights_file_of_a_terabyte_is_not_read(folder, weights):
    with open(weights, "r+b") as file:
        file.truncate(TERABYTE)  # which takes no room: it has holes
    with pytest.raises(InputError, match="has 1,099,511,627,776 bytes, but its config.json calls for"):
        load_generator(folder)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_weights_with_numbers_that_are_none_are_refused_by_name(number, folder, weights):
    tensors = load_file(weights)
    tensors["main.0.weight"][0, 0, 0, 0] = number
    save_file(tensors, weights, {"format": "pt"})
    with pytest.raises(InputError, match=r"main\.0\.weight has numbers that are none\. Copy or download it again\.$"):
        load_generator(folder)


@pytest.mark.usefixtures("costs_no_memory")
@pytest.mark.parametrize(
    "type_",
    [
        "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu", "complex64", "float64",
        "bool", "uint8", "int32", "int64", "uint64",
    ],
)  # fmt: skip
def test_weights_of_a_type_that_networks_have_not_are_refused_by_name(type_, folder, weights):
    tensors = load_file(weights)
    tensors["main.0.weight"] = tensors["main.0.weight"].to(getattr(torch, type_))
    save_file(tensors, weights, {"format": "pt"})
    with pytest.raises(InputError) as error:
        load_generator(folder)
    assert str(error.value) == (
        f"{weights}: the tensor main.0.weight is of type {type_}; it must be float32 or float16 or bfloat16."
    )


def test_a_counter_of_another_type_is_refused_by_name(folder, weights):
    tensors = load_file(weights)
    tensors["main.1.num_batches_tracked"] = torch.zeros((), dtype=torch.float32)
    save_file(tensors, weights, {"format": "pt"})
    with pytest.raises(InputError, match=r"main\.1\.num_batches_tracked is of type float32; it must be int64\.$"):
        load_generator(folder)


def test_a_config_may_be_as_large_as_the_limit_and_no_larger(folder):
    config = folder / "config.json"
    config.write_text(config.read_text().ljust(MAX_CONFIG_BYTES))
    assert load_generator(folder)
    config.write_text(config.read_text() + " ")
    with pytest.raises(
        InputError, match=r"config\.json is larger than 65,536 bytes; it is no checkpoint of this kind\.$"
    ):
        load_generator(folder)


@pytest.mark.usefixtures("costs_no_memory")
@pytest.mark.parametrize(
    "config",
    [
        "[" * 60_000, '{"a":' * 9000, '{"latent_dim": NaN}', '{"latent_dim": 1e400}', '{"feature_maps": 1000000000}',
        '{"latent_dim": ' + "9" * 5000 + "}", '{"image_size": 10000000}', '{"image_channels": -1}', "\ud800", "null",
    ],
)  # fmt: skip
def test_a_config_that_makes_no_sense_is_refused(config, folder):
    (folder / "config.json").write_bytes(config.encode(errors="surrogatepass"))
    with pytest.raises(InputError, match=r"config\.json"):
        load_generator(folder)


# Archives


def archive_of(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def link(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.create_system, member.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return member


@pytest.fixture
def picture(raw) -> bytes:
    return raw.read_bytes()


@pytest.fixture
def raw(tmp_path) -> Path:
    from PIL import Image

    path = tmp_path / "raw.png"
    pixels = torch.randint(0, 256, (SIZE, SIZE, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    Image.fromarray(pixels.numpy()).save(path)
    return path


def used(archive: Path, cache: Path) -> int:
    return len(load_pictures(str(archive), SIZE, cache=cache))


def test_what_is_harmful_in_a_zip_is_left_out_and_nothing_leaves_it(tmp_path, picture, capsys):
    outside = tmp_path / "outside.png"
    path = archive_of(
        tmp_path / "pictures.zip",
        ("good.png", picture),
        (f"..{'/..' * 9}{outside}", picture),
        ("../outside.png", picture),
        (str(outside), picture),
        (link("linked.png"), b"/etc/passwd"),
        ("vector.svg", b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
        ("page.png", b"<html><script>alert(1)</script></html>"),
        ("both.png", picture + b"PK\5\6" + b"\0" * 18),  # a picture, and an empty archive behind it
    )
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("bomb.png", "w") as bomb:
        for _ in range(300):
            bomb.write(b"\0" * MEGABYTE)
    used(archive_of(tmp_path / "harmless.zip", ("good.png", picture)), tmp_path / "cache")  # imports what it needs
    before = peak()
    assert used(path, tmp_path / "cache") >= 1
    assert peak() - before < MOST_MEGABYTES * MEGABYTE
    assert not outside.exists()
    assert not list(tmp_path.glob("**/linked.png"))


def test_a_zip_that_lies_about_sizes_is_refused_or_left_out(tmp_path, picture):
    path = archive_of(tmp_path / "pictures.zip", ("good.png", picture), ("lies.png", b"\0" * (64 * MEGABYTE)))
    data = path.read_bytes()
    size = struct.pack("<I", 64 * MEGABYTE)
    path.write_bytes(data.replace(size, struct.pack("<I", 100)))
    assert used(path, tmp_path / "cache") == 1


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(1200)
def test_of_2_000_damaged_checkpoints_and_zips_each_is_taken_or_refused_with_a_sentence(tmp_path, folder, picture):
    began, seed, rng = now(), 15, random.Random(15)
    counts = {"files": 0, "refused": 0, "taken": 0, "said nothing": 0}
    sound = {name: (folder / name).read_bytes() for name in ("config.json", "model.safetensors")}
    load_generator(folder)
    used(archive_of(tmp_path / "harmless.zip", ("good.png", picture)), tmp_path / "cache")  # imports what it needs
    before = peak()
    for number in range(2000):
        counts["files"] += 1
        try:
            if number % 4:
                name = rng.choice(list(sound))
                for each, content in sound.items():
                    (folder / each).write_bytes(damaged(content, rng) if each == name else content)
                load_generator(folder)
            else:
                archive = archive_of(tmp_path / "pictures.zip", ("a.png", picture), ("b.png", damaged(picture, rng)))
                archive.write_bytes(damaged(archive.read_bytes(), rng))
                used(archive, tmp_path / f"cache-{number}")
            counts["taken"] += 1
        except InputError as error:
            counts["refused" if len(str(error).split()) > 4 else "said nothing"] += 1
    assert not counts["said nothing"]
    grown = peak() - before
    assert grown < MOST_MEGABYTES * MEGABYTE
    counts["MB grown"] = grown // MEGABYTE
    promises.leave(
        "hostile files", command="python -m pytest tests/test_hostile_files.py -m long", seed=seed, began=began,
        counts=counts,
    )  # fmt: skip


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Flip bits, cut, double a piece, or put a large number somewhere, mostly near the beginning, where sizes stand."""
    data, place = bytearray(content), int(len(content) * rng.random() ** 4)
    kind = rng.randrange(4)
    if kind == 0:
        data[place] ^= 1 << rng.randrange(8)
    elif kind == 1:
        del data[place:]
    elif kind == 2:
        data[place:place] = data[place : place + rng.randrange(1, 200)]
    else:
        number = rng.choice([2**63 - 1, 2**63, 2**64 - 1, TERABYTE, 0])
        data[place : place + 8] = struct.pack("<Q", number)
    return bytes(data)

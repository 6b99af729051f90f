import re
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from dcgan.checkpoints import __main__ as checkpoints
from dcgan.checkpoints import onnx_export, save_network
from dcgan.images import to_uint8
from dcgan.latents import latents
from dcgan.models import Generator
from dcgan.sampling import faces


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "denoising"])
def checkpoint(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoint")
    save_network(Generator(image_size=24, feature_maps=4, latent_dim=7, denoising=request.param), folder)
    return folder


@pytest.fixture(scope="module")
def exported(checkpoint, tmp_path_factory):
    file = tmp_path_factory.mktemp("exported") / "faces.onnx"
    assert checkpoints.main(["export", str(checkpoint), str(file)]) == 0
    return file


@pytest.mark.parametrize("count", [1, 3, 40])
def test_any_number_of_faces_is_drawn_as_pytorch_draws_them(exported, checkpoint, count):
    session = onnxruntime.InferenceSession(exported)
    seeds = list(range(100, 100 + count))
    (images,) = session.run(["images"], {"z": latents(seeds, 7).numpy()})
    assert images.shape == (count, 3, 24, 24)
    drawn = to_uint8(torch.from_numpy(images)).astype(int)
    assert np.abs(drawn - faces(Generator.from_pretrained(checkpoint), seeds)).max() <= 1


def test_the_command_says_what_goes_in_and_how_exact_it_is(checkpoint, tmp_path, capsys):
    assert checkpoints.main(["export", str(checkpoint), str(tmp_path / "a.onnx")]) == 0
    out = capsys.readouterr().out
    assert re.fullmatch(
        r".*a\.onnx: z \(N, nz\) to images \(N, C, S, S\); at most \S+ of 255 levels from PyTorch\.\n", out
    )


def test_no_path_of_this_machine_is_in_the_file(exported):
    written = exported.read_bytes()
    assert str(Path(onnx_export.__file__).parent).encode() not in written
    assert b"site-packages" not in written


def test_a_file_that_draws_other_faces_is_not_written_and_the_one_before_stays(
    checkpoint, tmp_path, monkeypatch, capsys
):
    other = Generator(image_size=24, feature_maps=4, latent_dim=7).eval()
    with torch.no_grad():
        other.main[-2].weight.mul_(100)
    honest = onnx_export._write
    monkeypatch.setattr(onnx_export, "_write", lambda generator, path: honest(other, path))
    file = tmp_path / "faces.onnx"
    file.write_bytes(b"before")
    assert checkpoints.main(["export", str(checkpoint), str(file)]) == 2
    assert "was not written: what onnxruntime draws differs from PyTorch by up to" in capsys.readouterr().err
    assert file.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("package", ["onnxruntime", "onnxscript"])
def test_a_missing_package_is_one_line_that_says_what_to_install(package, checkpoint, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, package, None)
    assert checkpoints.main(["export", str(checkpoint), str(tmp_path / "a.onnx")]) == 2
    assert "pip install onnxscript onnxruntime" in (line := capsys.readouterr().err)
    assert line.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["missing", "a.onnx"], "there is no checkpoint folder"),
        (["{checkpoint}", "no-folder/a.onnx"], "there is no folder no-folder to write a.onnx to"),
        (["{checkpoint}", "a.onnx", "--snapshot", "epoch-0009"], "has no snapshot epoch-0009"),
    ],
)
def test_bad_input_is_one_line(words, told, checkpoint, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert checkpoints.main(["export", *(word.format(checkpoint=checkpoint) for word in words)]) == 2
    assert told in (line := capsys.readouterr().err)
    assert line.count("\n") == 1
    assert not list(tmp_path.iterdir())

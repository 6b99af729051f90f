"""Pictures without grain: what the last layer does to surfaces, edges and whole faces."""

import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from dcgan import denoise
from dcgan.checkpoints import load_generator, read_training, save_network
from dcgan.denoising import LEVELS, REACHES, Denoising
from dcgan.errors import InputError
from dcgan.images import grid
from dcgan.models import Generator
from dcgan.sampling import faces

GRAIN = 3 / 127.5  # standard deviation, in values from -1 to 1


@pytest.fixture(scope="module")
def grainy():
    """A picture `(1, 3, 32, 32)` of two surfaces, with grain."""
    picture = torch.full((1, 3, 32, 32), -0.5)
    picture[..., 16:] = 0.5
    return picture + GRAIN * torch.randn(picture.shape, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def checkpoint(tmp_path):
    torch.manual_seed(0)
    network = Generator(image_size=24, feature_maps=4, latent_dim=7)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(5)
    for folder in (tmp_path, tmp_path / "epochs" / "epoch-0003"):
        save_network(network, folder)
    return tmp_path


def denoised_by_loops(picture, levels):
    """The same filter, pixel by pixel, of a picture `(3, S, S)`."""
    size = picture.shape[-1]
    for reach in REACHES:
        before, picture = picture.astype(float), np.empty(picture.shape)
        for y in range(size):
            for x in range(size):
                total, weights = np.zeros(3), 0.0
                for row in (y - reach, y, y + reach):
                    for column in (x - reach, x, x + reach):
                        if 0 <= row < size and 0 <= column < size:
                            apart = (before[:, row, column] - before[:, y, x]) * 127.5
                            weight = np.exp(-(apart**2).sum() / (2 * levels**2))
                            total, weights = total + weight * before[:, row, column], weights + weight
                picture[:, y, x] = total / weights
    return picture


def test_grain_goes_and_edges_stay(grainy):
    drawn = Denoising()(grainy)
    for surface in (drawn[..., :14], drawn[..., 18:]):
        assert surface.std() < GRAIN / 4
    assert drawn[..., 15].mean() < -0.49
    assert drawn[..., 16].mean() > 0.49


def test_it_is_the_bilateral_filter_at_three_distances(grainy):
    drawn = Denoising()(grainy)[0].numpy()
    assert np.abs(drawn - denoised_by_loops(grainy[0].numpy(), LEVELS)).max() < 1e-5


def test_a_picture_of_flat_colours_far_apart_stays_as_it_is():
    picture = torch.tensor([-1.0, 1.0])[torch.randint(2, (1, 1, 24, 24), generator=torch.Generator().manual_seed(1))]
    assert torch.allclose(Denoising()(picture), picture, atol=1e-6)


@pytest.mark.parametrize("levels", [0.0, -1.0, 1e30])
def test_whatever_number_stands_in_a_file_gives_a_picture(grainy, levels):
    layer = Denoising()
    layer.levels.fill_(levels)
    drawn = layer(grainy)
    assert drawn.isfinite().all()
    assert drawn.abs().max() <= 1


def test_while_a_network_is_trained_the_layer_does_nothing():
    network = Generator(image_size=24, feature_maps=4, denoising=True)
    z = torch.randn(4, 100)
    assert torch.equal(network(z), network.main(z[:, :, None, None]))
    network.eval()
    assert not torch.equal(network(z), network.main(z[:, :, None, None]))


def test_faces_are_equal_alone_together_and_by_the_network_itself(checkpoint):
    denoise.main([str(checkpoint)])
    network = load_generator(checkpoint)
    together = faces(network, list(range(20)))
    assert all(np.array_equal(faces(network, [seed])[0], together[seed]) for seed in range(20))
    z = torch.randn(7, generator=torch.Generator().manual_seed(5))
    by_itself = (network(z[None]).detach()[0].permute(1, 2, 0) + 1) * 127.5
    assert np.abs(by_itself.numpy() - together[5]).max() <= 1


def test_a_checkpoint_and_its_snapshots_are_told_to_denoise_and_not_to_any_more(checkpoint, capsys):
    folders = (checkpoint, checkpoint / "epochs" / "epoch-0003")
    before = [(folder / name).read_bytes() for folder in folders for name in ("config.json", "model.safetensors")]
    assert denoise.main([str(checkpoint), "--levels", "9"]) == 0
    assert "python -m dcgan.evaluation" in capsys.readouterr().out
    for folder in folders:
        assert json.loads((folder / "config.json").read_text())["denoising"] is True
        assert load_generator(folder).denoising.levels == 9
    assert denoise.main([str(checkpoint), "--levels", "0"]) == 0
    after = [(folder / name).read_bytes() for folder in folders for name in ("config.json", "model.safetensors")]
    assert after == before  # also the weights' digest, which tells faces apart


@pytest.mark.parametrize("levels", ["-1", "64.5", "nan"])
def test_a_strength_out_of_range_is_refused_and_nothing_is_written(checkpoint, levels, capsys):
    before = (checkpoint / "model.safetensors").read_bytes()
    assert denoise.main([str(checkpoint), "--levels", levels]) == 2
    assert "levels" in capsys.readouterr().err
    assert (checkpoint / "model.safetensors").read_bytes() == before


def test_where_a_snapshot_is_broken_nothing_is_written(checkpoint, capsys):
    before = (checkpoint / "model.safetensors").read_bytes()
    (checkpoint / "epochs" / "epoch-0003" / "model.safetensors").write_bytes(b"broken")
    assert denoise.main([str(checkpoint)]) == 2
    assert "epoch-0003" in capsys.readouterr().err
    assert (checkpoint / "model.safetensors").read_bytes() == before


def test_config_and_weights_that_disagree_are_refused(checkpoint):
    denoise.main([str(checkpoint)])
    tensors = load_file(checkpoint / "model.safetensors")
    del tensors["denoising.levels"]
    save_file(tensors, checkpoint / "model.safetensors")
    with pytest.raises(InputError, match="lacks the tensor denoising.levels"):
        load_generator(checkpoint)


def test_a_network_without_the_layer_is_saved_as_older_versions_read_it(checkpoint):
    assert "denoising" not in json.loads((checkpoint / "config.json").read_text())


def test_the_samples_that_people_see_are_drawn_anew_and_the_run_tells_of_it(trained_run, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(trained_run, folder)
    assert denoise.main([str(folder)]) == 0
    assert "--denoising" in read_training(folder).command
    for path, name in (("samples/latest.png", None), ("samples/epoch-0001.png", "epoch-0001")):
        drawn = grid(faces(load_generator(folder, name), list(range(32))), 8)
        assert np.array_equal(np.asarray(Image.open(folder / path).convert("RGB")), drawn)
    assert (folder / "samples" / "timelapse.gif").read_bytes() != (trained_run / "samples/timelapse.gif").read_bytes()

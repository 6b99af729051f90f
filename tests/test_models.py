import json
import re
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from dcgan import Discriminator, Generator, InputError
from dcgan.limits import MAX_HEADER_BYTES
from dcgan.network_config import IMAGE_SIZES, NORMS


def parameters(network):
    return sum(p.numel() for p in network.parameters())


def convolutions(network):
    return [
        (m.in_channels, m.out_channels, m.kernel_size[0], m.stride[0], m.padding[0])
        for m in network.modules()
        if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)
    ]


def feature_sizes(network, inputs):
    sizes = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            module.register_forward_hook(lambda m, i, output: sizes.append(output.shape[-1]))
    network(inputs)
    return sizes


def test_the_default_networks_have_the_reference_reports_parameter_counts():
    assert parameters(Generator()) == 3_578_432
    assert parameters(Discriminator()) == 2_767_296


def test_the_default_generator_has_the_reference_reports_layers():
    generator = Generator()
    assert convolutions(generator) == [
        (100, 512, 4, 1, 0), (512, 256, 4, 2, 1), (256, 128, 4, 2, 1), (128, 64, 4, 2, 1), (64, 3, 5, 3, 1),
    ]  # fmt: skip
    assert feature_sizes(generator, torch.randn(2, 100, 1, 1)) == [4, 8, 16, 32, 96]


def test_the_default_discriminator_has_the_reference_reports_layers():
    discriminator = Discriminator()
    assert convolutions(discriminator) == [
        (3, 64, 5, 3, 1), (64, 128, 4, 2, 1), (128, 256, 4, 2, 1), (256, 512, 4, 2, 1), (512, 1, 4, 1, 0),
    ]  # fmt: skip
    assert feature_sizes(discriminator, torch.randn(2, 3, 96, 96)) == [32, 16, 8, 4, 1]


def test_no_layer_of_the_default_networks_but_batch_norm_has_a_bias():
    for network in (Generator(), Discriminator()):
        assert all(m.bias is None for m in network.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d))


def test_the_generator_computes_what_an_independent_listing_computes():
    listing = nn.Sequential(
        nn.ConvTranspose2d(100, 512, 4, 1, 0, bias=False), nn.BatchNorm2d(512), nn.ReLU(),
        nn.ConvTranspose2d(512, 256, 4, 2, 1, bias=False), nn.BatchNorm2d(256), nn.ReLU(),
        nn.ConvTranspose2d(256, 128, 4, 2, 1, bias=False), nn.BatchNorm2d(128), nn.ReLU(),
        nn.ConvTranspose2d(128, 64, 4, 2, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(),
        nn.ConvTranspose2d(64, 3, 5, 3, 1, bias=False), nn.Tanh(),
    )  # fmt: skip
    generator = Generator()
    listing.load_state_dict({k.removeprefix("main."): v for k, v in generator.state_dict().items()})
    z = torch.randn(4, 100, 1, 1)
    for mode in (True, False):
        torch.testing.assert_close(generator.train(mode)(z), listing.train(mode)(z), atol=1e-6, rtol=0)


def test_the_discriminator_computes_what_an_independent_listing_computes():
    listing = nn.Sequential(
        nn.Conv2d(3, 64, 5, 3, 1, bias=False), nn.LeakyReLU(0.2),
        nn.Conv2d(64, 128, 4, 2, 1, bias=False), nn.BatchNorm2d(128), nn.LeakyReLU(0.2),
        nn.Conv2d(128, 256, 4, 2, 1, bias=False), nn.BatchNorm2d(256), nn.LeakyReLU(0.2),
        nn.Conv2d(256, 512, 4, 2, 1, bias=False), nn.BatchNorm2d(512), nn.LeakyReLU(0.2),
        nn.Conv2d(512, 1, 4, 1, 0, bias=False), nn.Sigmoid(),
    )  # fmt: skip
    discriminator = Discriminator()
    listing.load_state_dict({k.removeprefix("main."): v for k, v in discriminator.state_dict().items()})
    images = torch.rand(4, 3, 96, 96) * 2 - 1
    for mode in (True, False):
        ours = discriminator.train(mode)(images).sigmoid()
        torch.testing.assert_close(ours, listing.train(mode)(images).flatten(), atol=1e-6, rtol=0)


@pytest.mark.parametrize("size", IMAGE_SIZES)
@pytest.mark.parametrize("norm", NORMS)
def test_both_networks_fit_together_at_every_image_size(size, norm):
    images = Generator(latent_dim=5, image_size=size, feature_maps=2)(torch.randn(2, 5))
    assert images.shape == (2, 3, size, size)
    assert images.abs().max() <= 1
    assert Discriminator(image_size=size, feature_maps=2, norm=norm)(images).shape == (2,)


def test_the_generator_takes_latents_with_and_without_trailing_ones():
    generator = Generator(feature_maps=2).eval()
    z = torch.randn(3, 100)
    assert torch.equal(generator(z), generator(z.view(3, 100, 1, 1)))


def test_weights_start_as_radford_et_al_say():
    torch.manual_seed(0)
    for network in (Generator(), Discriminator()):
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d) and module.weight.numel() > 10_000:
                assert module.weight.mean().abs() < 1e-3
                assert module.weight.std().item() == pytest.approx(0.02, rel=0.05)
            if isinstance(module, nn.BatchNorm2d):
                assert module.weight.mean().item() == pytest.approx(1, abs=0.02)
                assert 0.01 < module.weight.std() < 0.03
                assert not module.bias.any()


def test_spectral_norm_takes_batch_norms_place_and_brings_biases():
    discriminator = Discriminator(feature_maps=4, norm="spectral")
    assert not any(isinstance(m, nn.BatchNorm2d) for m in discriminator.modules())
    layers = [m for m in discriminator.modules() if isinstance(m, nn.Conv2d)]
    assert all(layer.bias is not None for layer in layers)
    for _ in range(50):  # power iteration settles
        discriminator(torch.randn(2, 3, 96, 96))
    for layer in layers:
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, abs=0.05)


def test_spectrally_normalised_layers_keep_pytorchs_own_init():
    torch.manual_seed(0)
    discriminator = Discriminator(norm="spectral")
    for layer in (m for m in discriminator.modules() if isinstance(m, nn.Conv2d)):
        drawn = layer.parametrizations.weight.original
        fan_in = drawn[0].numel()
        assert drawn.std().item() == pytest.approx((3 * fan_in) ** -0.5, rel=0.05)


def test_without_a_norm_layers_have_biases_and_keep_pytorchs_own_init():
    torch.manual_seed(0)
    discriminator = Discriminator(norm="none")
    assert {type(m) for m in discriminator.main} == {nn.Conv2d, nn.LeakyReLU}
    for layer in (m for m in discriminator.modules() if isinstance(m, nn.Conv2d)):
        assert not hasattr(layer, "parametrizations")
        assert layer.bias is not None
        assert layer.weight.std().item() == pytest.approx((3 * layer.weight[0].numel()) ** -0.5, rel=0.05)


@pytest.mark.parametrize("norm", NORMS)
def test_a_discriminator_comes_back_with_its_norm(norm, tmp_path):
    discriminator = Discriminator(image_size=24, feature_maps=3, norm=norm).eval()
    discriminator.save_pretrained(tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["norm"] == norm
    images = torch.randn(2, 3, 24, 24)
    loaded = Discriminator.from_pretrained(tmp_path)
    assert loaded.config == discriminator.config
    assert torch.equal(loaded(images), discriminator(images))


@pytest.mark.parametrize(("spectral_norm", "norm"), [(True, "spectral"), (False, "batch")])
def test_a_discriminator_saved_when_its_norm_was_on_or_off_is_still_read(spectral_norm, norm, tmp_path):
    Discriminator(image_size=24, feature_maps=3, norm=norm).save_pretrained(tmp_path)
    older = {"image_size": 24, "image_channels": 3, "feature_maps": 3, "spectral_norm": spectral_norm}
    (tmp_path / "config.json").write_text(json.dumps(older))
    assert Discriminator.from_pretrained(tmp_path).config.norm == norm


def test_a_norm_that_there_is_not_is_refused_with_those_that_there_are():
    with pytest.raises(InputError, match="norm is 'layer'; it must be one of batch, spectral, none"):
        Discriminator(norm="layer")


@pytest.mark.parametrize("arguments", [{"image_size": 100}, {"image_channels": 2}, {"feature_maps": 0}])
def test_an_argument_out_of_range_is_refused_by_name(arguments):
    for network in (Generator, Discriminator):
        with pytest.raises(InputError, match=next(iter(arguments))):
            network(**arguments)


@pytest.fixture
def folder(tmp_path):
    """A checkpoint folder as the Hub mixin itself writes it."""
    Generator(latent_dim=6, image_size=24, feature_maps=3).save_pretrained(tmp_path / "saved")
    return tmp_path / "saved"


def change_weights(folder, change):
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def refusal(folder, **options):
    with pytest.raises(InputError) as error:
        Generator.from_pretrained(folder, **options)
    return str(error.value)


def test_what_the_mixin_saved_comes_back_the_same_and_in_eval_mode(folder):
    generator = Generator.from_pretrained(folder)
    assert (generator.latent_dim, generator.image_size) == (6, 24)
    assert not generator.training
    saved = load_file(folder / "model.safetensors")
    assert all(torch.equal(saved[name], tensor) for name, tensor in generator.state_dict().items())
    assert Generator.from_pretrained(folder.parent, subfolder=folder.name).latent_dim == 6


def test_a_network_comes_to_the_device_that_is_asked_for(folder):
    assert {p.device.type for p in Generator.from_pretrained(folder, map_location="meta").parameters()} == {"meta"}


def test_half_precision_weights_are_widened(folder):
    change_weights(folder, lambda tensors: tensors.update({k: v.half() for k, v in tensors.items() if v.ndim == 4}))
    assert all(p.dtype == torch.float32 for p in Generator.from_pretrained(folder).parameters())


def test_a_missing_tensor_is_named(folder):
    change_weights(folder, lambda tensors: tensors.pop("main.0.weight"))
    weights = folder / "model.safetensors"
    assert refusal(folder) == f"{weights} lacks the tensor main.0.weight, which its config.json calls for."


def test_an_extra_tensor_is_named(folder):
    change_weights(folder, lambda tensors: tensors.update(stowaway=torch.zeros(1), alien=torch.zeros(1)))
    weights = folder / "model.safetensors"
    assert refusal(folder) == f"{weights} has the tensor alien, which its config.json doesn't call for."


def test_a_misshaped_tensor_is_named_with_both_shapes(folder):
    change_weights(folder, lambda tensors: tensors.update({"main.0.weight": torch.zeros(5, 6, 4, 4)}))
    words = "the tensor main.0.weight is (5, 6, 4, 4), but its config.json calls for (6, 6, 4, 4)."
    assert refusal(folder) == f"{folder / 'model.safetensors'}: {words}"


def test_a_missing_config_is_refused(folder):
    (folder / "config.json").unlink()
    assert refusal(folder) == (
        f"{folder} has no config.json, so it is no checkpoint folder; one holds config.json and model.safetensors."
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", r"FOLDER/config\.json can't be read as JSON: Expecting property name .*"),
        ("[1]", r"FOLDER/config\.json holds a list, not an object of named settings\."),
        ('{"latent_dim": 6, "colour": 1}', r"config\.json of FOLDER has the unknown key 'colour'; .*"),
        ('{"image_size": 100}', r"config\.json of FOLDER: image_size is 100; it must be one of .*"),
    ],
)
def test_a_broken_config_is_refused_by_name(folder, text, words):
    (folder / "config.json").write_text(text)
    assert re.fullmatch(words, refusal(folder).replace(str(folder), "FOLDER"))


def test_a_folder_in_the_place_of_a_config_is_refused(folder):
    (folder / "config.json").unlink()
    (folder / "config.json").mkdir()
    with pytest.raises(InputError, match=r"config\.json can't be read as JSON: .*Is a directory"):
        Generator.from_pretrained(folder)


def test_a_config_of_the_other_network_is_refused(folder):
    (folder / "config.json").write_text(json.dumps({"image_size": 24, "spectral_norm": True}))
    with pytest.raises(InputError, match="spectral_norm"):
        Generator.from_pretrained(folder)


@pytest.mark.parametrize("damage", [lambda data: data[:100], lambda data: b"", lambda data: b"\xff" * 64])
def test_a_damaged_weights_file_is_refused(folder, damage):
    weights = folder / "model.safetensors"
    weights.write_bytes(damage(weights.read_bytes()))
    assert f"{weights} is damaged or no safetensors file (Error while deserializing header" in refusal(folder)


def test_weights_on_a_failing_disk_are_refused(folder, monkeypatch):
    def fail(path):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("dcgan.models.load_file", fail)
    assert refusal(folder) == (
        f"{folder / 'model.safetensors'} is damaged or no safetensors file ([Errno 5] Input/output error). Copy or "
        "download it again."
    )


def test_an_argument_that_the_checkpoint_decides_is_refused(folder):
    words = "image_size can't be set here: a checkpoint's own config.json decides it."
    assert refusal(folder, latent_dim=8, image_size=32) == words


def test_a_folder_without_weights_is_refused_with_the_way_to_import_a_pickle_that_it_has(folder):
    (folder / "model.safetensors").unlink()
    assert refusal(folder) == f"{folder} has no model.safetensors."
    for name in ("pytorch_model.bin", "weights.pth"):
        (folder / name).write_bytes(b"")
    assert refusal(folder) == (
        f"{folder} has no model.safetensors; pytorch_model.bin is a pickle, which is never loaded: python -m "
        f"dcgan.checkpoints import {folder / 'pytorch_model.bin'} FOLDER."
    )


@pytest.fixture
def cached(folder, tmp_path):
    """Options that read alice/faces out of a cache, where it has the network of `folder` and a broken one beside it."""
    commit = "a" * 40
    repository = tmp_path / "models--alice--faces"
    shutil.copytree(folder, repository / "snapshots" / commit)
    shutil.copytree(folder, repository / "snapshots" / commit / "broken")
    (repository / "snapshots" / commit / "broken" / "config.json").write_text("{")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    return {"cache_dir": tmp_path, "local_files_only": True}


def test_a_repository_in_the_cache_is_loaded_as_its_folder_is_and_where_it_is_wanted(folder, cached):
    saved = load_file(folder / "model.safetensors")
    generator = Generator.from_pretrained("https://huggingface.co/alice/faces", **cached)
    assert all(torch.equal(saved[name], tensor) for name, tensor in generator.state_dict().items())
    elsewhere = Generator.from_pretrained("alice/faces", map_location="meta", **cached)
    assert {p.device.type for p in elsewhere.parameters()} == {"meta"}


def test_what_is_wrong_with_a_repository_is_said_by_its_name_and_not_by_that_of_a_folder_in_the_cache(cached):
    assert refusal("alice/faces", subfolder="broken", **cached).startswith(
        "alice/faces/broken/config.json can't be read as JSON: "
    )


def test_neither_a_folder_nor_a_repository_is_said_in_one_line():
    assert refusal("no/such/place") == (
        "there is no folder no/such/place, nor is that a repository of the Hub, as in user/name."
    )


def test_a_download_may_have_convolutions_as_float16_or_float32_and_the_longest_header_that_there_is(folder):
    tensors = load_file(folder / "model.safetensors").values()
    whole = sum(len(tensor.numpy().tobytes()) for tensor in tensors)
    half = sum(len((tensor.half() if tensor.ndim == 4 else tensor).numpy().tobytes()) for tensor in tensors)
    assert Generator._weight_bytes(folder) == (half, whole + MAX_HEADER_BYTES)

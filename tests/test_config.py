import subprocess
import sys

import pytest

from dcgan.config import RECIPES, TrainConfig
from dcgan.errors import InputError
from dcgan.limits import MAX_FEATURE_MAPS
from dcgan.network_config import IMAGE_SIZES, DiscriminatorConfig, GeneratorConfig, ModelConfig


@pytest.mark.parametrize("size", IMAGE_SIZES)
def test_every_image_size_is_four_doubled_and_then_multiplied_by_its_last_stride(size):
    config = ModelConfig(image_size=size)
    assert 4 * 2**config.doublings * config.last_stride == size
    assert config.last_stride == (3 if size % 3 == 0 else 2)
    assert config.widths[0] == 64 * 2**config.doublings
    assert config.widths[-1] == 64


@pytest.mark.parametrize("size", [0, 4, 12, 100, 512, -96, 96.0, "96", True])
def test_an_image_size_that_does_not_fit_is_refused_and_those_that_do_are_named(size):
    with pytest.raises(InputError, match="image_size.*24, 32, 48, 64, 96, 128, 192, 256"):
        ModelConfig(image_size=size)


@pytest.mark.parametrize("width", [0, -1, MAX_FEATURE_MAPS + 1, 100_000, 1.5, True, None])
def test_absurd_feature_maps_are_refused_before_any_memory_is_taken(width):
    with pytest.raises(InputError, match="feature_maps"):
        GeneratorConfig(feature_maps=width)


def test_a_config_survives_its_dictionary():
    for config in (GeneratorConfig(latent_dim=7, image_size=24), DiscriminatorConfig(norm="spectral")):
        assert type(config).from_dict(config.to_dict()) == config


def test_an_unknown_key_is_named():
    with pytest.raises(InputError, match="'widht'"):
        GeneratorConfig.from_dict({"image_size": 96, "widht": 3})


def test_a_config_that_is_no_object_is_refused():
    with pytest.raises(InputError, match="list"):
        GeneratorConfig.from_dict([96])


@pytest.mark.parametrize(
    ("change", "option"),
    [
        ({"batch_size": 0}, "--batch-size"),
        ({"batch_size": 1}, "--batch-size"),
        ({"epochs": 0}, "--epochs"),
        ({"max_steps": 0}, "--max-steps"),
        ({"data_size": 0}, "--data-size"),
        ({"d_every": 0}, "--d-every"),
        ({"r1_every": 0}, "--r1-every"),
        ({"g_every": -1}, "--g-every"),
        ({"save_every": 0}, "--save-every"),
        ({"snapshot_epochs": (0, 1)}, "--snapshot-epochs"),
        ({"snapshot_epochs": ()}, "--snapshot-epochs"),
        ({"background": ()}, "--background"),
        ({"seed": -1}, "--seed"),
        ({"seed": 2**31}, "--seed"),
        ({"loss": "wasserstein"}, "--loss"),
        ({"recipe": "secret"}, "--recipe"),
        ({"d_norm": "layer"}, "--d-norm"),
        ({"d_norm": True}, "--d-norm"),
        ({"augment": ("blur",)}, "--augment"),
        ({"r1_gamma": -0.1}, "--r1-gamma"),
        ({"r1_gamma": float("nan")}, "--r1-gamma"),
        ({"r2_gamma": -0.1}, "--r2-gamma"),
        ({"r2_gamma": float("nan")}, "--r2-gamma"),
        ({"lr_generator": -1.0}, "--lr-generator"),
        ({"lr_discriminator": -1.0}, "--lr-discriminator"),
        ({"lr_decay": -0.1}, "--lr-decay"),
        ({"lr_decay": 1.1}, "--lr-decay"),
        ({"lr_decay": float("nan")}, "--lr-decay"),
        ({"beta1": 1.0}, "--beta1"),
        ({"beta2": 1.0}, "--beta2"),
        ({"beta2": -0.1}, "--beta2"),
        ({"beta2": float("nan")}, "--beta2"),
        ({"ema_decay": 1.0}, "--ema-decay"),
        ({"precision": "float8"}, "--precision"),
        ({"image_size": 100}, "--image-size"),
        ({"latent_dim": 0}, "--latent-dim"),
        ({"generator_feature_maps": 0}, "--generator-feature-maps"),
        ({"discriminator_feature_maps": 0}, "--discriminator-feature-maps"),
    ],
)
def test_a_setting_out_of_range_is_refused_by_name(change, option):
    with pytest.raises(InputError, match=option):
        TrainConfig(data="pictures", **change)


def test_a_train_config_survives_its_dictionary():
    config = TrainConfig(data="pictures", augment=("color",), max_steps=3, flip=True)
    assert TrainConfig.from_dict(config.to_dict()) == config


def test_the_plain_recipe_is_the_reference_reports():
    config = TrainConfig(data="pictures", recipe="plain", **RECIPES["plain"])
    assert (config.loss, config.d_norm, config.ema, config.r1_gamma, config.augment) == (
        "bce",
        "batch",
        False,
        0,
        (),
    )
    assert (config.lr_generator, config.lr_discriminator, config.beta1, config.beta2) == (2e-4, 2e-4, 0.5, 0.999)
    assert config.r2_gamma == 0
    assert (config.d_every, config.g_every, config.epochs, config.batch_size) == (1, 1, 66, 64)
    assert config.snapshot_epochs == (1, 5, 10, 20, 30, 40, 50, 60, 65, 66)


def test_the_default_is_the_best_recipe():
    assert TrainConfig(data="pictures") == TrainConfig(data="pictures", recipe="best", **RECIPES["best"])


def test_a_run_saved_before_r1_could_be_seldom_goes_on_with_it_at_every_step():
    config = TrainConfig(data="pictures", r1_every=1)
    saved = config.to_dict()
    del saved["r1_every"]
    assert TrainConfig.from_dict(saved) == config


def test_a_run_saved_before_r2_and_beta2_could_be_chosen_goes_on_without_the_one_and_with_pytorchs_other():
    config = TrainConfig(data="pictures", r2_gamma=0.0, beta2=0.999)
    saved = {k: v for k, v in config.to_dict().items() if k not in ("r2_gamma", "beta2")}
    assert TrainConfig.from_dict(saved) == config


@pytest.mark.parametrize(("spectral_norm", "norm"), [(True, "spectral"), (False, "batch")])
def test_what_was_saved_when_ds_norm_was_on_or_off_is_still_read(spectral_norm, norm):
    config = TrainConfig(data="pictures", d_norm=norm)
    saved = {k: v for k, v in config.to_dict().items() if k != "d_norm"} | {"spectral_norm": spectral_norm}
    assert TrainConfig.from_dict(saved) == config
    assert DiscriminatorConfig.from_dict({"spectral_norm": spectral_norm}) == DiscriminatorConfig(norm=norm)


@pytest.mark.parametrize("damage", [1, 0, "spectral", None])
def test_an_older_norm_that_is_neither_on_nor_off_is_refused_by_name(damage):
    for config, others in ((DiscriminatorConfig, {}), (TrainConfig, {"data": "pictures"})):
        with pytest.raises(InputError, match="spectral_norm is .*False, True"):
            config.from_dict(others | {"spectral_norm": damage})


def test_a_norm_and_its_older_name_do_not_go_together():
    with pytest.raises(InputError, match="unknown key 'spectral_norm'"):
        DiscriminatorConfig.from_dict({"norm": "none", "spectral_norm": False})


def test_the_command_of_a_run_names_what_is_default_too_so_that_a_later_default_changes_nothing():
    config = TrainConfig(
        data="my pictures", recipe="plain", **RECIPES["plain"] | {"ema": True}, flip=True, snapshot_epochs=(1, 2)
    )
    assert config.command() == (
        "python train.py --data 'my pictures' --flip --image-size 96 --latent-dim 100 --generator-feature-maps 64 "
        "--discriminator-feature-maps 64 --no-denoising --epochs 66 --snapshot-epochs 1,2 --save-every 1000 "
        "--recipe plain --batch-size 64 --loss bce --d-norm batch --r1-gamma 0.0 --r2-gamma 0.0 --augment '' --ema "
        "--ema-decay 0.9998 --lr-generator 0.0002 --lr-discriminator 0.0002 --lr-decay 0.0 --beta1 0.5 --beta2 0.999 "
        "--d-every 1 --g-every 1 --seed 0 --precision auto"
    )


def test_the_command_of_a_run_names_the_levers_of_a_modern_baseline():
    config = TrainConfig(data="avatars:a", loss="relativistic", d_norm="none", r2_gamma=1.0, beta2=0.99)
    assert config.command() == (
        "python train.py --data avatars:a --data-size 20000 --background white --no-flip --image-size 96 "
        "--latent-dim 100 --generator-feature-maps 64 --discriminator-feature-maps 64 --denoising --epochs 66 "
        "--snapshot-epochs 1,5,10,20,30,40,50,60,65,66 --save-every 1000 --recipe best --batch-size 16 "
        "--loss relativistic --d-norm none --r1-gamma 1.0 --r2-gamma 1.0 --r1-every 4 --augment '' --ema "
        "--ema-decay 0.9998 --lr-generator 0.0008 --lr-discriminator 0.0008 --lr-decay 0.0 --beta1 0.0 --beta2 0.99 "
        "--d-every 1 --g-every 1 --seed 0 --precision auto"
    )


@pytest.mark.slow
def test_config_imports_no_torch():
    code = (
        "import sys, types; package = types.ModuleType('dcgan'); package.__path__ = ['dcgan']\n"
        "sys.modules['dcgan'] = package  # spares the package's own imports\n"
        "import dcgan.config; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

import subprocess
import sys

import pytest

import dcgan

pytestmark = pytest.mark.slow


def test_the_package_offers_just_this():
    assert sorted(dcgan.__all__) == [
        "Discriminator", "Generator", "InputError", "faces", "latent", "latents", "slerp", "walk",
    ]  # fmt: skip
    assert all(hasattr(dcgan, name) for name in dcgan.__all__)


def test_importing_the_programs_starts_nothing():
    code = (
        "import threading, app, train\n"
        "assert threading.active_count() == 1, threading.enumerate()\n"
        "assert train.main and app.main\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_training_imports_no_tracker_that_is_not_asked_for():
    code = "import sys, train; assert not {'trackio', 'tensorboard', 'wandb'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_app_needs_neither_the_training_code_nor_its_packages():
    unwanted = ["dcgan.training", "dcgan.data", "dcgan.avatars", "torchvision", "datasets", "dicebear", "resvg_py"]
    unwanted += ["dcgan.evaluation", "torch_fidelity", "efficientnet_lite_pytorch"]
    code = f"import sys, app; assert not [name for name in {unwanted} if name in sys.modules]"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("module", ["dcgan.avatars", "dcgan.checkpoints", "dcgan.evaluation", "dcgan.hub"])
def test_each_module_with_a_command_line_runs_without_a_warning(module):
    result = subprocess.run([sys.executable, "-m", module, "--help"], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")
    assert f"usage: python -m {module}" in result.stdout

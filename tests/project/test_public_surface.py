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


def test_importing_train_py_starts_nothing_and_imports_no_tracker():
    code = (
        "import sys, threading, train\n"
        "assert threading.active_count() == 1, threading.enumerate()\n"
        "assert not {'trackio', 'tensorboard', 'wandb'} & set(sys.modules)\n"
        "assert train.main\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_importing_the_app_starts_nothing_and_needs_neither_the_training_code_nor_its_packages():
    unwanted = ["dcgan.training", "dcgan.data", "dcgan.avatars", "torchvision", "datasets", "dicebear", "resvg_py"]
    unwanted += ["dcgan.evaluation", "torch_fidelity", "efficientnet_lite_pytorch"]
    code = (
        "import sys, threading, app\n"
        "assert threading.active_count() == 1, threading.enumerate()\n"
        f"assert not [name for name in {unwanted} if name in sys.modules]\n"
        "assert app.main\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize("module", ["dcgan.avatars", "dcgan.checkpoints", "dcgan.evaluation", "dcgan.hub"])
def test_each_module_with_a_command_line_runs_without_a_warning(module):
    result = subprocess.run([sys.executable, "-m", module, "--help"], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")
    assert f"usage: python -m {module}" in result.stdout

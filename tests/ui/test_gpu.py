"""ZeroGPU, as far as it can be had without one: the package that lends GPUs, played by a module of the same name."""

import os
import subprocess
import sys

import pytest

from support.paths import ROOT

pytestmark = pytest.mark.slow

LENDER = """
import sys
assert 'torch' not in sys.modules, 'torch was imported before spaces'
lent = []

def GPU(duration):
    def decorate(function):
        def on_loan(*arguments):
            lent.append(function.__name__)
            return function(*arguments)
        return on_loan
    return decorate
"""
VISIT = """
import app, gradio, tempfile, sys
from pathlib import Path
from types import SimpleNamespace
def visit(blocks, **options):
    blocks.server = SimpleNamespace(config=SimpleNamespace(http_protocol_class=object))
    from dcgan.ui.api import Api
    api = next(f.fn.__self__ for f in blocks.fns.values() if isinstance(getattr(f.fn, '__self__', None), Api))
    api.generate(1, 2, best_of=2), api.avatar(), api.interpolate(frames=8)
    catalog = api.renderer.catalog
    assert set(catalog._generators) == set(catalog._discriminators) == set(catalog.names), 'not all were loaded before'
gradio.Blocks.launch = visit
assert app.main(['--model', sys.argv[1]]) == 0
import spaces
print(sorted(set(spaces.lent)))
"""


def test_on_zero_gpu_every_network_is_loaded_first_and_runs_on_loan(trained_run, tmp_path):
    (tmp_path / "spaces.py").write_text(LENDER)
    environment = os.environ | {"SPACES_ZERO_GPU": "true", "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-c", VISIT, str(trained_run)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "['best_faces', 'faces', 'walk']"

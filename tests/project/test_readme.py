"""What README, requirements and CI say, held against what is so."""

import re
import shlex
import subprocess
from functools import cache
from importlib.metadata import version

import numpy as np
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from PIL import Image

import app
import train
from dcgan.config import config_of
from dcgan.evaluation import __main__ as evaluation
from support import warm
from support.paths import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
BASH = "\n".join(re.findall(r"```bash\n(.*?)```", README, re.DOTALL))
COMMANDS = [
    shlex.split(command, comments=True)
    for line in BASH.splitlines()
    for command in line.split("&&")
    if shlex.split(command, comments=True)
]
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}


def front_matter() -> dict:
    return yaml.safe_load(README.split("---\n")[1])


def test_the_front_matter_is_one_a_space_accepts():
    facts = front_matter()
    known = {"title", "emoji", "colorFrom", "colorTo", "sdk", "sdk_version", "python_version", "app_file",
             "short_description", "models", "datasets", "tags", "thumbnail", "preload_from_hub", "license"}  # fmt: skip
    assert set(facts) <= known
    assert (facts["sdk"], facts["python_version"]) == ("gradio", "3.12")
    assert {facts["colorFrom"], facts["colorTo"]} <= COLOURS
    assert len(facts["short_description"]) <= 60
    assert (ROOT / facts["app_file"]).is_file()


def test_the_spaces_gradio_is_one_the_requirements_allow():
    requirement = next(r for r in requirements("requirements.txt") if r.name == "gradio")
    assert front_matter()["sdk_version"] in requirement.specifier


def requirements(name: str) -> list[Requirement]:
    lines = (ROOT / name).read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-r"))]


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-train.txt", "requirements-dev.txt"])
def test_requirements_have_lower_bounds_only_and_are_met_here(name):
    for requirement in requirements(name):
        assert [s.operator for s in requirement.specifier] == [">="], requirement
        assert version(requirement.name) in requirement.specifier, requirement


def test_what_ci_installs_is_pinned_within_the_bounds():
    pinned = {canonicalize_name(r.name): r for r in requirements("constraints.txt")}
    assert {s.operator for r in pinned.values() for s in r.specifier} == {"=="}
    for name in ("requirements.txt", "requirements-train.txt", "requirements-dev.txt"):
        for requirement in requirements(name):
            (pin,) = pinned[canonicalize_name(requirement.name)].specifier
            assert pin.version in requirement.specifier, requirement


def test_contributing_says_why_each_dependency_is_here():
    table = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("Why each dependency")[1]
    for name in ("requirements.txt", "requirements-train.txt", "requirements-dev.txt"):
        for requirement in requirements(name):
            assert re.search(rf"[| ]{requirement.name}[, |]", table), requirement.name


def test_every_command_in_the_readme_is_one_that_exists():
    programs = {"python", "pip", "make", "hf", "git", ".venv/bin/python"}
    assert {command[0] for command in COMMANDS} <= programs
    for command in COMMANDS:
        if command[:2] == ["pip", "install"]:
            assert (ROOT / command[3]).is_file()
        if command[0] == "make":
            assert f"\n{command[1]}:" in (ROOT / "Makefile").read_text()


@pytest.mark.parametrize("command", [c for c in COMMANDS if c[:2] == ["python", "train.py"]], ids=" ".join)
def test_every_training_command_in_the_readme_is_understood(command):
    given = train.given_options(train.build_parser().parse_args(command[2:]))
    config_of({"data": "pictures"} | given)


@pytest.mark.parametrize("command", [c for c in COMMANDS if c[:2] == ["python", "app.py"]], ids=" ".join)
def test_every_app_command_in_the_readme_is_understood(command):
    app.build_parser().parse_args(command[2:])


@cache
def help_of(*words: str) -> str:
    """Give what `python WORDS --help` prints."""
    command = warm.python(*words, "--help")
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stderr == ""
    return told.stdout


@pytest.mark.slow
@pytest.mark.parametrize("command", [c for c in COMMANDS if c[:2] == ["python", "-m"]], ids=" ".join)
def test_every_module_command_in_the_readme_is_understood(command):
    told = help_of(*command[1:4])
    assert all(word in told for word in command[4:] if word.startswith("--"))


def test_every_option_the_readme_names_exists():
    known = "".join(program.build_parser().format_help() for program in (train, app, evaluation))
    for option in set(re.findall(r"`(--[a-z0-9-]+)", README)):
        assert option in known, option


def paths_in_the_tree() -> set[str]:
    """Every path that the README's tree names, by the indentation of its lines; several may share a line."""
    tree = re.search(r"## The tree\n\n.*?```\n(.*?)```", README, re.DOTALL)[1]
    found, folders = set(), []
    for line in tree.splitlines():
        names = re.match(r" *(\S.*?)(  |$)", line)[1].split(", ")
        depth = (len(line) - len(line.lstrip())) // 2
        folders[depth:] = [names[0]] if names[0].endswith("/") else []
        found |= {"".join(folders[:depth]) + name for name in names}
    return found


@pytest.mark.slow
def test_the_tree_names_every_module_and_no_other():
    named = {path for path in paths_in_the_tree() if path.startswith("dcgan/")}
    files = {
        path.relative_to(ROOT) for path in (ROOT / "dcgan").rglob("*") if path.suffix in (".py", ".md", ".css", ".js")
    }
    doors = {"__init__.py", "__main__.py"}  # a room's door and its command, which the text explains
    inside = {path.as_posix() for path in files if path.name not in doors}
    rooms = {f"{path.parent.as_posix()}/" for path in files if path.name == "__init__.py"}
    assert named == inside | rooms | {"dcgan/__init__.py"}
    for path in paths_in_the_tree() - named:
        assert list(ROOT.glob(path.rstrip("/"))), path


def test_every_local_link_leads_somewhere():
    for link in re.findall(r"\]\(([^)]+)\)", README):
        if not link.startswith("http"):
            assert (ROOT / link).exists(), link


def test_ci_calls_the_readmes_test_command():
    assert "make test" in BASH
    assert "\nmake test\n" in (ROOT / ".ci" / "run").read_text()


@pytest.mark.slow
def test_the_readmes_five_lines_draw_a_face(tmp_path):
    snippet = next(s for s in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "from_pretrained" in s)
    snippet = snippet.replace("42.png", str(tmp_path / "42.png"))
    subprocess.run(warm.python("-c", snippet), cwd=ROOT, check=True)
    assert np.asarray(Image.open(tmp_path / "42.png")).shape == (96, 96, 3)


@pytest.mark.slow
def test_nothing_names_a_path_of_somebodys_machine():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in tracked.split("\n"):
        if name.endswith((".md", ".json", ".jsonl", ".toml", ".txt")):
            assert not re.search(r"/(home|root|Users)/\w", (ROOT / name).read_text(encoding="utf-8")), name

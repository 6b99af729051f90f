"""Who imports whom: every import in the code, lazy ones included, held against one table."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from support.paths import ROOT

GROUND = {
    "layout",
    "limits",
    "names",
    "config",
    "network_config",
    "options",
    "errors",
    "files",
    "cli",
    "parallel",
    "environment",
}
# A room or file, and those right below it; it may use whatever lies below these, too.
BELOW = {
    "latents": GROUND,
    "expressions": {"latents"},
    "images": GROUND,
    "hub": GROUND,
    "denoising": GROUND,
    "models": {"hub", "denoising"},
    "folding": {"models", "latents"},
    "sampling": {"folding", "images"},
    "data": {"images"},
    "checkpoints": {"models"},
    "training": {"data", "checkpoints", "sampling"},
    "evaluation": {"data", "checkpoints", "sampling"},
    "publish": {"checkpoints", "hub"},
    "gallery": {"checkpoints", "hub", "sampling", "expressions"},
    "ui": {"gallery"},
    "app": {"ui"},
    "train": {"training", "publish"},
}
ROOMS = {path.parent.name for path in (ROOT / "dcgan").glob("*/__init__.py")}
# These and the __main__ of a room may use any room but ui.
COMMANDS = {"avatars", "denoise", "directions", "portraits", "social_card", "options_page"}
MODULES_AS_NAMES = {
    "data.avatars",
    "data.picture_folder",
    "data.portraits",
}  # imported whole: `avatars.render(...)` reads best
ONLY_FOR_TRAINING = {"training", "data", "evaluation", "publish"}


def sources() -> dict[str, Path]:
    """Every module of the code by its dotted name, without `dcgan.`."""
    found = {
        ".".join(path.relative_to(ROOT / "dcgan").with_suffix("").parts): path
        for path in (ROOT / "dcgan").rglob("*.py")
    }
    found = {name.removesuffix(".__init__"): path for name, path in found.items()}
    return found | {"app": ROOT / "app.py", "train": ROOT / "train.py"}


SOURCES = sources()


def imports_of(name: str) -> set[str]:
    """The modules of ours that a module imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(SOURCES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: an import says where it begins"
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            modules = {each for each in inner if each.removeprefix("dcgan.") in SOURCES}
            found |= modules or {node.module}
    ours = {each.removeprefix("dcgan.") for each in found if each == "dcgan" or each.startswith("dcgan.")}
    return {"__init__" if each == "dcgan" else each for each in ours}


IMPORTS = {name: imports_of(name) for name in SOURCES}


def room(name: str) -> str:
    return name.split(".")[0]


def everything_below(name: str) -> set[str]:
    below = set(BELOW.get(name, ()))
    for each in BELOW.get(name, ()):
        below |= everything_below(each)
    return below


def is_command(name: str) -> bool:
    return name in COMMANDS or name.endswith(".__main__")


def test_the_table_names_every_room_and_file():
    known = GROUND | set(BELOW) | COMMANDS | {"__init__"}
    assert {room(name) for name in SOURCES} == known
    assert set(BELOW) - {"app", "train"} >= ROOMS


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_a_module_imports_only_what_lies_below_it(name):
    if name == "__init__":
        return
    own, allowed = room(name), everything_below(room(name))
    if own in GROUND:
        allowed = GROUND
    elif is_command(name):
        allowed = (set(BELOW) | GROUND) - {"ui", "app", "train"}
    strangers = {each for each in IMPORTS[name] if room(each) not in allowed | {own}}
    assert not strangers, f"{name} must not import {', '.join(sorted(strangers))}"


def test_no_imports_go_in_a_circle_not_even_lazy_ones():
    TopologicalSorter({name: IMPORTS[name] - {name} for name in SOURCES}).prepare()  # raises CycleError, which names it


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_a_room_is_entered_by_its_door(name):
    inside = {each for each in IMPORTS[name] if room(each) in ROOMS - {"ui"} and room(each) != room(name)}
    deep = {each for each in inside if "." in each}
    assert not deep or is_command(name) or deep <= MODULES_AS_NAMES, f"{name} reaches past the door: {deep}"


def test_only_the_page_knows_gradio_and_only_the_hub_its_client():
    knows = {package: set() for package in ("gradio", "huggingface_hub")}
    for name, path in SOURCES.items():
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for package in knows:
                if any(each.split(".")[0] == package for each in names):
                    knows[package].add(room(name))
    assert knows["gradio"] == {"app", "ui"}
    assert knows["huggingface_hub"] == {"hub", "models"}


def test_the_app_never_reaches_what_only_training_needs():
    reached, waiting = set(), ["app"]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += [each for each in IMPORTS[name] if each in SOURCES]
    assert not {room(name) for name in reached} & ONLY_FOR_TRAINING

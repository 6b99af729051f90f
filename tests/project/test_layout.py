"""The names of a checkpoint folder's files stand in dcgan/layout.py, and nowhere else in the code."""

import ast
from collections.abc import Iterator

import pytest

from dcgan import layout
from support.paths import ROOT

FILES = (
    "config.json", "model.safetensors", "training.json", "evaluation.json", "metrics.jsonl", "README.md", "losses.png",
    "latest.png", "timelapse.gif", "neighbours.png", "state.json", "state.safetensors", "verdicts.json", "epoch-",
    "directions.safetensors",
)  # fmt: skip
FOLDERS = ("discriminator", "epochs", "samples", "state", "eye", "tensorboard")  # words with other meanings, too
ELSEWHERE = {"dcgan/layout.py", "dcgan/data/table_sources.py"}  # which knows the files of others' data sets
NOT_YET = {"dcgan/training/run.py"}  # until its parts have modules of their own
SOURCES = sorted(
    path
    for path in (
        *(ROOT / "dcgan").rglob("*.py"),
        *(ROOT / "benchmarks").glob("*.py"),
        ROOT / "app.py",
        ROOT / "train.py",
    )
    if path.relative_to(ROOT).as_posix() not in ELSEWHERE | NOT_YET
)


def texts(tree: ast.AST) -> Iterator[ast.Constant]:
    """The strings of a module, those in f-strings included, without its docstrings."""
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node


def as_paths(tree: ast.AST) -> Iterator[ast.AST]:
    """What is part of a path: operands of `/`, what a name is held against, subfolders."""
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            yield from (node.left, node.right)
        elif isinstance(node, ast.Compare) and isinstance(node.left, ast.Attribute) and node.left.attr == "name":
            yield from node.comparators
        elif isinstance(node, ast.keyword) and node.arg == "subfolder":
            yield node.value


def spelled_out(source: str) -> list[str]:
    """The names of a checkpoint folder's files that a module has as strings of its own."""
    tree = ast.parse(source)
    found = [each.value for each in texts(tree) if any(name in each.value for name in FILES)]
    found += [each.value for each in texts(tree) if each.value.startswith(tuple(f"{name}/" for name in FOLDERS))]
    return found + [each.value for each in as_paths(tree) if isinstance(each, ast.Constant) and each.value in FOLDERS]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_other_module_spells_the_name_of_a_file_of_a_checkpoint_folder(path):
    assert not spelled_out(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "line",
    ['x / "samples"', '"state" / x', 'f"epochs/{x}"', 'f"{x}/training.json"', 'f"epoch-{x}"', 'x.name == "state"',
     'load(x, subfolder="discriminator")', '"samples/*"'],
)  # fmt: skip
def test_a_name_that_is_spelled_out_is_found(line):
    assert spelled_out(f"y = {line}")


@pytest.mark.parametrize("line", ['"""Writes x/training.json."""', 'y = x["samples"]', 'y = {"discriminator": 1}'])
def test_words_that_are_no_file_are_left_alone(line):
    assert not spelled_out(line)


def test_a_snapshots_name_is_made_told_and_read_in_one_way():
    for epoch, name in ((1, "epoch-0001"), (9999, "epoch-9999"), (12345, "epoch-12345")):
        assert layout.snapshot_name(epoch) == name
        assert layout.is_snapshot(name)
        assert layout.epoch_of(name) == epoch
        assert layout.is_sample(layout.sample_name(name))


@pytest.mark.parametrize(
    "name", ["", "epoch-", "epoch-001", "epoch-00001x", "xepoch-0001", ".epoch-0001.partial", "epoch-٠٠٠١"]
)
def test_other_names_are_no_snapshots(name):
    assert not layout.is_snapshot(name)
    assert not layout.is_sample(layout.sample_name(name))
    with pytest.raises(ValueError, match="isn't named as a snapshot is"):
        layout.epoch_of(name)


@pytest.mark.parametrize("name", ["a", "hair_hue", "x2_", "x" * 24])
def test_a_direction_is_a_short_name_in_small_letters(name):
    assert layout.is_direction(name)


@pytest.mark.parametrize("name", ["", "A", "2x", "_a", "a-b", "ä", "a\n", "x" * 25])
def test_other_names_are_no_directions(name):
    assert not layout.is_direction(name)


@pytest.mark.parametrize("path", ["samples/latest.png", "samples/epoch-0001.gif", "epochs/epoch-0001"])
def test_other_files_are_no_snapshots_samples(path):
    assert not layout.is_sample(path)

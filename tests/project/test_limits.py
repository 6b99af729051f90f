"""Nothing grows so large that it can't be taken in: files, classes and functions are held against limits."""

import ast

import pytest

from support.paths import ROOT

MAX_LINES = {ast.ClassDef: 200, ast.FunctionDef: 50, ast.AsyncFunctionDef: 50}
MAX_FILE_LINES = 400
FILES = [ROOT / "app.py", ROOT / "train.py", *(ROOT / "dcgan").rglob("*.py"), *(ROOT / "benchmarks").glob("*.py")]


@pytest.mark.parametrize("path", sorted(FILES), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_classes_and_functions_stay_small(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= MAX_FILE_LINES
    for node in ast.walk(ast.parse(text)):
        if type(node) in MAX_LINES:
            lines = node.end_lineno - node.lineno + 1
            assert lines <= MAX_LINES[type(node)], f"{node.name} has {lines} lines"

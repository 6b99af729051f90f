"""This project as a Space: what the page needs of it, brought to the Hub in one commit."""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from dcgan.errors import InputError, OccupiedError
from dcgan.hub import MAIN, Repository, persistently
from dcgan.layout import BUNDLED, CARD_NAME, CHECKPOINTS, STATES

PACKAGE, PROGRAM, SOCIAL_CARD = "dcgan", "app.py", "docs/social-card.png"
SINGLE_FILES = (PROGRAM, "requirements.txt", CARD_NAME, "LICENSE", SOCIAL_CARD)
OWNED = (PACKAGE, *(f"{CHECKPOINTS}/{name}" for name in BUNDLED))  # folders in which nothing else may lie
THUMBNAIL = re.compile(r"^(thumbnail: \S+/spaces/)[^/\s]+/[^/\s]+/", re.MULTILINE)
Contents = dict[str, Path | bytes]  # by path in the Space


def push_space(root: Path, space: Repository, private: bool, tell: Callable[[str], object] = print) -> None:
    """Make a Space what the project in `root` is, and create it if need be; nothing is sent where it is that already.

    Raises:
        InputError: `root` isn't the whole project.
        HubError: the Hub can't do it, or the Space is of something else; nothing is half done.
    """
    contents = contents_of_space(root, space.id)

    def attempt() -> None:
        space.create(private)
        head = space.refs().branches[MAIN]
        there = space.files(head)
        _refuse_anothers(space, there)
        stale = [path for path in there if _is_owned(path) and path not in contents]
        space.commit(contents, "The page as it is", "", head, delete=stale)

    persistently(attempt, space.patience.waits, time.sleep, lambda words: tell(f"{space.id}: {words}"))


def contents_of_space(root: Path, repo_id: str) -> Contents:
    """Collect what the page needs: its code, its requirements, the bundled checkpoints and a README that names it.

    Raises:
        InputError: some of that is missing.
    """
    files = [root / name for name in SINGLE_FILES]
    files += needed_code(root)
    for folder in (root / CHECKPOINTS / name for name in BUNDLED):
        files += [path for path in _files_in(folder) if path.relative_to(folder).parts[0] != STATES] or [folder]
    if missing := next((path for path in files if not path.is_file()), None):
        raise InputError(
            f"there is no {missing.relative_to(root)} in {root}; make the Space from a whole copy of the repository."
        )
    contents: Contents = {path.relative_to(root).as_posix(): path for path in files}
    readme = (root / CARD_NAME).read_text(encoding="utf-8")
    contents[CARD_NAME] = THUMBNAIL.sub(rf"\g<1>{repo_id}/", readme, count=1).encode()
    return contents


def needed_code(root: Path) -> list[Path]:
    """Find the modules of the package that the page imports, however indirectly, and what else lies beside them."""
    found: set[Path] = set()
    waiting = [root / PROGRAM]
    while waiting:
        path = waiting.pop()
        if path in found or not path.is_file():
            continue
        found.add(path)
        waiting += _imported_by(path, root)
    rooms = {path.parent for path in found} - {root}
    beside = (path for room in rooms for path in _files_in(room) if path.suffix != ".py" and path.parent == room)
    return sorted(found - {root / PROGRAM} | set(beside))


def _imported_by(path: Path, root: Path) -> Iterator[Path]:
    """Name the files that could be behind the imports of ours in a file: modules, and the doors on the way to them."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for parts in (name.split(".") for name in names):
            if parts[0] == PACKAGE:
                for length in range(1, len(parts) + 1):
                    module = root.joinpath(*parts[:length])
                    yield from (module.with_suffix(".py"), module / "__init__.py")


def _files_in(folder: Path) -> list[Path]:
    hidden = ("__pycache__", ".")
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [path for path in paths if not any(part.startswith(hidden) for part in path.relative_to(folder).parts)]


def _is_owned(path: str) -> bool:
    return path.startswith(tuple(f"{folder}/" for folder in OWNED))


def _refuse_anothers(space: Repository, there: Mapping[str, int]) -> None:
    if PROGRAM in there and f"{PACKAGE}/__init__.py" not in there:
        raise OccupiedError(f"{space.id} holds another app already; name another Space.")

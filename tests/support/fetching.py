"""Faces of a repository, drawn by a client with a cache of its own, and what that leaves there."""

import hashlib
from pathlib import Path

from dcgan import faces
from dcgan.checkpoints import load_generator
from dcgan.hub.client import has_hash

# For support.hub_client.python
SCRIPT = """
import hashlib
from dcgan import Generator, InputError, faces
from dcgan.hub import Patience

def fetched(patience=Patience(timeout=2), **options):
    try:
        generator = Generator.from_pretrained("alice/faces", patience=patience, **options)
    except InputError as error:
        return str(error)
    return hashlib.sha256(faces(generator, [1, 2, 3]).tobytes()).hexdigest()
"""


def summary(folder: Path, snapshot: str | None = None) -> str:
    return hashlib.sha256(faces(load_generator(folder, snapshot), [1, 2, 3]).tobytes()).hexdigest()


def assert_intact(cache: Path) -> None:
    """All that is cached has the hash that it is named by, and nothing lies elsewhere."""
    files = [path for path in cache.rglob("*") if path.is_file() and not {"refs", ".locks"} & set(path.parts)]
    for path in files:
        name = path.resolve().name
        assert path.resolve().is_relative_to(cache.resolve()), path
        if "models--alice--faces" in path.parts:
            assert path.parent.name == "trees" or (len(name) in (40, 64) and has_hash(path, name)), path

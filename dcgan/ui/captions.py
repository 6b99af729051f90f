"""What a face is called."""

from __future__ import annotations

from pathlib import Path

from dcgan.expressions import AnyFace, shortened
from dcgan.gallery import Face
from dcgan.ui.texts import say


def captioned(faces: list[Face]) -> list[tuple[Path, str]]:
    """Caption faces for a gallery: the seed or the expression below each."""
    return [(face.path, shortened(str(face.expression))) for face in faces]


def title_of(language: str, face: AnyFace) -> str:
    """Name a face."""
    if isinstance(face, int):
        return say(language, "face-title", seed=face)
    return say(language, "expression-title", face=shortened(face))


def alt_of(language: str, face: AnyFace) -> str:
    """Say what a picture of a face shows, for those who don't see it."""
    if isinstance(face, int):
        return say(language, "face-alt", seed=face)
    return say(language, "expression-alt", face=shortened(face))

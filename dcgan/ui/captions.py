"""What stands below a face."""

from __future__ import annotations

from pathlib import Path

from dcgan.gallery import Face


def captioned(faces: list[Face]) -> list[tuple[Path, str]]:
    """Caption faces for a gallery: the seed below each."""
    return [(face.path, str(face.seed)) for face in faces]

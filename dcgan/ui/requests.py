"""From what visitors and API clients typed to what can be drawn; the rest is refused with a sentence."""

from __future__ import annotations

from dataclasses import dataclass

from dcgan.errors import NothingChoosesError
from dcgan.gallery import (
    COUNT,
    FORMAT,
    FPS,
    FRAMES,
    GRID,
    LIMIT,
    METHOD,
    MODE,
    NAME,
    PSI,
    SEED,
    SIZE,
    Face,
    Number,
    PictureSpec,
    Renderer,
)
from dcgan.ui.inputs import RefusedError, choice, number

BEST_OF = Number(1, 16, 1)
NO_LIMIT = 0  # of a walk's megabytes; it still has to be one that the page can read back


@dataclass(frozen=True)
class FacesRequest:
    """Faces, chosen from `best_of` times as many."""

    spec: PictureSpec
    best_of: int = 1


def faces_request(
    *, seed: object, checkpoint: object, psi: object, count: object = 1, best_of: object = 1
) -> FacesRequest:
    """Read what was typed for faces.

    Raises:
        RefusedError: a value outside its bounds.
    """
    spec = PictureSpec(
        checkpoint=NAME.clean(checkpoint),
        seed=number("the-seed", SEED, seed),
        count=number("the-count", COUNT, count),
        psi=number("the-psi", PSI, psi),
    )
    return FacesRequest(spec, number("the-best-of", BEST_OF, best_of))


def walk_spec(
    *,
    seeds: tuple[int, ...],
    checkpoint: object,
    frames: object,
    fps: object,
    mode: object,
    method: object,
    grid: object,
    psi: object,
    format: object,
    size: object,
    limit: object,
) -> PictureSpec:
    """Read what was typed for a walk; `seeds` are read by `inputs.keyframes`.

    Raises:
        RefusedError: a value outside its bounds.
    """
    return PictureSpec(
        "walk",
        checkpoint=NAME.clean(checkpoint),
        seeds=seeds,
        frames=number("the-frames", FRAMES, frames),
        fps=number("the-fps", FPS, fps),
        mode=choice("the-mode", MODE, mode),
        method=choice("the-method", METHOD, method),
        grid=choice("the-grid", GRID, grid),
        psi=number("the-psi", PSI, psi),
        format=choice("the-format", FORMAT, format),
        size=number("the-size", SIZE, size),
        limit=choice("the-limit", LIMIT, None if str(limit) == str(NO_LIMIT) else limit),
    )


def draw_faces(renderer: Renderer, request: FacesRequest) -> tuple[PictureSpec, list[Face]]:
    """Draw by `Renderer.faces`; where nothing could choose the best, that is said in words for visitors.

    Raises:
        InputError: as `Renderer.faces`.
    """
    try:
        return renderer.faces(request.spec, request.best_of)
    except NothingChoosesError:
        name = request.spec.checkpoint or renderer.catalog.default
        raise RefusedError("nothing-chooses", name=name) from None

"""From what visitors and API clients typed to what can be drawn; the rest is refused with a sentence."""

from __future__ import annotations

from dataclasses import dataclass

from dcgan.errors import NothingChoosesError
from dcgan.expressions import AnyFace, canonical, shortened
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
    SCALING,
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
    *, seed: object, checkpoint: object, psi: object, count: object = 1, best_of: object = 1, face: object = ""
) -> FacesRequest:
    """Read what was typed for faces; where a `face` was, it wins over seed and count.

    Raises:
        InputError: a value outside its bounds, or no face.
    """
    spec = PictureSpec(
        checkpoint=NAME.clean(checkpoint),
        seed=number("the-seed", SEED, seed),
        count=number("the-count", COUNT, count),
        psi=number("the-psi", PSI, psi),
        face=str(canonical(str(face).strip())) if face is not None and str(face).strip() else "",
    )
    return FacesRequest(spec, number("the-best-of", BEST_OF, best_of))


def walk_spec(
    *,
    seeds: tuple[AnyFace, ...],
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
    scaling: object = SCALING.default,
) -> PictureSpec:
    """Read what was typed for a walk; `seeds` are read by `inputs.keyframes`.

    Raises:
        RefusedError: a value outside its bounds, or a grid of walks through more than seeds.
    """
    grid = choice("the-grid", GRID, grid)
    expression = next((face for face in seeds if isinstance(face, str)), None)
    if grid > 1 and expression is not None:
        raise RefusedError("grid-of-seeds", face=shortened(expression))
    return PictureSpec(
        "walk",
        checkpoint=NAME.clean(checkpoint),
        seeds=seeds,
        frames=number("the-frames", FRAMES, frames),
        fps=number("the-fps", FPS, fps),
        mode=choice("the-mode", MODE, mode),
        method=choice("the-method", METHOD, method),
        grid=grid,
        psi=number("the-psi", PSI, psi),
        format=choice("the-format", FORMAT, format),
        size=number("the-size", SIZE, size),
        limit=choice("the-limit", LIMIT, None if str(limit) == str(NO_LIMIT) else limit),
        scaling=choice("the-scaling", SCALING, scaling),
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

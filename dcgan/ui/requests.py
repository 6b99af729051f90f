"""From what visitors and API clients typed to what can be drawn; the rest is refused with a sentence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dcgan.errors import NothingChoosesError
from dcgan.expressions import DIGITS, MAX_AMOUNT, MIN_AMOUNT, AnyFace, canonical, shortened
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
    Studio,
    of_one_face,
)
from dcgan.limits import MAX_DIRECTIONS
from dcgan.ui.inputs import RefusedError, choice, number, one_face

BEST_OF = Number(1, 16, 1)
SHARE = Number(0.0, 1.0, 0.5, digits=DIGITS)  # how far a mix goes to the second face
FRAMES_BETWEEN = 33  # of a mix: 32 steps, of which each is seen and none jumps
VARIATIONS = 9  # of a face, which fill a square
STEP = Number(0.01, 1.0, 0.2, digits=DIGITS)  # of a variation: a smaller one isn't seen
AMOUNT = Number(MIN_AMOUNT, MAX_AMOUNT, 1.0, digits=DIGITS)
MOVED_TO = [3 * (place / 16 - 1) for place in range(33)]  # amounts along a direction: each step is seen, none jumps
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


def mixed_face(renderer: Renderer, *, a: object, b: object, t: object, checkpoint: object) -> PictureSpec:
    """Read what was typed for a mix of two faces, and make it.

    Raises:
        InputError: a value outside its bounds, or no face of the checkpoint.
    """
    studio = _studio(renderer, checkpoint)
    return _of(checkpoint, studio.mix(one_face(a), one_face(b), number("the-share", SHARE, t)))


def steered_face(
    renderer: Renderer, *, face: object, direction: object, amount: object, checkpoint: object
) -> PictureSpec:
    """Read what was typed for a step along a direction, and make the face there.

    Raises:
        InputError: a value outside its bounds, no such direction, or no face of the checkpoint.
    """
    studio = _studio(renderer, checkpoint)
    steered = studio.steer(one_face(face), str(direction).strip(), number("the-amount", AMOUNT, amount))
    return _of(checkpoint, steered)


def added_up_face(renderer: Renderer, *, a: object, minus: object, plus: object, checkpoint: object) -> PictureSpec:
    """Read what was typed for `a` - `minus` + `plus`, and make that face.

    Raises:
        InputError: no face of the checkpoint, or nothing is left of the three.
    """
    studio = _studio(renderer, checkpoint)
    return _of(checkpoint, studio.arithmetic(one_face(a), one_face(minus), one_face(plus)))


def varied_faces(
    renderer: Renderer,
    *,
    face: object,
    checkpoint: object,
    seed: object,
    count: object = VARIATIONS,
    amount: object = STEP.default,
    psi: object = PSI.default,
) -> PictureSpec:
    """Read what was typed for variations of a face, and make them.

    Raises:
        InputError: a value outside its bounds, or no face of the checkpoint.
    """
    name, parent = NAME.clean(checkpoint) or renderer.catalog.default, one_face(face)
    many, step = number("the-count", COUNT, count), number("the-amount", STEP, amount)
    first, truncation = number("the-seed", SEED, seed), number("the-psi", PSI, psi)

    def draw(faces: list[AnyFace]) -> np.ndarray:
        return renderer.pixels(name, faces, truncation)

    varied = _studio(renderer, name).variations(parent, many, step, first, draw)
    return PictureSpec(checkpoint=name, seeds=tuple(varied), psi=truncation)


def faces_between(renderer: Renderer, *, a: object, b: object, checkpoint: object, psi: object) -> PictureSpec:
    """Read what was typed for two faces, and make those between them, which both belong to.

    Raises:
        InputError: a value outside its bounds, no face of the checkpoint, or twice the same.
    """
    first, second = one_face(a), one_face(b)
    if first == second:
        raise RefusedError("mix-with-itself", face=shortened(str(first)))
    between = _studio(renderer, checkpoint).between(first, second, FRAMES_BETWEEN)
    return PictureSpec(checkpoint=NAME.clean(checkpoint), seeds=tuple(between), psi=number("the-psi", PSI, psi))


def moves_in(moves: object) -> list[tuple[str, float]]:
    """Read the directions and amounts that a browser sent; whatever else it may send is left out."""
    pairs = [move for move in moves if isinstance(move, list) and len(move) == 2] if isinstance(moves, list) else []
    return [(str(name), AMOUNT.clean(amount)) for name, amount in pairs[:MAX_DIRECTIONS]]


def steered_so(renderer: Renderer, face: PictureSpec, moves: list[tuple[str, float]]) -> PictureSpec:
    """Make the face at the end of several steps along directions; those of no length are left out.

    Raises:
        InputError: no such direction.
    """
    studio, steered = _studio(renderer, face.checkpoint), face.shown[0]
    for name, amount in moves:
        if amount:
            steered = studio.steer(steered, name, amount)
    return of_one_face(face, steered)


def faces_steered(renderer: Renderer, face: PictureSpec, moves: list[tuple[str, float]], name: str) -> list[AnyFace]:
    """Make the faces at each of MOVED_TO along one of the directions, which is among the moves or comes after them.

    Raises:
        InputError: no such direction.
    """
    moves = moves if name in dict(moves) else [*moves, (name, 0.0)]
    return [
        steered_so(renderer, face, [(each, amount if each == name else own) for each, own in moves]).shown[0]
        for amount in MOVED_TO
    ]


def _studio(renderer: Renderer, checkpoint: object) -> Studio:
    return Studio(renderer.catalog, NAME.clean(checkpoint))


def _of(checkpoint: object, face: AnyFace) -> PictureSpec:
    return PictureSpec(checkpoint=NAME.clean(checkpoint), face=str(face))

"""A face as a short text, where a seed can't say it: mixed, added up, moved along a named direction, or spelled out.

    7                       the face of seed 7, which is the shortest expression
    7:42@0.35               on the arc from 7 to 42, at 0.35 (slerp: Shoemake 1985, White 2016)
    7-12+42                 arithmetic (Radford et al. 2015), brought back to the length sqrt(latent_dim)
    7~hair_hue=1.2          a step along one of the checkpoint's named directions
    z.BASE64                the latent itself: float16, little-endian, with `.` and `_` for `+` and `/`

A face is a seed or a latent, then steps, read from left to right. Those along directions come last.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dcgan.errors import InputError
from dcgan.latents import SEEDS, latent, on_sphere, slerp, step_along
from dcgan.layout import is_direction
from dcgan.limits import MAX_EXPRESSION_CHARACTERS, MAX_LATENTS, MAX_STEPS, MAX_WRITTEN_DIM

MIN_AMOUNT, MAX_AMOUNT = -5.0, 5.0
DIGITS = 4  # after the point

AnyFace = int | str  # a seed, or the text of what is more than a seed
Start = int | bytes  # a seed, or a latent as float16
_FLOAT16 = np.dtype("<f2")
_TO_TEXT, _FROM_TEXT = bytes.maketrans(b"+/", b"._"), str.maketrans("._", "+/")
_NUMBER = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,4})?")
_FACE = r"[^-:+~@]*"  # a seed or a latent, up to the next step
_STEP = re.compile(
    rf":(?P<end>{_FACE})@(?P<t>{_FACE})|(?P<sign>[-+])(?P<term>{_FACE})|~(?P<name>[^=~]*)=(?P<amount>-?{_FACE})"
)


@dataclass(frozen=True)
class Mix:
    """A step `:end@t` along the arc to a face; `t` from 0 to 1."""

    end: Start
    t: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "t", _within_bounds(self.t, 0, 1, "T, how far a face goes to another,"))

    def __str__(self) -> str:
        return f":{_written(self.end)}@{_digits(self.t)}"


@dataclass(frozen=True)
class Term:
    """A step `+face` or `-face`."""

    face: Start
    is_added: bool

    def __str__(self) -> str:
        return f"{'+' if self.is_added else '-'}{_written(self.face)}"


@dataclass(frozen=True)
class Move:
    """A step `~name=amount` along a named direction; the amount is from -5 to 5."""

    direction: str
    amount: float

    def __post_init__(self) -> None:
        if not is_direction(self.direction):
            raise InputError(
                f"{shortened(self.direction)!r} is no direction's name, which has up to 24 of a-z, 0-9 and _, a letter "
                "first; write ~NAME=AMOUNT"
            )
        object.__setattr__(
            self, "amount", _within_bounds(self.amount, MIN_AMOUNT, MAX_AMOUNT, "the AMOUNT of a direction")
        )

    def __str__(self) -> str:
        return f"~{self.direction}={_digits(self.amount)}"


@dataclass(frozen=True)
class Expression:
    """A face: where it starts, and the steps from there. `str` writes it in the one way in which we write it.

    Raises:
        InputError: more than 8 steps, 4 latents or 4,000 characters; or another step after one along a direction.
    """

    start: Start
    steps: tuple[Mix | Term | Move, ...] = ()

    def __post_init__(self) -> None:
        if len(self.steps) > MAX_STEPS:
            raise InputError(f"{len(self.steps)} steps are more than {MAX_STEPS}; leave some out")
        if (count := sum(isinstance(face, bytes) for face in self._faces)) > MAX_LATENTS:
            raise InputError(f"{count} latents are more than {MAX_LATENTS}; use seeds in place of some")
        moves = [isinstance(step, Move) for step in self.steps]
        if moves != sorted(moves):
            raise InputError("steps along directions come last; write ~NAME=AMOUNT after all others")
        if (length := len(str(self))) > MAX_EXPRESSION_CHARACTERS:
            raise InputError(f"{length:,} characters are more than {MAX_EXPRESSION_CHARACTERS:,}; take fewer latents")

    def __str__(self) -> str:
        return "".join(map(str, (_written(self.start), *self.steps)))

    @property
    def face(self) -> AnyFace:
        """The seed of a face that is no more than that, else the text."""
        return self.start if isinstance(self.start, int) and not self.steps else str(self)

    @property
    def moves(self) -> bool:
        """Whether it needs the directions of a checkpoint."""
        return any(isinstance(step, Move) for step in self.steps)

    @property
    def _faces(self) -> list[Start]:
        ends = (step.end if isinstance(step, Mix) else step.face for step in self.steps if not isinstance(step, Move))
        return [self.start, *ends]


def parse(face: AnyFace) -> Expression:
    """Read a seed or a text as an expression.

    Raises:
        InputError: it is none; says where it goes wrong and what would work.
    """
    text = str(face)
    try:
        if len(text) > MAX_EXPRESSION_CHARACTERS:
            raise InputError(
                f"{len(text):,} characters are more than {MAX_EXPRESSION_CHARACTERS:,}; use seeds in place of latents"
            )
        start = re.match(_FACE, text)
        begun = start.end() if start else 0
        return Expression(_face(text[:begun]), tuple(_steps(text, begun)))
    except InputError as error:
        raise InputError(f"{shortened(text)!r} is no face: {error}.") from None


def canonical(face: AnyFace) -> AnyFace:
    """Give a face as we write it: an int where it is a seed alone.

    Raises:
        InputError: it is none.
    """
    return parse(face).face


def to_latent(expression: Expression, directions: Mapping[str, Tensor], latent_dim: int) -> Tensor:
    """Make the latent z `(latent_dim,)`, float32, of an expression.

    That of a seed alone is exactly `latents.latent`; all else is computed in float64 on the CPU and rounded once.
    `directions` are the checkpoint's, each `(latent_dim,)`.

    Raises:
        InputError: an unknown direction, a latent of another length, or a sum of length 0.
    """
    if isinstance(expression.face, int):
        return latent(expression.face, latent_dim)
    try:
        return _computed(expression, directions, latent_dim).float()
    except InputError as error:
        raise InputError(f"{shortened(str(expression))} can't be drawn: {error}") from None


def spelled_out(z: Tensor) -> Expression:
    """Write a latent `(D,)`, D up to 512, as an expression that is itself, rounded to float16.

    Raises:
        InputError: a longer one, or one with a number that float16 hasn't.
    """
    if len(z) > MAX_WRITTEN_DIM:
        raise InputError(f"a latent of {len(z)} numbers is too long for a text, which holds {MAX_WRITTEN_DIM}.")
    numbers = z.to(torch.float16)
    if not bool(numbers.isfinite().all()):
        raise InputError("a latent with a number above 65504, or with one that is none, can't be written as a text.")
    return Expression(numbers.numpy().astype(_FLOAT16).tobytes())


def the_direction(name: str, directions: Mapping[str, Tensor]) -> Tensor:
    """Find a direction `(latent_dim,)`, as float64, among those of a checkpoint.

    Raises:
        InputError: there is none of that name; says which there are.
    """
    if name not in directions:
        known = f"it has {', '.join(sorted(directions))}" if directions else "it has none"
        raise InputError(f"this checkpoint has no direction {shortened(name) or 'without a name'}; {known}.")
    return directions[name].double()


def mixed(a: Expression, b: Expression, t: float) -> Expression | None:
    """Write the face on the arc from `a` to `b` at `t`; None where it takes more than an expression can say."""
    if not b.steps:
        return _with_steps(a, Mix(b.start, t))
    return _with_steps(b, Mix(a.start, 1 - t)) if not a.steps else None


def added_up(a: Expression, minus: Expression, plus: Expression) -> Expression | None:
    """Write `a` - `minus` + `plus`; None where it takes more than an expression can say.

    After a sum it does: the two would be one, brought to the length sqrt(latent_dim) only at its end.
    """
    is_sum = bool(a.steps) and isinstance(a.steps[-1], Term)
    if minus.steps or plus.steps or is_sum:
        return None
    return _with_steps(a, Term(minus.start, False), Term(plus.start, True))


def moved(face: Expression, direction: str, amount: float) -> Expression | None:
    """Write a face that goes along a direction; None where it would be a ninth step.

    Raises:
        InputError: no name of a direction, or an amount outside -5 to 5.
    """
    return _with_steps(face, Move(direction, amount))


def shortened(text: str, most: int = 40) -> str:
    """Cut a text that is too long for a sentence, in its middle: faces that are alike often begin alike."""
    end = most // 2 - 1
    return text if len(text) <= most else f"{text[: most - 1 - end]}…{text[-end:]}"


def _with_steps(face: Expression, *steps: Mix | Term | Move) -> Expression | None:
    try:
        return Expression(face.start, (*face.steps, *steps))
    except InputError:
        return None


def _steps(text: str, begun: int) -> list[Mix | Term | Move]:
    """Read the steps that begin at a place of the text, in their order."""
    steps: list[Mix | Term | Move] = []
    while begun < len(text):
        found = _STEP.match(text, begun)
        if not found:
            raise InputError(
                f"{shortened(text[begun:])!r} is no step, which is :SEED@T, +SEED, -SEED or ~NAME=AMOUNT, as in "
                "7:42@0.35, 7-12+42 or 7~hair_hue=1.2"
            )
        steps.append(_step(found))
        begun = found.end()
    return steps


def _step(found: re.Match[str]) -> Mix | Term | Move:
    if found["t"] is not None:
        return Mix(_face(found["end"]), _number(found["t"]))
    if found["sign"]:
        return Term(_face(found["term"]), found["sign"] == "+")
    return Move(found["name"], _number(found["amount"]))


def _face(text: str) -> Start:
    if text.startswith("z."):
        return _latent_bytes(text)
    if not re.fullmatch("[0-9]+", text):
        shown = repr(shortened(text)) if text else "nothing"
        raise InputError(f"{shown} stands where a seed from 0 to {SEEDS - 1}, or a latent as z.BASE64, has to")
    if (seed := int(text)) >= SEEDS:
        raise InputError(f"the seed {shortened(text)} is too large; take one from 0 to {SEEDS - 1}")
    return seed


def _latent_bytes(text: str) -> bytes:
    digits = text[2:].translate(_FROM_TEXT)
    try:
        if set(text[2:]) & set("+/=") or not digits:
            raise ValueError
        packed = base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True)
        numbers = np.frombuffer(packed, _FLOAT16)
    except (ValueError, binascii.Error):
        raise InputError(
            f"{shortened(text)!r} is no latent, which is z. and base64 of float16 numbers; copy it again, whole"
        ) from None
    if len(numbers) > MAX_WRITTEN_DIM:
        raise InputError(f"a latent of {len(numbers)} numbers is too long; one has at most {MAX_WRITTEN_DIM}")
    if not np.isfinite(numbers).all():
        raise InputError(f"the latent {shortened(text)!r} has numbers that are none; copy it again, whole")
    return packed


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        shown = repr(shortened(text)) if text else "nothing"
        raise InputError(f"{shown} stands where a number of at most {DIGITS} decimals has to, as 0.35")
    return float(text)


def _within_bounds(value: float, low: float, high: float, what: str) -> float:
    if not low <= value <= high:  # nor is it for no number at all
        raise InputError(f"{what} is {_digits(value)}; it must be from {low:g} to {high:g}")
    return round(float(value), DIGITS) + 0.0  # never -0.0


def _written(face: Start) -> str:
    if isinstance(face, int):
        return str(face)
    return "z." + base64.b64encode(face).translate(_TO_TEXT).decode().rstrip("=")


def _digits(value: float) -> str:
    text = f"{value:.{DIGITS}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _computed(expression: Expression, directions: Mapping[str, Tensor], latent_dim: int) -> Tensor:
    """Follow the steps: a latent `(latent_dim,)`, float64. A row of terms is summed up before it gets its length."""
    z = _start(expression.start, latent_dim)
    following: Sequence[Mix | Term | Move | None] = (*expression.steps[1:], None)
    for step, after in zip(expression.steps, following, strict=False):
        if isinstance(step, Mix):
            z = slerp(z, _start(step.end, latent_dim), step.t)
        elif isinstance(step, Term):
            term = _start(step.face, latent_dim)
            z = z + term if step.is_added else z - term
            z = z if isinstance(after, Term) else on_sphere(z)
        else:
            z = step_along(z, the_direction(step.direction, directions), step.amount)
    return z


def _start(face: Start, latent_dim: int) -> Tensor:
    if isinstance(face, int):
        return latent(face, latent_dim).double()
    numbers = np.frombuffer(face, _FLOAT16)
    if len(numbers) != latent_dim:
        raise InputError(
            f"its latent has {len(numbers)} numbers, but those of this checkpoint have {latent_dim}; open it with the "
            "checkpoint that it was made with."
        )
    return torch.from_numpy(numbers.astype(np.float64))

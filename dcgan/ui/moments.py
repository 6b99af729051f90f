"""What generator and discriminator did at a snapshot of a run, by the metrics that were written down then."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dcgan.ui.curves import CURVES, Line, is_number, last_of
from dcgan.ui.texts import say

TITLE_AND_ROLE = {
    "generator": ("generator-title", "generator-role"),
    "discriminator": ("discriminator-title", "discriminator-role"),
}


@dataclass(frozen=True)
class Moment:
    """A snapshot's name, the share of the run that was over then, from 0 to 1, and what is told of it, as HTML."""

    stage: str
    at: float
    told: str


def moments_in(language: str, lines: list[Line], loss: object) -> list[Moment]:
    """Tell of every snapshot in the lines of a run that was trained by `loss`; of one made twice, the last."""
    by_stage, beliefs = {}, Line()
    for line in lines:  # a snapshot between two intervals has the beliefs that were written down last
        beliefs |= {key: line[key] for key in CURVES["beliefs"] if is_number(line.get(key))}
        if isinstance(line.get("snapshot"), str):
            by_stage[line["snapshot"]] = beliefs | line
    last, moments, before = last_of(lines), [], Line()
    for stage, line in by_stage.items():
        moments.append(Moment(stage, line["images"] / last, _told(language, line, before, loss)))
        before = line
    return moments


def sections_of(moments: Sequence[Moment]) -> str:
    """Write all moments, of which only the last is seen until the film says otherwise."""
    hidden = [" hidden"] * (len(moments) - 1) + [""]
    return "".join(
        f'<section data-stage="{html.escape(each.stage)}"{attribute}>{each.told}</section>'
        for each, attribute in zip(moments, hidden, strict=False)
    )


def _told(language: str, line: Line, before: Line, loss: object) -> str:
    cards = {
        "generator": _of_generator(language, line, before),
        "discriminator": _of_discriminator(language, line, before, loss),
    }
    return "".join(_card(language, name, *card) for name, card in cards.items() if card)


def _card(language: str, name: str, then: list[str], bars: str) -> str:
    title, role = (html.escape(say(language, key)) for key in TITLE_AND_ROLE[name])
    sentences = html.escape(" ".join(then))
    return f'<article class="{name}"><h3>{title}</h3><p class="role">{role}</p><p>{sentences}</p>{bars}</article>'


def _of_generator(language: str, line: Line, before: Line) -> tuple[list[str], str] | None:
    if not all(map(is_number, (line.get("distance"), line.get("relative_diversity")))):
        return None
    then = [say(language, "generator-then", images=line["images"], distance=line["distance"])]
    if is_number(before.get("distance")):
        then.append(say(language, "generator-nearer" if line["distance"] < before["distance"] else "generator-farther"))
    return then, _bar(say(language, "variety"), line["relative_diversity"], "two")


def _of_discriminator(language: str, line: Line, before: Line, loss: object) -> tuple[list[str], str] | None:
    if not all(map(is_number, (line.get("d_real"), line.get("d_fake")))):
        return None
    # What compares pictures has no belief about one alone
    judged = say(language, "discriminator-compared" if loss == "relativistic" else "discriminator-judged")
    kinds = {"d_real": "one", "d_fake": "two"}
    bars = [_bar(say(language, f"curve-{key}"), line[key], kind) for key, kind in kinds.items()]
    return [*_fooled(language, line, before), judged], "".join(bars)


def _fooled(language: str, line: Line, before: Line) -> Iterator[str]:
    if is_number(before.get("d_fake")):
        yield say(language, "fooled-more" if line["d_fake"] > before["d_fake"] else "fooled-less")


def _bar(words: str, share: float, kind: str) -> str:
    wide = min(max(share, 0.0), 1.0)
    return (
        f'<p class="bar {kind}"><span>{html.escape(words)}</span><i style="--share: {wide:.0%}"></i>'
        f"<b>{share:.0%}</b></p>"
    )

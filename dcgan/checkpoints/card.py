"""The model card (README.md) of a checkpoint folder: what card_template.md says, with the run's own facts in it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, StrictUndefined, Template

from dcgan.checkpoints.reading import Part
from dcgan.checkpoints.records import Credit, Directions, Evaluation, Training, read_evaluation
from dcgan.config import MAX_SEED, TrainConfig
from dcgan.errors import InputError
from dcgan.layout import LATEST_NAME, LOSSES_NAME, NEIGHBOURS_NAME, TIMELAPSE_NAME

TEMPLATE = Path(__file__).with_name("card_template.md")
PLACEHOLDER = "path/to/this/folder"  # in the card's snippet; publishing puts the repository's id there
TASK = "unconditional-image-generation"
TAGS = {"avatars:": "avatars", "portraits:": "anime"}  # by the prefix of --data
HUB_LICENCES = {"CC0 1.0": "cc0-1.0", "CC BY 4.0": "cc-by-4.0", "MIT": "mit"}
HUB_METRICS = {
    "loss_d": "Loss of the discriminator",
    "loss_g": "Loss of the generator",
    "d_real": "Belief of the discriminator that training pictures are real",
    "d_fake": "Belief of the discriminator that generated pictures are real",
}
EVALUATION_METRICS = {
    "kid": "KID",
    "fid": "FID",
    "fd": "Fréchet distance (no FID)",
    "precision": "Precision",
    "recall": "Recall",
}
LOSS_WORDS = {"bce": "binary cross entropy", "hinge": "hinge loss", "relativistic": "relativistic pairing loss"}
USUAL_BETA2 = 0.999  # PyTorch's own
NORM_WORDS = {"batch": "BatchNorm", "spectral": "spectral normalisation", "none": "no normalisation"}
FIGURES = {
    "kid": "KID x 1000",
    "fid": "FID",
    "fd": "FD",
    "precision": "precision",
    "recall": "recall",
    "spread": "spread (grey levels)",
}
OLDER_WORDS = {
    "\n| diversity | ": "\n| spread (grey levels) | ",
    " Diversity is how far two faces are apart": " Spread is how far two faces are apart",
}
# What a card tells in any case; of an evaluation, if it is told at all.
TOLD = (
    "run_id", "command", "step", "epoch", "images_seen", "seconds", "hardware", "parameters.generator",
    "parameters.discriminator", "data.name", "data.pictures", "data.fingerprint",
)  # fmt: skip
TOLD_OF_AN_EVALUATION = (
    "command", "data", "extractor.name", "extractor.protocol", "extractor.distance", "samples.fakes", "samples.reals",
    "seeds.first_face", "reals.words", "neighbours.pictures", "neighbours.looked_up", "neighbours.relation",
    "neighbours.nearer", "neighbours.fakes.median", "neighbours.reals.median",
)  # fmt: skip
TOLD_OF_DIRECTIONS = ("command", "fitted_on", "tested_on", "steered")
TOLD_OF_A_DIRECTION = ("r2", "sefa_r2", "effect", "moved", "leakage", "shipped")
TOLD_OF_A_SECOND = ("command", "extractor.name", "extractor.protocol")


def model_card(training: Training, config: dict[str, Any], folder: Path, name: str | None = None) -> str:
    """Write the card as Markdown, with the Hub's metadata block on top.

    `config` is what the generator's config.json holds; pictures are shown where `folder` has them, and what was
    measured where its evaluation.json is whole and of these very weights. The card is called as the folder is, or
    `name`.

    Raises:
        InputError: `training` lacks something that every run writes there; names it.
    """
    if gap := _gap(training, TOLD):
        raise InputError(f"{gap} is missing")
    name = name or folder.resolve().name
    evaluation, settings = _told_evaluation(folder), training.settings()
    directions = _told_directions(folder)
    return _template().render(
        metadata=_yaml(_metadata(name, training, evaluation)),
        name=name,
        has=lambda file: (folder / file).is_file(),
        latest=LATEST_NAME,
        timelapse=TIMELAPSE_NAME,
        losses=LOSSES_NAME,
        neighbours=NEIGHBOURS_NAME,
        run=training,
        settings=settings,
        config=config,
        credit=training.data.attribution,
        evaluation=evaluation,
        figures=_figures(evaluation) if evaluation else {},
        directions=directions,
        failed=_failed(directions),
        by_eye=directions is not None and any(each.by_eye is not None for each in directions.found.values()),
        work=_work(training.data.name, training.data.attribution),
        placeholder=PLACEHOLDER,
        max_seed=MAX_SEED,
        levers=_levers(settings),
        time=_time(training.seconds),
        rate=training.images_seen / training.seconds if training.seconds else None,
    )


def _told_evaluation(folder: Path) -> Evaluation | None:
    """Read what a card can tell of a folder's evaluation.json."""
    evaluation = read_evaluation(folder)
    if evaluation is None or _gap(evaluation, TOLD_OF_AN_EVALUATION):
        return None
    if evaluation.second and _gap(evaluation.second, TOLD_OF_A_SECOND):
        return replace(evaluation, second=None)
    return evaluation


def _told_directions(folder: Path) -> Directions | None:
    """Read what a card can tell of a folder's directions."""
    evaluation = read_evaluation(folder)
    directions = evaluation.directions if evaluation else None
    if directions is None or _gap(directions, TOLD_OF_DIRECTIONS):
        return None
    found = {name: each for name, each in directions.found.items() if not _gap(each, TOLD_OF_A_DIRECTION)}
    return replace(directions, found=found) if found else None


def _failed(directions: Directions | None) -> list[str]:
    """Name the directions that were looked for and failed, with what they failed by."""
    failed = {name: each for name, each in directions.found.items() if not each.shipped} if directions else {}
    return [
        f"`{name}` ({each.by_eye} of 10 by eye)"
        if each.by_eye is not None
        else f"`{name}` (raised in {each.moved:.1%})"
        for name, each in failed.items()
    ]


def _gap(record: Part, told: Sequence[str]) -> str | None:
    """Find the first key that a record has no value for."""
    for path in told:
        value: Any = record
        for key in path.split("."):
            value = value.get(key) if isinstance(value, Mapping) else getattr(value, key)
        if value is None:
            return path
    return None


def in_todays_words(card: str) -> str:
    """Reword a card as this version does, where the version before called an evaluation's spread diversity."""
    for older, now in OLDER_WORDS.items():
        card = card.replace(older, now)
    return card


def name_in(card: str) -> str | None:
    """Find what a card calls its model, if it is one of these cards."""
    title = re.search(r"^# (.*): \d+x\d+ faces by a DCGAN$", card, re.MULTILINE)
    return re.sub(r"\\(.)", r"\1", title[1]) if title else None


@cache
def _template() -> Template:
    environment = Environment(
        undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters |= {
        "literal": _literal,
        "fenced": _fenced,
        "quoted": _quoted,
        "thousands": "{:,.0f}".format,
        "short": "{:.4g}".format,
    }
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8"))


def _metadata(name: str, training: Training, evaluation: Evaluation | None) -> dict[str, Any]:
    """Collect what the Hub reads of a card (https://github.com/huggingface/hub-docs/blob/main/modelcard.md)."""
    data = training.data.name
    return {
        "library_name": "pytorch",
        "pipeline_tag": TASK,
        **_licence(training.data.attribution),
        "tags": ["dcgan", "gan", TASK, *(tag for prefix, tag in TAGS.items() if data.startswith(prefix))],
        **({"datasets": [data]} if _is_on_hub(data) else {}),
        **_model_index(name, _measured(data, training.metrics, evaluation)),
    }


def _is_on_hub(data: str) -> bool:
    return "/" in data  # the name of a folder or file never holds a slash


def _licence(credit: Credit | None) -> dict[str, str]:
    if not credit or not credit.licence:
        return {}
    if credit.licence in HUB_LICENCES:
        return {"license": HUB_LICENCES[credit.licence]}
    slug = re.sub(r"[^a-z0-9.]+", "-", credit.licence.lower()).strip("-.")
    other = {"license": "other", "license_name": slug, "license_link": credit.licence_url}
    return {key: value for key, value in other.items() if value}


def _measured(
    data: str, metrics: Mapping[str, float], evaluation: Evaluation | None
) -> dict[str, list[dict[str, Any]]]:
    """Collect the run's last metrics and an evaluation's figures, under the pictures' name, as the Hub wants them."""
    measured = {data: [_metric(metric, words, metrics.get(metric)) for metric, words in HUB_METRICS.items()]}
    if evaluation:
        features = f"on features of {evaluation.extractor.name}"
        measured.setdefault(evaluation.data, []).extend(
            _metric(metric, f"{words} {features}", getattr(evaluation.fakes, metric))
            for metric, words in EVALUATION_METRICS.items()
        )
    return {name: [each for each in found if each["value"] is not None] for name, found in measured.items()}


def _metric(metric: str, words: str, value: float | None) -> dict[str, Any]:
    return {"type": metric, "name": words, "value": value}


def _model_index(name: str, measured: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    results = [
        {
            "task": {"type": TASK},
            # The Hub takes nothing for a type but what could be the id of a data set.
            "dataset": {"name": data, "type": data if _is_on_hub(data) else "imagefolder"},
            "metrics": metrics,
        }
        for data, metrics in measured.items()
        if metrics
    ]
    return {"model-index": [{"name": name, "results": results}]} if results else {}


def _figures(evaluation: Evaluation) -> dict[str, list[str]]:
    """Make a row for each label: the faces' figure and the floor's, then the same of a second measure, if any."""
    rows = {}
    for name, label in FIGURES.items():
        factor = 1000 if name == "kid" else 1
        got = [figures for measure in evaluation.measures for figures in (measure.fakes, measure.floor)]
        found = [getattr(figures, name) for figures in got]
        if any(value is not None for value in found):
            rows[label] = ["" if value is None else f"{factor * value:.4g}" for value in found]
    return rows


def _yaml(metadata: dict[str, Any]) -> str:
    text: str = yaml.safe_dump(metadata, sort_keys=False, allow_unicode=True)
    return text.strip()


def _work(data: str, credit: Credit | None) -> str:
    """Name the training pictures: by title and creator where these are known."""
    if not credit:
        return data
    return f"{credit.title} by {credit.creator}" if credit.creator else credit.title


def _levers(config: TrainConfig) -> dict[str, str]:
    """Say in words what decided the training: a table row's label to its text."""
    recipe = [
        LOSS_WORDS[config.loss],
        f"{NORM_WORDS[config.d_norm]} in the discriminator",
        f"moving average of the generator (decay {config.ema_decay:g})" if config.ema else "no moving average",
    ]
    if penalties := _penalties(config.r1_gamma, config.r2_gamma, config.r1_every):
        recipe.append(penalties)
    if config.augment:
        recipe.append(f"DiffAugment ({', '.join(config.augment)})")
    if config.flip:
        recipe.append("half of the pictures mirrored")
    decay = f", falling to 0 over the last {config.lr_decay:.0%} of the run" if config.lr_decay else ""
    betas = f"beta1 {config.beta1:g}"
    if config.beta2 != USUAL_BETA2:
        betas += f", beta2 {config.beta2:g}"
    rates = f"{config.lr_generator:g} (generator) and {config.lr_discriminator:g} (discriminator)"
    return {
        "recipe": f"`{config.recipe}`: {', '.join(recipe)}",
        "optimiser": f"Adam, {betas}, learning rates {rates}{decay}",
        "batch size": f"{config.batch_size:,}",
    }


def _penalties(r1_gamma: float, r2_gamma: float, every: int) -> str:
    """Say D's gradient penalties in words; "" without any."""
    seldom = f" every {every} updates" if every > 1 else ""
    if r1_gamma and r1_gamma == r2_gamma:
        return f"R1 and R2 penalties, gamma {r1_gamma:g} each{',' if seldom else ''}{seldom}"
    gammas = {"R1": r1_gamma, "R2": r2_gamma}
    named = " and ".join(f"{name} penalty {gamma:g}" for name, gamma in gammas.items() if gamma)
    return named and named + seldom


def _time(seconds: float) -> str:
    if seconds >= 3600:
        return f"{seconds / 3600:,.1f} h"
    if seconds >= 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds:.0f} s" if seconds >= 1 else "less than a second"


def _literal(text: str) -> str:
    """Escape `text` as one line of Markdown that shows it as it is, also in a table's cell."""
    return re.sub(r"[\\`*_\[\]<>|~&$]", r"\\\g<0>", " ".join(text.split()))


def _fenced(code: str) -> str:
    """Make a code block that no backticks in `code` can end."""
    fence = "`" * (1 + max([2, *map(len, re.findall("`+", code))]))
    return f"{fence}\n{code}\n{fence}"


def _quoted(text: str) -> str:
    return "> " + text.strip().replace("\n", "\n> ")

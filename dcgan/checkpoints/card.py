"""The model card (README.md) of a checkpoint folder: what card_template.md says, with the run's own facts in it."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, StrictUndefined, Template

from dcgan.checkpoints.records import measures_of, read_evaluation
from dcgan.config import MAX_SEED, norm_named_by

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
    "diversity": "diversity",
}


def model_card(facts: dict[str, Any], config: dict[str, Any], folder: Path, name: str | None = None) -> str:
    """The card as Markdown with the Hub's metadata block on top.

    `facts` is what training.json holds, `config` what the generator's config.json holds; pictures are shown where
    `folder` has them, and what was measured where its evaluation.json is of these very weights. The card is called as
    the folder is, or `name`.

    Raises:
        KeyError, jinja2.UndefinedError: `facts` or `config` lack something that every run writes there; names it.
    """
    name = name or folder.resolve().name
    credit = facts["data"].get("attribution")
    evaluation = read_evaluation(folder)
    return _template().render(
        metadata=_yaml(_metadata(name, facts, credit, evaluation)),
        name=name,
        has=lambda file: (folder / file).is_file(),
        facts=facts,
        config=config,
        credit=credit,
        evaluation=evaluation,
        figures=_figures(evaluation) if evaluation else {},
        work=_work(facts["data"]["name"], credit),
        placeholder=PLACEHOLDER,
        max_seed=MAX_SEED,
        levers=_levers(facts["config"]),
        time=_time(facts["seconds"]),
        rate=facts["images_seen"] / facts["seconds"] if facts["seconds"] else None,
    )


def name_in(card: str) -> str | None:
    """What a card calls its model, if it is one of these cards."""
    title = re.search(r"^# (.*): \d+x\d+ faces by a DCGAN$", card, re.MULTILINE)
    return re.sub(r"\\(.)", r"\1", title[1]) if title else None


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


def _metadata(
    name: str, facts: dict[str, Any], credit: dict[str, str] | None, evaluation: dict[str, Any] | None
) -> dict[str, Any]:
    """What the Hub reads of a card (https://github.com/huggingface/hub-docs/blob/main/modelcard.md)."""
    data = facts["data"]["name"]
    return {
        "library_name": "pytorch",
        "pipeline_tag": TASK,
        **_licence(credit),
        "tags": ["dcgan", "gan", TASK, *(tag for prefix, tag in TAGS.items() if data.startswith(prefix))],
        **({"datasets": [data]} if _is_on_hub(data) else {}),
        **_model_index(name, _measured(data, facts["metrics"], evaluation)),
    }


def _is_on_hub(data: str) -> bool:
    return "/" in data  # the name of a folder or file never holds a slash


def _licence(credit: dict[str, str] | None) -> dict[str, str]:
    licence = (credit or {}).get("licence")
    if not licence:
        return {}
    if licence in HUB_LICENCES:
        return {"license": HUB_LICENCES[licence]}
    slug = re.sub(r"[^a-z0-9.]+", "-", licence.lower()).strip("-.")
    other = {"license": "other", "license_name": slug, "license_link": credit["licence_url"]}
    return {key: value for key, value in other.items() if value}


def _measured(
    data: str, metrics: dict[str, float], evaluation: dict[str, Any] | None
) -> dict[str, list[dict[str, Any]]]:
    """By the name of the pictures, as the Hub wants them: the run's last metrics, and figures of an evaluation."""
    measured = {data: [_metric(metric, words, metrics.get(metric, math.nan)) for metric, words in HUB_METRICS.items()]}
    if evaluation:
        features, figures = f"on features of {evaluation['extractor']['name']}", evaluation["fakes"]
        measured.setdefault(evaluation["data"], []).extend(
            _metric(metric, f"{words} {features}", figures[metric])
            for metric, words in EVALUATION_METRICS.items()
            if metric in figures
        )
    return {name: [each for each in found if math.isfinite(each["value"])] for name, found in measured.items()}


def _metric(metric: str, words: str, value: float) -> dict[str, Any]:
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


def _figures(evaluation: dict[str, Any]) -> dict[str, list[str]]:
    """By label, a row of what the faces got and of the floor; then the same of the second measure, if there is one."""
    rows = {}
    for key, label in FIGURES.items():
        factor = 1000 if key == "kid" else 1
        found = [measure[part].get(key) for measure in measures_of(evaluation) for part in ("fakes", "floor")]
        if any(value is not None for value in found):
            rows[label] = ["" if value is None else f"{factor * value:.4g}" for value in found]
    return rows


def _yaml(metadata: dict[str, Any]) -> str:
    return yaml.safe_dump(metadata, sort_keys=False, allow_unicode=True).strip()


def _work(data: str, credit: dict[str, str] | None) -> str:
    """What to call the training pictures: by title and creator where these are known."""
    if not credit:
        return data
    return f"{credit['title']} by {credit['creator']}" if credit["creator"] else credit["title"]


def _levers(config: dict[str, Any]) -> dict[str, str]:
    """What decided the training, in words: a table row's label to its text."""
    norm = config["d_norm"] if "d_norm" in config else norm_named_by(config["spectral_norm"])  # as older runs have it
    recipe = [
        LOSS_WORDS.get(config["loss"], config["loss"]),
        f"{NORM_WORDS.get(norm, norm)} in the discriminator",
        f"moving average of the generator (decay {config['ema_decay']:g})" if config["ema"] else "no moving average",
    ]
    if penalties := _penalties(config["r1_gamma"], config.get("r2_gamma", 0), config.get("r1_every", 1)):
        recipe.append(penalties)
    if config["augment"]:
        recipe.append(f"DiffAugment ({', '.join(config['augment'])})")
    if config["flip"]:
        recipe.append("half of the pictures mirrored")
    decay = f", falling to 0 over the last {config['lr_decay']:.0%} of the run" if config.get("lr_decay") else ""
    betas = f"beta1 {config['beta1']:g}"
    if config.get("beta2", USUAL_BETA2) != USUAL_BETA2:
        betas += f", beta2 {config['beta2']:g}"
    rates = f"{config['lr_generator']:g} (generator) and {config['lr_discriminator']:g} (discriminator)"
    return {
        "recipe": f"`{config['recipe']}`: {', '.join(recipe)}",
        "optimiser": f"Adam, {betas}, learning rates {rates}{decay}",
        "batch size": f"{config['batch_size']:,}",
    }


def _penalties(r1_gamma: float, r2_gamma: float, every: int) -> str:
    """D's gradient penalties in words; none without any."""
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
    """One line of Markdown, also fit for a table's cell, that shows `text` as it is."""
    return re.sub(r"[\\`*_\[\]<>|~&$]", r"\\\g<0>", " ".join(text.split()))


def _fenced(code: str) -> str:
    """A code block that no backticks in `code` can end."""
    fence = "`" * (1 + max([2, *map(len, re.findall("`+", code))]))
    return f"{fence}\n{code}\n{fence}"


def _quoted(text: str) -> str:
    return "> " + text.strip().replace("\n", "\n> ")

"""How good are a checkpoint's faces? Their distance from real pictures, whether they are copies, how much they differ.

python -m dcgan.evaluation checkpoints/adventurer-96 --data avatars:adventurer
python -m dcgan.evaluation checkpoints/mine --data path/to/held-out-pictures --trained-on path/to/pictures
python -m dcgan.evaluation checkpoints/adventurer-96 --data avatars:adventurer --extractor efficientnet-lite2

Prints the figures, and writes them into the checkpoint: evaluation.json, a section of the model card and, for rendered
pictures, a page of the generated faces beside their nearest training pictures. The last command adds a second measure
of the same faces to the first, as "second", and leaves the first as it is: a check of it, by which nothing is decided.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jinja2 import UndefinedError
from torch import Tensor
from tqdm import tqdm

from dcgan.card import model_card, name_in, read_evaluation
from dcgan.checkpoints import CARD_NAME, NEIGHBOURS_NAME, facts_of_the_shown, load_generator, read_training
from dcgan.cli import DONE, Parser, command
from dcgan.config import EVALUATION_NAME, TRAINING_NAME, WEIGHTS_NAME, TrainConfig
from dcgan.data import Pictures, cache_root, load_pictures
from dcgan.errors import InputError
from dcgan.extractors import EXTRACTORS, EfficientNetLite0, EfficientNetLite2, Extractor, open_extractor
from dcgan.files import replacing, sha256, write_json, write_text
from dcgan.images import grid, save_png
from dcgan.latents import SEEDS, seeds_from
from dcgan.likeness import diversity, nearest
from dcgan.models import Generator, read_config
from dcgan.portraits import open_art
from dcgan.reals import GivenReals, Reals, held_out_avatars, held_out_portraits
from dcgan.sampling import DEVICES, faces, pick_device
from dcgan.sources import AVATARS_PREFIX, PORTRAITS_PREFIX

FEWEST = 16  # pictures a set: below that no figure means anything
SUBSET = 1000  # pictures a KID estimate, or as many as there are
SUBSETS = 100
FEATURES_KEPT = 1000  # a file of the cache
NEIGHBOURHOOD = 3  # precision and recall: how many neighbours reach how far
SUBSET_SEED = 2020
LOOKED_UP = 1000  # faces whose nearest training picture is looked for, and held-out pictures
PAIRS = 24  # on the page, of the most alike and of the first seeds each
PAIR_COLUMNS = 6
QUANTILES = {"minimum": 0.0, "5%": 0.05, "median": 0.5, "95%": 0.95}
MEASURED_BY = ("torch", "torch-fidelity")
TRAINED_ON = "which were trained on"
COMPARED = ("--data", "--count", "--seed", "--background")  # what decides which faces are compared with which reals


@dataclass(frozen=True)
class Evaluation:
    """What was measured: a JSON-ready report, and the page of pairs as pixels `(H, W, 3)`, if there is one."""

    report: dict[str, Any]
    page: np.ndarray | None


def evaluate(
    generator: Generator,
    reals: Reals,
    pictures: Pictures,
    extractor: Extractor,
    count: int,
    first_seed: int = 0,
) -> Evaluation:
    """Compare the faces of `count` seeds with as many reals, and look for copies of `pictures` among them."""
    fakes = faces(generator, seeds_from(first_seed, count))
    compared = compare(fakes, reals, extractor)
    some = min(count, LOOKED_UP)
    some_fakes, some_reals = fakes[:some], reals.pixels(0, some)
    neighbours, page = look_for_copies(some_fakes, some_reals, reals.rows(0, some, pictures), pictures.pixels)
    report = {
        "extractor": compared["extractor"],
        "reals": {"words": reals.words, "held_out": reals.held_out} | same_as_trained(reals, count, pictures),
        "samples": compared["samples"],
        "seeds": {"first_face": first_seed, "subsets": SUBSET_SEED},
        "kid": compared["kid"],
        "fakes": compared["fakes"] | {"diversity": _rounded(diversity(some_fakes))},
        "floor": compared["floor"] | {"diversity": _rounded(diversity(some_reals))},
        "neighbours": neighbours,
        "versions": compared["versions"],
    }
    return Evaluation(report, page)


def same_as_trained(reals: Reals, count: int, pictures: Pictures) -> dict[str, int]:
    """How many of the reals that are held out look, pixel by pixel, like one of the pictures."""
    if not reals.held_out:
        return {}
    known = {hashlib.sha256(picture.tobytes()).digest() for picture in pictures.pixels}
    held_out = (hashlib.sha256(picture.tobytes()).digest() for picture in reals.pixels(0, count))
    return {"same_as_trained": sum(digest in known for digest in held_out)}


def compare(fakes: np.ndarray, reals: Reals, extractor: Extractor) -> dict[str, Any]:
    """Figures of faces against as many reals, of these against as many others, and how both were measured.

    The second comparison is the floor: what pictures from the very source of the reals would get.
    """
    count = len(fakes)
    real_features, other_features = (features_of(reals, first, count, extractor) for first in (0, count))
    return {
        "extractor": extractor.facts() | {"distance": extractor.distance, "features": real_features.shape[1]},
        "fakes": figures(extractor.features(fakes), real_features, extractor.distance),
        "floor": figures(other_features, real_features, extractor.distance),
        "samples": {"fakes": count, "reals": count, "other_reals": count},
        "kid": {"subsets": _subsets(count), "subset_size": min(SUBSET, count)},
        "versions": {name: version(name) for name in MEASURED_BY},
    }


def figures(fakes: Tensor, reals: Tensor, distance: str = "FD") -> dict[str, float]:
    """How far two sets of features `(N, D)` are apart: KID, Fréchet distance, precision and recall.

    KID: Bińkowski et al. 2018, cubic kernel, unbiased. Precision and recall: Kynkäänniemi et al. 2019. `distance` is
    the key of the Fréchet distance in lower case.
    """
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
    from torch_fidelity.metric_kid import kid_features_to_metric
    from torch_fidelity.metric_prc import prc_features_to_metric

    fakes, reals = fakes.double(), reals.double()
    count = min(len(fakes), len(reals))
    kid = kid_features_to_metric(
        fakes,
        reals,
        kid_subsets=_subsets(count),
        kid_subset_size=min(SUBSET, count),
        kid_kernel_poly_degree=3,
        kid_kernel_poly_gamma=None,  # 1 / D
        kid_kernel_poly_coef0=1,
        rng_seed=SUBSET_SEED,
        verbose=False,
    )
    frechet = fid_statistics_to_metric(fid_features_to_statistics(fakes), fid_features_to_statistics(reals), False)
    overlap = prc_features_to_metric(fakes, reals, prc_neighborhood=NEIGHBOURHOOD, verbose=False)
    measured = {
        "kid": kid["kernel_inception_distance_mean"],
        "kid_std": kid["kernel_inception_distance_std"],
        distance.lower(): frechet["frechet_inception_distance"],
        "precision": overlap["precision"],
        "recall": overlap["recall"],
    }
    return {name: _rounded(value) for name, value in measured.items()}


def features_of(reals: Reals, first: int, count: int, extractor: Extractor) -> Tensor:
    """Features `(count, D)` of reals `first` and on, from the cache where these very ones were computed before.

    They are kept a thousand at a time, so that evaluations with other counts share them.
    """
    starts = [first, *range(first - first % FEATURES_KEPT + FEATURES_KEPT, first + count, FEATURES_KEPT), first + count]
    return torch.cat([_kept_features(reals, start, stop - start, extractor) for start, stop in pairwise(starts)])


def _kept_features(reals: Reals, first: int, count: int, extractor: Extractor) -> Tensor:
    key = json.dumps([reals.identity, first, count, extractor.facts(), version("torch")])
    path = cache_root() / f"features-{hashlib.sha256(key.encode()).hexdigest()[:20]}.npy"
    try:
        return torch.from_numpy(np.load(path, allow_pickle=False))
    except (OSError, ValueError, EOFError):
        features = extractor.features(reals.pixels(first, count))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary, open(temporary, "wb") as file:
            np.save(file, features.numpy())
    except OSError as error:
        raise InputError(
            f"features can't be kept in {path.parent}: {error.strerror or error}. "
            "Set DCGAN_CACHE to a folder with room."
        ) from None
    return features


def look_for_copies(
    fakes: np.ndarray, reals: np.ndarray, rows_of_reals: np.ndarray | None, pictures: np.ndarray
) -> tuple[dict[str, Any], np.ndarray]:
    """How near faces come to the pictures `(M, S, S, 3)`, against how near reals come to them; and the page of pairs.

    A generator that copies comes nearer than reals do. Of both there are as many. `rows_of_reals` says where the reals
    are among the pictures, if there at all.
    """
    nowhere = np.full(len(fakes), -1)
    own_rows = np.concatenate([nowhere, nowhere if rows_of_reals is None else rows_of_reals])
    distances, rows = nearest(np.concatenate([fakes, reals]), pictures, own_rows)  # one pass over a large set
    of_fakes, of_reals = np.split(distances, 2)
    found = {
        "pictures": len(pictures),
        "looked_up": len(fakes),
        "fakes": _quantiles(of_fakes),
        "reals": _quantiles(of_reals),
        "nearer_than_5%_of_reals": _rounded(float((of_fakes < np.quantile(of_reals, 0.05)).mean())),
    }
    most_alike = np.argsort(of_fakes, kind="stable")[:PAIRS]
    shown = [*most_alike, *range(min(PAIRS, len(fakes)))]
    return found, grid(np.concatenate([fakes[shown], pictures[rows[shown]]], axis=2), PAIR_COLUMNS, gap=8)


def _subsets(count: int) -> int:
    return SUBSETS if count > SUBSET else 1  # a subset of all pictures is always the same one


def _quantiles(distances: np.ndarray) -> dict[str, float]:
    return {name: _rounded(float(np.quantile(distances, q))) for name, q in QUANTILES.items()}


def _rounded(value: float) -> float:
    """To five digits: those beyond depend on the machine's threads."""
    return float(f"{value:.5g}")


def trained_facts(folder: Path) -> dict[str, Any] | None:
    """What training.json says of the run that made a checkpoint; None where there is no such file, as in an import."""
    if not (folder / TRAINING_NAME).is_file():
        return None
    facts = read_training(folder)
    try:
        facts["data"]["name"], facts["data"]["fingerprint"], facts["config"]["data_size"], facts["config"]["background"]
    except (KeyError, TypeError) as error:
        raise InputError(
            f"{folder / TRAINING_NAME} lacks {error}; it isn't what this version's train.py writes."
        ) from None
    return facts


def open_pictures(options: argparse.Namespace, facts: dict[str, Any] | None, size: int) -> tuple[Reals, Pictures, str]:
    """The reals, the pictures among which copies are looked for, and what training had to do with the latter.

    How many avatars and on which background is as the run had it, where the options don't say otherwise. The reals are
    looked for among themselves where `--trained-on` names no other pictures.
    """
    config = facts["config"] if facts else {}
    data_size = options.data_size or config.get("data_size", TrainConfig.data_size)
    backgrounds = options.background or config.get("background", TrainConfig.background)
    crop = config.get("portrait_crop", TrainConfig.portrait_crop)
    given, pictures = (
        load_pictures(data, size, data_size, backgrounds, track=_decoding, portrait_crop=crop)
        for data in (options.data, options.trained_on or options.data)
    )
    if given.name.startswith(AVATARS_PREFIX):
        reals: Reals = held_out_avatars(given.name.removeprefix(AVATARS_PREFIX), size, backgrounds)
    elif given.name.startswith(PORTRAITS_PREFIX):
        art = open_art(options.data.removeprefix(PORTRAITS_PREFIX))
        reals = held_out_portraits(art, given.name, size, crop, backgrounds)
    else:
        reals = GivenReals(given, _relation(given, facts))
    return reals, pictures, _relation(pictures, facts)


def _relation(pictures: Pictures, facts: dict[str, Any] | None) -> str:
    """What training had to do with pictures."""
    if facts is None:
        return "of which it isn't known whether they were trained on"
    if facts["data"]["fingerprint"] == pictures.fingerprint:
        return TRAINED_ON
    return "not the set that was trained on, though some may be in both"


def sample_count(asked: int, reals: Reals) -> int:
    """How many faces and reals to compare: as many as asked for, or what there are reals for."""
    if reals.count is None:
        return asked
    count = min(asked, reals.count // 2)
    if count < FEWEST:
        raise InputError(
            f"--data {reals.data} has {reals.count} pictures; two sets of {FEWEST} or more are needed, one to compare "
            "the faces with and one to compare that with."
        )
    return count


def command_line(
    options: argparse.Namespace, folder: Path, reals: Reals, pictures: Pictures, extractor: Extractor, count: int
) -> str:
    """The command that measures the same again; of any path only its last component."""
    words = ["python", "-m", "dcgan.evaluation", folder.resolve().name, "--data", reals.data]
    words += ["--trained-on", pictures.name] if options.trained_on else []
    words += ["--extractor", extractor.option, "--count", str(count)]
    for name, value in (("--seed", options.seed), ("--data-size", options.data_size)):
        words += [name, str(value)] if value else []
    words += ["--background", ",".join(options.background)] if options.background else []
    words += ["--weights", options.weights.name] if options.weights else []
    return shlex.join(words)


def write_evaluation(
    folder: Path, evaluation: Evaluation, pictures: Pictures, facts: dict[str, Any] | None
) -> list[str]:
    """Write the report into the checkpoint and its card, and the page, if any, where the pictures may be shown.

    Returns what was written, and what wasn't and why, in words.
    """
    card = folder / CARD_NAME
    before = card.read_text("utf-8", errors="replace") if card.is_file() else None
    try:
        told, left_alone = _facts_told_by(before, folder, facts), None
    except InputError as error:
        told, left_alone = None, str(error)
    write_json(folder / EVALUATION_NAME, evaluation.report)
    written = [f"report: {folder / EVALUATION_NAME}"]
    if evaluation.page is not None:
        written.append(f"faces and their nearest pictures: {_write_page(evaluation.page, folder, pictures)}")
    if told:
        write_text(card, _card(told, folder, before))
    return [*written, f"model card: {left_alone or card}"]


def _write_page(pixels: np.ndarray, folder: Path, pictures: Pictures) -> Path:
    page = page_path(folder, pictures)
    page.parent.mkdir(parents=True, exist_ok=True)
    with replacing(page) as temporary:
        save_png(pixels, temporary)
    if page != folder / NEIGHBOURS_NAME:
        (folder / NEIGHBOURS_NAME).unlink(missing_ok=True)  # of an earlier evaluation
    return page


def _facts_told_by(card: str | None, folder: Path, facts: dict[str, Any] | None) -> dict[str, Any]:
    """The facts that a folder's card was written of: those of the best snapshot, or in a snapshot its own.

    Raises:
        InputError: why a card can't be written in its place.
    """
    if facts is None:
        raise InputError(f"left alone, since it needs {TRAINING_NAME}")
    try:
        for told in (facts_of_the_shown(facts), facts):
            if card in (None, _card(told, folder, card)):
                return told
    except (KeyError, TypeError, UndefinedError) as error:
        raise InputError(
            f"left alone, since {folder / TRAINING_NAME} isn't what this version's train.py writes ({error})"
        ) from None
    raise InputError(
        f"left alone, since {folder / CARD_NAME} was changed since the run wrote it; delete it to have it written anew"
    )


def _card(facts: dict[str, Any], folder: Path, before: str | None) -> str:
    """The card of a folder, which keeps the name it had in the one before."""
    return model_card(facts, read_config(folder), folder, name_in(before or ""))


def page_path(folder: Path, pictures: Pictures) -> Path:
    """Where the page of pairs goes: into the checkpoint, and so to the Hub, only if the pictures were rendered."""
    if pictures.name.startswith(AVATARS_PREFIX):
        return folder / NEIGHBOURS_NAME
    return cache_root() / "neighbours" / f"{folder.resolve().name}.png"


def lines(report: dict[str, Any]) -> list[str]:
    """The report as a person reads it in a terminal."""
    near, count, seed = report["neighbours"], report["samples"]["fakes"], report["seeds"]["first_face"]
    second = report.get("second")
    return [
        f"{count:,} faces (seeds from {seed:,}) against {count:,} {report['reals']['words']}",
        *_measure_lines(report),
        *(["a second measure of the same, by which nothing is decided:", *_measure_lines(second)] if second else []),
        f"nearest of {near['pictures']:,} pictures, {near['relation']}, in grey levels:",
        *(
            f"  {name:12}" + ", ".join(f"{quantile} {value:.4g}" for quantile, value in near[name].items())
            for name in ("fakes", "reals")
        ),
        f"  {near['nearer_than_5%_of_reals']:.1%} of the faces are nearer than the nearest 5% of the reals",
    ]


def _measure_lines(measure: dict[str, Any]) -> list[str]:
    extractor, fakes, floor = (measure[part] for part in ("extractor", "fakes", "floor"))
    distance = extractor["distance"]
    rows = [
        ("KID x 1000", fakes["kid"] * 1000, floor["kid"] * 1000),
        (distance, fakes[distance.lower()], floor[distance.lower()]),
        *((name, fakes[name], floor[name]) for name in ("precision", "recall", "diversity") if name in fakes),
    ]
    return [
        f"features: {extractor['name']}; {extractor['protocol']}",
        *(["these aren't Inception's features: no figure here is an FID"] if distance != "FID" else []),
        f"{'':12}{'faces':>10}{'floor: reals against other reals':>36}",
        *(f"{name:12}{value:10.4g}{least:36.4g}" for name, value, least in rows),
    ]


def _decoding(pictures, total):
    return tqdm(pictures, total=total, unit="picture", desc="decoding", leave=False, disable=None)


def build_parser() -> Parser:
    parser = Parser(
        prog="python -m dcgan.evaluation", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", type=Path, help="a checkpoint folder, or a snapshot in one")
    parser.add_argument("--data", required=True, help="the real pictures: as for train.py, best avatars:STYLE")
    parser.add_argument("--trained-on", metavar="DATA", help="where to look for copies (in --data)")
    parser.add_argument("--count", type=int, default=5000, help="how many faces and reals (5000)")
    parser.add_argument("--seed", type=int, default=0, help="of the first face; the others follow (0)")
    parser.add_argument(
        "--extractor",
        choices=EXTRACTORS,
        default="auto",
        help="auto: inception if it is here, else efficientnet-lite0; efficientnet-lite2: a second measure beside it",
    )
    parser.add_argument("--weights", type=Path, help="a file with the extractor's weights (its own)")
    parser.add_argument("--data-size", type=int, help="how many avatars were trained on (as the run did)")
    parser.add_argument("--background", type=_words, help="avatars' background colours (as the run had them)")
    parser.add_argument("--device", choices=DEVICES, default="auto", help="default auto: cuda, mps or cpu")
    return parser


@command
def main(argv: Sequence[str] | None = None) -> int:
    options = build_parser().parse_args(argv)
    check(options)
    require_torch_fidelity()

    folder, device = options.checkpoint, pick_device(options.device)
    generator = load_generator(folder).to(device)
    is_second = options.extractor == EfficientNetLite2.option
    before = first_measure(folder) if is_second else read_evaluation(folder)
    facts = trained_facts(folder)
    extractor = open_extractor(options.extractor, options.weights, device)
    reals, pictures, relation = open_pictures(options, facts, generator.image_size)
    count = sample_count(options.count, reals)
    asked = command_line(options, folder, reals, pictures, extractor, count)
    if is_second:
        refuse_other_faces(before["command"], asked)
        fakes = faces(generator, seeds_from(options.seed, count))
        second = compare(fakes, reals, extractor) | {"command": asked}
        evaluation = Evaluation(before | {"second": second}, None)
    else:
        evaluation = evaluate(generator, reals, pictures, extractor, count, options.seed)
        evaluation.report["neighbours"]["relation"] = relation
        about = {"command": asked, "weights_sha256": sha256(folder / WEIGHTS_NAME), "data": reals.data}
        kept = second_kept(before, asked)
        evaluation = Evaluation(about | evaluation.report | kept, evaluation.page)
        if before and "second" in before and not kept:
            print("the second measure is dropped, since it was of other faces or reals")
    print("\n".join(lines(evaluation.report)))
    try:
        print("\n".join(write_evaluation(folder, evaluation, pictures, facts)))
    except OSError as error:
        raise InputError(f"can't write to {folder}: {error.strerror or error}.") from None
    return DONE


def first_measure(folder: Path) -> dict[str, Any]:
    """The evaluation of a folder that a second measure can stand beside."""
    evaluation = read_evaluation(folder)
    if evaluation is None:
        raise InputError(
            f"{folder} has no evaluation of these weights for a second measure to stand beside; measure with "
            f"--extractor {EfficientNetLite0.option} first."
        )
    return evaluation


def refuse_other_faces(first: str, second: str) -> None:
    """Raise an InputError where the commands of two measures compare other faces or other reals."""
    if _compared(first) != _compared(second):
        raise InputError(
            f"a second measure is of the same faces and reals as the first, which was: {first}. "
            "Give the same options, but for --extractor."
        )


def second_kept(before: dict[str, Any] | None, asked: str) -> dict[str, Any]:
    """The second measure of the evaluation before, where the first is now made anew of the same faces and reals."""
    if before and "second" in before and _compared(before["command"]) == _compared(asked):
        return {"second": before["second"]}
    return {}


def _compared(asked: str) -> dict[str, str]:
    """What a command says of the faces and reals; all of its options have a value."""
    words = shlex.split(asked)[4:]  # after python -m dcgan.evaluation FOLDER
    return {name: value for name, value in zip(words[::2], words[1::2], strict=True) if name in COMPARED}


def check(options: argparse.Namespace) -> None:
    """Raise an InputError for an option outside its range."""
    if options.count < FEWEST:
        raise InputError(f"--count is {options.count}; it must be from {FEWEST} up, and means little below 1000.")
    if not 0 <= options.seed < SEEDS:
        raise InputError(f"--seed is {options.seed}; it must be from 0 to {SEEDS - 1}.")
    if options.data_size is not None and options.data_size < 1:
        raise InputError(f"--data-size is {options.data_size}; it must be from 1 up.")


def require_torch_fidelity() -> None:
    """Raise an InputError where the package that measures is missing, before minutes are spent on features."""
    if find_spec("torch_fidelity") is None:
        raise InputError(
            "evaluation needs torch_fidelity, which is missing; install it with: pip install -r requirements-train.txt"
        )


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


if __name__ == "__main__":
    sys.exit(main())

"""The figures and pictures of the README's results, all from the bundled checkpoints and without a network.

python -m benchmarks.results table     prints the table, of what dcgan.evaluation left in each checkpoint
python -m benchmarks.results faces     draws docs/faces.png: the default's faces of seeds 0 to 63
python -m benchmarks.results curve     measures all snapshots (a minute each), draws docs/curve.png, prints its points

The curve of what learned from portraits needs their layers: --portraits names a clone or a .zip of the art.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from benchmarks.eye import broken, count_broken
from dcgan.checkpoints import (
    Evaluation,
    Measure,
    facts_of_the_shown,
    load_generator,
    read_evaluation,
    read_training,
    snapshot_names,
)
from dcgan.cli import DONE, Parser, command
from dcgan.config import PORTRAITS_PREFIX
from dcgan.errors import InputError
from dcgan.evaluation import Extractor, features_of, figures, held_out_pictures, open_extractor
from dcgan.files import replacing
from dcgan.images import grid, save_png
from dcgan.latents import seeds_from
from dcgan.layout import BUNDLED, epoch_of
from dcgan.sampling import faces

ROOT = Path(__file__).parent.parent
BUNDLES = [ROOT / "checkpoints" / name for name in BUNDLED]  # the default first
TABLE_HEAD = "| checkpoint | pictures seen | KID x 1000 |"
FACES, COLUMNS = 64, 8
SAMPLES = 2_000  # faces and reals a point of the curve

Curve = dict[int, float]  # pictures seen -> KID x 1000


def table(folders: Sequence[Path] = BUNDLES) -> str:
    """Write what was measured of each checkpoint as Markdown: the floor in brackets, a second measure after a slash."""
    rows = [
        f"{TABLE_HEAD} FD | precision | recall | spread (grey levels) | broken of 64 |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for folder in folders:
        evaluation = _evaluation_of(folder)
        cells = [" / ".join(same) for same in zip(*map(_cells, evaluation.measures), strict=True)]
        cells += [_cell(evaluation, "spread"), _broken_cell(folder)]
        seen = facts_of_the_shown(read_training(folder)).images_seen
        rows.append(f"| {folder.name} | {seen:,} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _evaluation_of(folder: Path) -> Evaluation:
    if evaluation := read_evaluation(folder):
        return evaluation
    raise InputError(f"{folder} has no evaluation of its weights as they are; python -m dcgan.evaluation makes one.")


def _cells(measure: Evaluation | Measure) -> list[str]:
    fakes, floor = measure.fakes.kid, measure.floor.kid
    return [
        "-" if fakes is None or floor is None else f"{1000 * fakes:.4g} ({1000 * floor:.2f})",
        *(_cell(measure, name) for name in ("fd", "precision", "recall")),
    ]


def _cell(measure: Evaluation | Measure, name: str) -> str:
    return f"{getattr(measure.fakes, name):.4g} ({getattr(measure.floor, name):.4g})"


def _broken_cell(folder: Path) -> str:
    try:
        return str(count_broken(broken(folder)))
    except InputError:  # not judged, or not all of it; python -m benchmarks.eye FOLDER --count says which
        return "-"


def draw_faces(path: Path) -> None:
    """Draw the default's faces of the first seeds, none left out."""
    sheet = grid(faces(load_generator(BUNDLES[0]), seeds_from(0, FACES)), COLUMNS)
    with replacing(path) as temporary:
        save_png(sheet, temporary)


def data_of(folder: Path, art: str | None) -> str:
    """Give what `--data` is to be for the kind of pictures that a checkpoint learned from.

    Raises:
        InputError: it learned from portraits, and `art`, a clone or .zip of their layers, isn't given.
    """
    name = read_training(folder).data.name
    if not name.startswith(PORTRAITS_PREFIX):
        return name
    if not art:
        raise InputError(f"{folder.name} learned from {name}; name a clone or a .zip of that art with --portraits.")
    return PORTRAITS_PREFIX + art


def measure_curve(folder: Path, extractor: Extractor, art: str | None = None) -> Curve:
    """Measure the KID of each of a checkpoint's snapshots against pictures that training never draws."""
    training = read_training(folder)
    settings = training.settings()
    reals = held_out_pictures(data_of(folder, art), settings.image_size, settings.portrait_crop, settings.background)
    real_features = features_of(reals, 0, SAMPLES, extractor)
    pictures_an_epoch = training.data.pictures // settings.batch_size * settings.batch_size
    curve = {}
    for name in snapshot_names(folder):
        features = extractor.features(faces(load_generator(folder, name), seeds_from(0, SAMPLES)))
        seen = epoch_of(name) * pictures_an_epoch
        curve[seen] = round(1000 * figures(features, real_features)["kid"], 2)
    return curve


def draw_curve_of_all(path: Path, art: str | None) -> dict[str, Curve]:
    """Measure and plot all bundled checkpoints; returns their points."""
    extractor = open_extractor("efficientnet-lite0", None, torch.device("cpu"))
    curves = {folder.name: measure_curve(folder, extractor, art) for folder in BUNDLES}
    draw_curves(curves, path)
    return curves


def draw_curves(curves: dict[str, Curve], path: Path) -> None:
    """Plot KID over pictures seen, a line for each checkpoint."""
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    for name, curve in curves.items():
        axes.plot(list(curve), list(curve.values()), marker="o", label=name)
    axes.set(xscale="log", yscale="log", xlabel="pictures seen", ylabel="KID x 1000 (EfficientNet-Lite0)")
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 4, 6)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:.0f}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.grid(alpha=0.3, which="both")
    axes.legend(frameon=False)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)


@command
def main(argv: Sequence[str] | None = None) -> int:
    parser = Parser(
        prog="python -m benchmarks.results", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("table", "faces", "curve"), help="of the results")
    parser.add_argument("--portraits", metavar="ART", help="the layers that portraits are composed from")
    options = parser.parse_args(argv)
    if options.what == "table":
        print(table())
    elif options.what == "faces":
        draw_faces(ROOT / "docs" / "faces.png")
    else:
        print(json.dumps(draw_curve_of_all(ROOT / "docs" / "curve.png", options.portraits), indent=2))
    return DONE


if __name__ == "__main__":
    sys.exit(main())

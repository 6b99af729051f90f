"""Are the faces copies? The nearest pictures, and a page to see for oneself."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from dcgan.data import Pictures
from dcgan.evaluation.metrics import rounded
from dcgan.evaluation.nearest import nearest_pictures
from dcgan.evaluation.references import Reals
from dcgan.images import grid

PAIRS = 24  # on the page, of the most alike and of the first seeds each
PAIR_COLUMNS = 6
QUANTILES = {"minimum": 0.0, "5%": 0.05, "median": 0.5, "95%": 0.95}


def same_as_trained(reals: Reals, count: int, pictures: Pictures) -> dict[str, int]:
    """How many of the reals that are held out look, pixel by pixel, like one of the pictures."""
    if not reals.held_out:
        return {}
    known = {hashlib.sha256(picture.tobytes()).digest() for picture in pictures.pixels}
    held_out = (hashlib.sha256(picture.tobytes()).digest() for picture in reals.pixels(0, count))
    return {"same_as_trained": sum(digest in known for digest in held_out)}


def look_for_copies(
    fakes: np.ndarray, reals: np.ndarray, rows_of_reals: np.ndarray | None, pictures: np.ndarray
) -> tuple[dict[str, Any], np.ndarray]:
    """How near faces come to the pictures `(M, S, S, 3)`, against how near reals come to them; and the page of pairs.

    A generator that copies comes nearer than reals do. Of both there are as many. `rows_of_reals` says where the reals
    are among the pictures, if there at all.
    """
    nowhere = np.full(len(fakes), -1)
    own_rows = np.concatenate([nowhere, nowhere if rows_of_reals is None else rows_of_reals])
    distances, rows = nearest_pictures(np.concatenate([fakes, reals]), pictures, own_rows)  # one pass over a large set
    of_fakes, of_reals = np.split(distances, 2)
    found = {
        "pictures": len(pictures),
        "looked_up": len(fakes),
        "fakes": _quantiles(of_fakes),
        "reals": _quantiles(of_reals),
        "nearer_than_5%_of_reals": rounded(float((of_fakes < np.quantile(of_reals, 0.05)).mean())),
    }
    most_alike = np.argsort(of_fakes, kind="stable")[:PAIRS]
    shown = [*most_alike, *range(min(PAIRS, len(fakes)))]
    return found, grid(np.concatenate([fakes[shown], pictures[rows[shown]]], axis=2), PAIR_COLUMNS, gap=8)


def _quantiles(distances: np.ndarray) -> dict[str, float]:
    return {name: rounded(float(np.quantile(distances, q))) for name, q in QUANTILES.items()}

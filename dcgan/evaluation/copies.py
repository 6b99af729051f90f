"""Are the faces copies of training pictures? How near they come to these, and a page to see for oneself."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from dcgan.data import Pictures
from dcgan.evaluation.metrics import to_five_digits
from dcgan.evaluation.nearest import NO_ROW, nearest_pictures
from dcgan.evaluation.references import ReferencePictures
from dcgan.images import grid

PAIRS = 24  # on the page, of the most alike and of the first seeds each
PAIR_COLUMNS = 6
QUANTILES = {"minimum": 0.0, "5%": 0.05, "median": 0.5, "95%": 0.95}


def same_as_trained(reals: ReferencePictures, count: int, pictures: Pictures) -> dict[str, int]:
    """Count the reals that are held out but look, pixel by pixel, like one of the pictures."""
    if not reals.held_out:
        return {}
    known = {hashlib.sha256(picture.tobytes()).digest() for picture in pictures.pixels}
    held_out = (hashlib.sha256(picture.tobytes()).digest() for picture in reals.pixels(0, count))
    return {"same_as_trained": sum(digest in known for digest in held_out)}


def look_for_copies(
    fakes: np.ndarray, reals: np.ndarray, rows_of_reals: np.ndarray | None, pictures: np.ndarray
) -> tuple[dict[str, Any], np.ndarray]:
    """Measure how near faces come to the pictures `(M, S, S, 3)`, against how near reals come to them.

    A generator that copies comes nearer than reals do. There are as many faces as reals, both `(N, S, S, 3)`, uint8.
    `rows_of_reals` `(N,)` says where the reals are among the pictures; None where they are not. Returns the figures,
    with distances in grey levels, and the page of pairs `(H, W, 3)`.
    """
    nowhere = np.full(len(fakes), NO_ROW)
    own_rows = np.concatenate([nowhere, nowhere if rows_of_reals is None else rows_of_reals])
    # both at once, so that a large set is read only once
    distances, rows = nearest_pictures(np.concatenate([fakes, reals]), pictures, own_rows)
    of_fakes, of_reals = np.split(distances, 2)
    found = {
        "pictures": len(pictures),
        "looked_up": len(fakes),
        "fakes": _quantiles(of_fakes),
        "reals": _quantiles(of_reals),
        "nearer_than_5%_of_reals": to_five_digits(float((of_fakes < np.quantile(of_reals, 0.05)).mean())),
    }
    most_alike = np.argsort(of_fakes, kind="stable")[:PAIRS]
    shown = [*most_alike, *range(min(PAIRS, len(fakes)))]
    return found, _page(fakes[shown], pictures[rows[shown]])


def _page(fakes: np.ndarray, nearest: np.ndarray) -> np.ndarray:
    """Put each face beside its nearest picture."""
    return grid(np.concatenate([fakes, nearest], axis=2), PAIR_COLUMNS, gap=8)


def _quantiles(distances: np.ndarray) -> dict[str, float]:
    return {name: to_five_digits(float(np.quantile(distances, q))) for name, q in QUANTILES.items()}

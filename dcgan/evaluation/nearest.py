"""Pictures compared with pictures, pixel by pixel: which are the nearest, and how much a set of them differs.

Distances are in grey levels (0 to 255): the root of the mean squared difference at COMPARED_SIDE pixels a side, where
dust and a line shifted by a pixel hardly count.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

COMPARED_SIDE = 32
CHUNK = 4096  # pictures of a large set that are looked at in one go
NO_ROW = -1  # of a query that is not among the pictures


def thumbnails(pixels: np.ndarray) -> Tensor:
    """Average pixels `(N, S, S, 3)`, uint8, down to about COMPARED_SIDE a side: vectors `(N, D)`, float32."""
    images = torch.from_numpy(np.array(pixels)).permute(0, 3, 1, 2).float()
    return F.avg_pool2d(images, max(1, images.shape[-1] // COMPARED_SIDE)).flatten(1)


def nearest_pictures(
    queries: np.ndarray, pictures: np.ndarray, own_rows: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Find for each query `(N, S, S, 3)` the nearest of the pictures `(M, S, S, 3)`: distances and rows, both `(N,)`.

    Distances are in grey levels. `own_rows` `(N,)` says where each query itself is among the pictures, NO_ROW where it
    is not; its own row is never its nearest. Of equally near pictures the first counts.
    """
    wanted = thumbnails(queries)
    own = torch.full((len(wanted),), NO_ROW) if own_rows is None else torch.from_numpy(np.asarray(own_rows))
    rows = _nearest_rows(wanted, pictures, own)
    # Computed again, as cdist is exact only to a tenth of a level, and a copy should be at 0
    found = thumbnails(pictures[rows.numpy()])
    return (wanted - found).square().mean(dim=1).sqrt().numpy(), rows.numpy()


def _nearest_rows(wanted: Tensor, pictures: np.ndarray, own: Tensor) -> Tensor:
    """Go through the pictures a chunk at a time, and keep the row of the nearest so far."""
    nearest = torch.full((len(wanted),), torch.inf)
    rows = torch.zeros(len(wanted), dtype=torch.long)
    for start in range(0, len(pictures), CHUNK):
        distances = torch.cdist(wanted, thumbnails(pictures[start : start + CHUNK]))
        here = (own >= start) & (own < start + distances.shape[1])
        distances[here, own[here] - start] = torch.inf
        found, row = distances.min(dim=1)
        nearer = found < nearest
        nearest, rows = torch.where(nearer, found, nearest), torch.where(nearer, row + start, rows)
    return rows


def spread(pixels: np.ndarray) -> float:
    """Measure how much pictures `(N, S, S, 3)` differ: the mean distance of two, in grey levels; 0 where all are equal.

    It is cheap: a thousand pictures take less than a second.
    """
    vectors = thumbnails(pixels)
    count, length = vectors.shape
    return float(torch.cdist(vectors, vectors).sum() / (count * (count - 1)) / length**0.5)

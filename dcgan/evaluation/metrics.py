"""How far two sets of pictures are apart: KID, Fréchet distance, precision and recall of their features."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dcgan.data import cache_root
from dcgan.errors import InputError
from dcgan.evaluation.extractors import Extractor
from dcgan.evaluation.references import ReferencePictures
from dcgan.files import replacing

SUBSET = 1000  # pictures in each estimate of KID, or as many as there are
SUBSETS = 100
FEATURES_KEPT = 1000  # in each file of the cache
NEIGHBOURHOOD = 3  # of precision and recall: a picture's region reaches to its 3rd nearest neighbour
SUBSET_SEED = 2020
MEASURED_BY = ("torch", "torch-fidelity")


def compare(fakes: np.ndarray, reals: ReferencePictures, extractor: Extractor) -> dict[str, Any]:
    """Compare faces `(N, S, S, 3)`, uint8, with N reals, and these with N other reals; says how it was measured, too.

    The second comparison is the floor: the figures that pictures of the same source would get.
    """
    count = len(fakes)
    real_features, other_features = (features_of(reals, first, count, extractor) for first in (0, count))  # (N, D) each
    return {
        "extractor": extractor.facts() | {"distance": extractor.distance, "features": real_features.shape[1]},
        "fakes": figures(extractor.features(fakes), real_features, extractor.distance),
        "floor": figures(other_features, real_features, extractor.distance),
        "samples": {"fakes": count, "reals": count, "other_reals": count},
        "kid": {"subsets": _subsets(count), "subset_size": min(SUBSET, count)},
        "versions": {name: version(name) for name in MEASURED_BY},
    }


def figures(fakes: Tensor, reals: Tensor, distance: str = "FD") -> dict[str, float]:
    """Measure how far two sets of features `(N, D)` are apart: KID, Fréchet distance, precision and recall.

    KID: Bińkowski et al. 2018 (https://arxiv.org/abs/1801.01401), cubic kernel, unbiased. Fréchet distance of two
    normal distributions: Dowson and Landau 1982 (https://doi.org/10.1016/0047-259X(82)90077-X), of features as Heusel
    et al. 2017 have it (https://arxiv.org/abs/1706.08500); `distance` in lower case is its key. Precision and recall:
    Kynkäänniemi et al. 2019 (https://arxiv.org/abs/1904.06991).
    """
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
    from torch_fidelity.metric_kid import kid_features_to_metric

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
    measured = {
        "kid": kid["kernel_inception_distance_mean"],
        "kid_std": kid["kernel_inception_distance_std"],
        distance.lower(): frechet["frechet_inception_distance"],
    }
    return {name: to_five_digits(value) for name, value in measured.items()} | overlap(fakes, reals)


def overlap(fakes: Tensor, reals: Tensor) -> dict[str, float]:
    """Measure precision and recall of features `(N, D)` as `figures` does, without the rest of its work."""
    from torch_fidelity.metric_prc import prc_features_to_metric

    found = prc_features_to_metric(fakes, reals, prc_neighborhood=NEIGHBOURHOOD, verbose=False)
    return {name: to_five_digits(found[name]) for name in ("precision", "recall")}


def features_of(reals: ReferencePictures, first: int, count: int, extractor: Extractor) -> Tensor:
    """Give the features `(count, D)`, float32, of `count` reals from number `first`, from the cache where it has them.

    They are kept a thousand at a time, so that evaluations with other counts share them.
    """
    starts = [first, *range(first - first % FEATURES_KEPT + FEATURES_KEPT, first + count, FEATURES_KEPT), first + count]
    return torch.cat([_kept_features(reals, start, stop - start, extractor) for start, stop in pairwise(starts)])


def _kept_features(reals: ReferencePictures, first: int, count: int, extractor: Extractor) -> Tensor:
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


def _subsets(count: int) -> int:
    return SUBSETS if count > SUBSET else 1  # a subset of all pictures is always the same one


def to_five_digits(value: float) -> float:
    """Round to five significant digits: further ones depend on how many threads the machine has."""
    return float(f"{value:.5g}")

"""The losses: what the two networks minimise, computed from D's logits."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from dcgan.models import Discriminator


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor, kind: str) -> Tensor:
    """Compute what D minimises, from logits `(N,)` of reals and of fakes.

    `bce`: cross entropy with reals as 1 and fakes as 0 (Goodfellow et al. 2014,
    https://arxiv.org/abs/1406.2661); `hinge`: Lim and Ye 2017, https://arxiv.org/abs/1705.02894;
    `relativistic`: cross entropy of "the i-th real is more real than the i-th fake" (RpGAN, Jolicoeur-Martineau 2018,
    https://arxiv.org/abs/1807.00734; as in Huang et al. 2024, https://arxiv.org/abs/2501.05441).
    """
    if kind == "relativistic":
        return F.softplus(fake_logits - real_logits).mean()  # (N,) to a scalar
    if kind == "hinge":
        return F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


def generator_loss(fake_logits: Tensor, kind: str, real_logits: Tensor | None = None) -> Tensor:
    """Compute what G minimises, from logits `(N,)` of fakes, and for `relativistic` of the reals paired with them.

    `bce`: cross entropy with fakes as 1, the non-saturating form; `hinge`: minus the mean logit; `relativistic`: cross
    entropy of "the i-th fake is more real than the i-th real". The sources are those of `discriminator_loss`.
    """
    if kind == "relativistic":
        assert real_logits is not None, "each fake needs a real to be compared with"
        return F.softplus(real_logits - fake_logits).mean()
    return -fake_logits.mean() if kind == "hinge" else F.softplus(-fake_logits).mean()


def belief(logits: Tensor, others: Tensor | None, kind: str) -> Tensor:
    """Compute D's mean belief that pictures are real, from 0 to 1, of their logits `(N,)`.

    For `relativistic` it is the belief that each is more real than its partner in `others` `(N,)`, since a single logit
    means nothing there.
    """
    if kind == "relativistic":
        assert others is not None, "each picture needs another to be compared with"
        logits = logits - others
    return logits.detach().sigmoid().mean()


def gradient_penalty(discriminator: Discriminator, images: Tensor) -> Tensor:
    """Compute D's squared gradient at the images `(N, C, S, S)`, mean over the batch; without the factor gamma / 2.

    R1 at reals, R2 at fakes (Mescheder et al. 2018, https://arxiv.org/abs/1801.04406).
    """
    images = images.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(discriminator(images).sum(), images, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean()  # (N, C, S, S) to (N,) to a scalar

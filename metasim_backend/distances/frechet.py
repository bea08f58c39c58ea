"""Distances that report how alike two sets of pictures are, on any features.

Under which names they are reported is said in ``picture_distances``.
"""

from __future__ import annotations

import torch
from torch import Tensor

from metasim_backend.distances.mmd import MatchingError


def frechet_distance(x: Tensor, y: Tensor) -> Tensor:
    """Squared Fréchet distance between Gaussians fitted to two sets (Heusel et al. 2017, eq. 6).

        |μ_x - μ_y|² + tr(Σ_x + Σ_y - 2 (Σ_x Σ_y)^½)

    With centred X, Σ = Xᵀ X / (N - 1), the eigenvalues of Σ_x Σ_y are the squared singular values
    of X Yᵀ / √((N - 1)(M - 1)): no matrix square root is needed, and few pictures of many
    dimensions do no harm to its precision. Computed in float64.

    Args:
        x, y: [N, D] and [M, D], N, M >= 2.

    Returns:
        A float64 scalar without gradient.

    Raises:
        MatchingError: too few vectors or different D.
    """
    x, y = paired(x, y)
    a = (x - x.mean(0)) / (len(x) - 1) ** 0.5
    b = (y - y.mean(0)) / (len(y) - 1) ** 0.5
    spread = (
        a.square().sum()
        + b.square().sum()
        - 2 * torch.linalg.matrix_norm(_triangle(a) @ _triangle(b).T, "nuc")
    )
    return (x.mean(0) - y.mean(0)).square().sum() + spread


def kernel_distance(x: Tensor, y: Tensor) -> Tensor:
    """Unbiased MMD² with the kernel (a·b / D + 1)³ (Binkowski et al., "Demystifying MMD GANs").

    Args, result and errors as :func:`frechet_distance`.
    """
    x, y = paired(x, y)
    n, m, d = len(x), len(y), x.shape[1]
    xx, yy, xy = ((a @ b.T / d + 1) ** 3 for a, b in ((x, x), (y, y), (x, y)))
    return (
        (xx.sum() - xx.diagonal().sum()) / (n * (n - 1))
        + (yy.sum() - yy.diagonal().sum()) / (m * (m - 1))
        - 2 * xy.mean()
    )


def paired(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Two sets of features that may be compared, as float64 without gradient.

    Raises:
        MatchingError: too few vectors or different D.
    """
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1] or min(len(x), len(y)) < 2:
        raise MatchingError(
            f"Feature sets of shapes {tuple(x.shape)} and {tuple(y.shape)} cannot be compared; "
            "give [N, D] and [M, D] with at least 2 vectors each."
        )
    return x.detach().double(), y.detach().double()


def _triangle(a: Tensor) -> Tensor:
    """A matrix with the same aᵀ a and at most D rows."""
    return torch.linalg.qr(a, mode="r").R if len(a) > a.shape[1] else a

r"""The sliced energy distance between sets of readings, with noise that is integrated exactly.

Of two distributions on a line with distribution functions F and G the energy distance is

.. math:: 2 \int (F(x) - G(x))^2 \, dx

(Székely and Rizzo 2013; with the kernel −|x − y| it is an MMD²). Its gradient does not fade where
both lie far apart, and where samples of F are only known up to normal noise, F is a mean of normal
distribution functions: nothing has to be drawn. In more dimensions it is taken along directions.

Readings are whitened first. So a direction in which readings hardly vary counts as much as
another, and one mean that is off by δ standard deviations costs about δ² / √π, as it does in a
likelihood.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

LEAST_VARIANCE = 0.05
"""Of the largest; what varies less along a principal axis is left out. Where readings
hardly vary, a surrogate's own error is all that shows."""
LEAST_NOISE = 0.03
EXPECTED_COUNT = 50.0
REACH = 5.0
STEPS = 61


@dataclass(frozen=True, eq=False)
class SlicedEnergy:
    """The distance to one target.

    Attributes:
        centre: [C], the readings' mean over reference and target.
        directions: [C, S], whitening and slicing in one.
        weights: [S], of the slices; they add to the number of whitened dimensions.
        places: [G], where distribution functions are compared.
        target: [S, G], the target's distribution functions there.
    """

    centre: Tensor
    directions: Tensor
    weights: Tensor
    places: Tensor
    target: Tensor

    def __call__(self, readings: Tensor, counts: Tensor | None = None) -> Tensor:
        """The distance of readings [N, C] that count [N] each; None: all alike."""
        return self._of(_steps(self.sliced(readings), _shares(readings, counts), self.places))

    def smoothed(
        self, means: Tensor, counts: Tensor, covariance: Tensor, spreads: Tensor | None = None
    ) -> Tensor:
        """The distance of readings that are normal about means [N, C]; differentiable in means and
        counts [N].

        Args:
            covariance: [C, C], of readings divided by their spreads.
            spreads: [N, C]; None: all are 1, so the covariance is that of the readings.
        """
        deviation = self.deviations(covariance, spreads)
        return self._of(_normal(self.sliced(means), _shares(means, counts), deviation, self.places))

    def deviations(self, covariance: Tensor, spreads: Tensor | None = None) -> Tensor:
        """[N or 1, S]: the noise's standard deviation along each direction; arguments as of
        :meth:`smoothed`."""
        if spreads is None:
            variance = (self.directions * (covariance @ self.directions)).sum(0)[None]
        else:
            scaled = spreads[:, :, None] * self.directions
            variance = (scaled * torch.einsum("cd,nds->ncs", covariance, scaled)).sum(1)
        return variance.clamp_min(LEAST_NOISE**2).sqrt()

    def sliced(self, readings: Tensor) -> Tensor:
        """[N, S]: readings [N, C] along each direction."""
        return (readings - self.centre) @ self.directions

    def _of(self, functions: Tensor) -> Tensor:
        step = self.places[1] - self.places[0]
        return 2 * step * ((functions - self.target).square().sum(1) * self.weights).sum()


def sliced_energy(
    target: Tensor,
    reference: Tensor,
    slices: int,
    source: torch.Generator,
    target_counts: Tensor | None = None,
    reference_counts: Tensor | None = None,
    expected: Tensor | None = None,
) -> SlicedEnergy:
    """The distance to a target's readings.

    Half of the weight is on the readings themselves, a quarter each on the principal axes and on
    random directions, which see what readings have to do with one another.

    Args:
        target: [N, C].
        reference: [M, C], readings of the generator; both together give the scale.
        slices: how many random directions there are.
        source: draws them.
        target_counts, reference_counts: [N], [M], how much a row counts; None: all alike.
        expected: [C, C], the covariance that readings of this kind have; it counts like
            :data:`EXPECTED_COUNT` rows, as few rows do not tell how little one varies for given
            others. None: none is expected.

    Raises:
        ValueError: nothing varies.
    """
    shares = _shares(target, target_counts)
    both = torch.cat([target, reference])
    half = torch.cat([shares, _shares(reference, reference_counts)]) / 2
    centre = (both * half[:, None]).sum(0)
    apart = both - centre
    covariance = (apart * half[:, None]).T @ apart
    if expected is not None:
        count = float(len(target) if target_counts is None else target_counts.sum())
        covariance = (count * covariance + EXPECTED_COUNT * expected) / (count + EXPECTED_COUNT)
    variances, axes = torch.linalg.eigh(covariance)
    kept = variances > LEAST_VARIANCE * variances.max()
    if not bool(variances.max() > 0):
        raise ValueError("All readings are equal, so they cannot be compared.")
    whitening = axes[:, kept] / variances[kept].sqrt()
    dimensions = whitening.shape[1]
    plain = torch.linalg.pinv(whitening)
    random = torch.randn(dimensions, slices, generator=source).to(target)
    chosen = [plain, torch.eye(dimensions).to(target), random]
    on_axes = 0.25 if slices else 0.5
    parts = [0.5 / plain.shape[1], on_axes / dimensions, 0.25 / max(slices, 1)]
    directions = torch.cat([d / d.norm(dim=0).clamp_min(1e-9) for d in chosen], 1)
    weights = torch.cat(
        [torch.full((d.shape[1],), dimensions * p) for d, p in zip(chosen, parts, strict=True)]
    )
    places = torch.linspace(-REACH, REACH, STEPS).to(target)
    sliced = (target - centre) @ (whitening @ directions)
    return SlicedEnergy(
        centre,
        whitening @ directions,
        weights.to(target),
        places,
        _steps(sliced, shares, places),
    )


def _shares(readings: Tensor, counts: Tensor | None) -> Tensor:
    if counts is None:
        return torch.full_like(readings[:, 0], 1 / max(len(readings), 1))
    return counts / counts.sum().clamp_min(1e-9)


def _steps(sliced: Tensor, shares: Tensor, places: Tensor) -> Tensor:
    """[S, G]: empirical distribution functions of [N, S] values with shares [N]."""
    ordered, order = sliced.T.contiguous().sort(dim=1)
    below = torch.searchsorted(ordered, places.expand(len(ordered), -1).contiguous(), right=True)
    sums = torch.nn.functional.pad(shares[order].cumsum(1), (1, 0))
    return sums.gather(1, below)


def _normal(sliced: Tensor, shares: Tensor, deviation: Tensor, places: Tensor) -> Tensor:
    """[S, G]: means of normal distribution functions about [N, S] values with [N or 1, S]
    deviations."""
    scale = 1 / (math.sqrt(2) * deviation.T)[:, :, None]
    apart = (places[None, None] - sliced.T[:, :, None]) * scale
    return 0.5 + 0.5 * torch.einsum("n,sng->sg", shares, torch.erf(apart))

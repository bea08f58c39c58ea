"""The likelihood of readings under a mixture of normals, against scipy, and what it can see."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from metasim_backend.distances.mixture_likelihood import MISREAD, WIDER, mixture_likelihood


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def test_it_is_scipys_density_of_the_mixture():
    readings, around = normal(30, 3, seed=1), normal(200, 3, seed=2)
    counts = torch.rand(30, generator=generator(3), dtype=torch.float64)
    means, weights = normal(20, 3, seed=4), torch.rand(20, generator=generator(5)).double()
    spreads = 0.3 + torch.rand(20, 3, generator=generator(6), dtype=torch.float64)
    root = torch.tensor([[1.0, 0, 0], [0.5, 0.9, 0], [0.1, -0.3, 1.1]], dtype=torch.float64)
    covariance = root @ root.T
    found = mixture_likelihood(readings, counts, around)(means, weights, covariance, spreads)
    density = np.zeros(30)
    for mean, weight, spread in zip(means, weights / weights.sum(), spreads, strict=True):
        own = np.diag(spread) @ (covariance + 1e-3 * torch.eye(3)).numpy() @ np.diag(spread)
        density += float(weight) * stats.multivariate_normal(mean.numpy(), own).pdf(readings)
    wide = WIDER**2 * np.cov(around.numpy().T) + 1e-3 * np.eye(3)
    misread = stats.multivariate_normal(around.mean(0).numpy(), wide).pdf(readings)
    expected = -(counts.numpy() * np.log((1 - MISREAD) * density + MISREAD * misread)).sum()
    assert float(found) == pytest.approx(expected, rel=1e-6)


def test_the_gradient_is_that_of_the_likelihood():
    readings, means = normal(15, 2, seed=1), normal(8, 2, seed=2).requires_grad_()
    weights = torch.rand(8, generator=generator(3)).double().requires_grad_()
    likelihood = mixture_likelihood(readings, torch.ones(15).double(), readings)
    covariance, spreads = torch.eye(2).double(), torch.full((8, 2), 0.6).double()
    assert torch.autograd.gradcheck(
        lambda m, w: likelihood(m, w, covariance, spreads), (means, weights)
    )


def test_a_shift_is_seen_by_what_is_read_well_though_all_is_strewn_widely():
    """Readings lie about places far apart, half of them read exactly; all move by half a unit. The
    exact half says N/2 δ² / 2σ²; beside the spread of the places it is nothing."""
    places = 10 * torch.arange(40).double().repeat(10)[:, None]
    spreads = torch.tensor([0.25, 5.0]).double().repeat(200)[:, None]
    noise = spreads * normal(400, 1, seed=1)
    likelihood = mixture_likelihood(places + 0.5 + noise, torch.ones(400).double(), places)
    even, alone = torch.ones(400).double(), torch.eye(1).double()
    still = float(likelihood(places, even, alone, spreads))
    moved = float(likelihood(places + 0.5, even, alone, spreads))
    assert still - moved == pytest.approx(200 * 0.5**2 / (2 * 0.25**2), rel=0.2)
    assert 0.5 / float(places.std()) < 0.01


def test_one_absurd_reading_does_not_decide():
    readings = normal(100, 1, seed=1)
    absurd = torch.cat([readings, torch.tensor([[60.0]]).double()])
    even, alone = torch.ones(101).double(), torch.eye(1).double()
    likelihood = mixture_likelihood(absurd, even, readings)
    shifts = torch.linspace(-1, 1, 201).double()
    costs = [
        float(likelihood(s.view(1, 1), torch.ones(1).double(), alone, torch.ones(1, 1).double()))
        for s in shifts
    ]
    best = float(shifts[int(np.argmin(costs))])
    assert best == pytest.approx(float(readings.mean()), abs=0.05)
    assert math.isfinite(max(costs))

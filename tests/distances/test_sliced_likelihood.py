"""Against scipy's normal density, and beside the energy distance along the same directions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from metasim_backend.distances.mixture_likelihood import MISREAD, WIDER
from metasim_backend.distances.sliced_energy import sliced_energy
from metasim_backend.distances.sliced_likelihood import sliced_likelihood

COUNT = 2000
NORMAL = torch.from_numpy(stats.norm.ppf((np.arange(COUNT) + 0.5) / COUNT)).float()[:, None]
"""A standard normal distribution's readings, without chance."""


def source() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_along_a_line_it_is_scipys_mixture():
    target = torch.tensor([[0.3], [-1.0], [2.5], [0.1]])
    slices = sliced_energy(target, target, 2, source())
    means, spreads = torch.tensor([[0.0], [1.0]]), torch.tensor([[0.5], [0.8]])
    covariance = torch.tensor([[1.2]])
    at, centre = target[:, 0].numpy(), target.mean().item()
    wide = WIDER * target.std(correction=0).item()
    deviations = (spreads * math.sqrt(1.2))[:, 0].numpy()
    near = stats.norm.pdf(at[:, None], means[:, 0].numpy(), deviations).mean(1)
    density = (1 - MISREAD) * near + MISREAD * stats.norm.pdf(at, centre, wide)
    # Whitened readings are divided by their deviation, so densities are multiplied by it.
    expected = -np.log(density * target.std(correction=0).item()).sum()
    found = sliced_likelihood(slices, target)(means, covariance, spreads)
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_it_says_three_times_as_much_of_a_spread_as_the_energy_distance_and_as_much_of_a_mean():
    energy = sliced_energy(NORMAL, NORMAL, 0, source())
    likelihood = sliced_likelihood(energy, NORMAL)

    def both(mean: float, spread: float) -> np.ndarray:
        means, spreads = torch.tensor([[mean]]), torch.tensor([[spread]])
        one = torch.ones(1, 1)
        of_energy = math.sqrt(math.pi) / 2 * COUNT * energy.smoothed(means, one[0], one, spreads)
        return np.array([float(of_energy), float(likelihood(means, one, spreads))])

    right = both(0, 1)
    moved = (both(-0.1, 1) + both(0.1, 1)) / 2 - right
    widened = (both(0, 0.9) + both(0, 1.1)) / 2 - right
    # Some of what is far out is put down to misreading: without that it would be four times.
    assert moved == pytest.approx(COUNT * 0.1**2 / 2, rel=0.15)
    assert widened == pytest.approx(COUNT * 0.1**2 * np.array([1 / 4, 3 / 4]), rel=0.1)


def test_directions_of_one_reading_twice_count_it_once():
    """The weights add to the number of whitened dimensions."""
    twice = torch.cat([NORMAL, NORMAL], 1)
    once = sliced_likelihood(sliced_energy(NORMAL, NORMAL, 0, source()), NORMAL)
    slices = sliced_energy(twice, twice, 8, source())
    both = sliced_likelihood(slices, twice)
    assert float(slices.weights.sum()) == pytest.approx(1, abs=1e-5)

    def rise(likelihood, size: int) -> float:
        covariance = torch.ones(size, size)
        at = [
            float(likelihood(torch.full((1, size), mean), covariance, torch.ones(1, size)))
            for mean in (0.0, 0.3)
        ]
        return at[1] - at[0]

    assert rise(both, 2) == pytest.approx(rise(once, 1), rel=0.01)


def test_a_reading_from_far_away_does_not_decide():
    slices = sliced_energy(NORMAL, NORMAL, 0, source())
    far = torch.cat([NORMAL, torch.full((1, 1), 40.0)])
    arguments = torch.zeros(1, 1), torch.ones(1, 1), torch.ones(1, 1)
    without = sliced_likelihood(slices, NORMAL)(*arguments)
    assert float(sliced_likelihood(slices, far)(*arguments) - without) < 500  # 800 by a normal

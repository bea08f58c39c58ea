"""The sliced energy distance against scipy's, and its noise against drawn samples."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import stats

from metasim_backend.distances.sliced_energy import sliced_energy


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def target() -> torch.Tensor:
    return torch.randn(400, 1, generator=generator(1), dtype=torch.float64)


def whitened(target: torch.Tensor, reference: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Values by the mean and deviation of both halves alike, as the distance takes them."""
    mean = (target.mean(0) + reference.mean(0)) / 2
    square = ((target - mean).square().mean(0) + (reference - mean).square().mean(0)) / 2
    return (values - mean) / square.sqrt()


@pytest.mark.parametrize("shift", [0.0, 0.3, 2.0])
def test_in_one_dimension_it_is_scipys_energy_distance(target: torch.Tensor, shift: float):
    reference = 1.5 * torch.randn(300, 1, generator=generator(2), dtype=torch.float64) + shift
    counts = torch.rand(300, generator=generator(3), dtype=torch.float64)
    distance = sliced_energy(target, reference, 3, generator())
    first, second = (whitened(target, reference, x)[:, 0].numpy() for x in (reference, target))
    expected = stats.energy_distance(first, second, u_weights=counts.numpy()) ** 2
    assert float(distance(reference, counts)) == pytest.approx(expected, rel=0.05, abs=2e-3)


def test_noise_is_what_samples_with_that_noise_would_give():
    target = torch.randn(200, 3, generator=generator(1), dtype=torch.float64)
    means = torch.randn(500, 3, generator=generator(2), dtype=torch.float64) + 0.4
    counts = torch.rand(500, generator=generator(3), dtype=torch.float64)
    root = torch.tensor([[0.9, 0, 0], [0.3, 1.2, 0], [0, -0.2, 0.8]], dtype=torch.float64)
    distance = sliced_energy(target, means, 5, generator())
    exact = float(distance.smoothed(means, counts, root @ root.T))
    noise = torch.randn(400, 500, 3, generator=generator(4), dtype=torch.float64) @ root.T
    drawn = (means + noise).reshape(-1, 3)
    assert float(distance(drawn, counts.repeat(400))) == pytest.approx(exact, rel=0.02)
    assert exact != pytest.approx(float(distance(means, counts)), rel=0.05)


def test_spreads_of_each_reading_are_what_samples_with_them_would_give():
    target = torch.randn(200, 2, generator=generator(1), dtype=torch.float64)
    means = torch.randn(300, 2, generator=generator(2), dtype=torch.float64) + 0.4
    spreads = 0.2 + 2 * torch.rand(300, 2, generator=generator(3), dtype=torch.float64)
    root = torch.tensor([[1.0, 0], [0.6, 0.8]], dtype=torch.float64)
    distance = sliced_energy(target, means, 5, generator())
    even = torch.ones(300, dtype=torch.float64)
    exact = float(distance.smoothed(means, even, root @ root.T, spreads))
    noise = torch.randn(400, 300, 2, generator=generator(4), dtype=torch.float64) @ root.T
    assert float(distance((means + spreads * noise).reshape(-1, 2))) == pytest.approx(
        exact, rel=0.02
    )
    alike = distance.smoothed(means, even, root @ root.T, torch.full_like(spreads, 0.5))
    assert float(alike) == pytest.approx(float(distance.smoothed(means, even, root @ root.T / 4)))


def test_a_shift_costs_what_theory_says():
    """δ² / √π for normal distributions that lie a small δ apart, in each dimension."""
    even = torch.linspace(0.0005, 0.9995, 1000, dtype=torch.float64)
    line = math.sqrt(2) * torch.erfinv(2 * even - 1)
    distance = sliced_energy(line[:, None], line[:, None], 0, generator())
    shifted = float(distance(line[:, None] + 0.2))
    assert shifted == pytest.approx(0.2**2 / math.sqrt(math.pi), rel=0.03)


def test_the_gradient_is_that_of_the_distance():
    target = torch.randn(50, 2, generator=generator(1), dtype=torch.float64)
    means = torch.randn(20, 2, generator=generator(2), dtype=torch.float64).requires_grad_()
    counts = torch.rand(20, generator=generator(3), dtype=torch.float64).requires_grad_()
    distance = sliced_energy(target, means.detach(), 4, generator())
    covariance = 0.3 * torch.eye(2, dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda m, c: distance.smoothed(m, c, covariance), (means, counts)
    )


def test_the_unit_of_readings_does_not_matter():
    """Whitening: turned, stretched alike and moved, readings are as far apart as before."""
    target = torch.randn(300, 2, generator=generator(1), dtype=torch.float64)
    reference = torch.randn(300, 2, generator=generator(2), dtype=torch.float64) + 0.3
    plain = sliced_energy(target, reference, 0, generator())
    moved = sliced_energy(20 * target + 3, 20 * reference + 3, 0, generator())
    assert float(moved(20 * reference + 3)) == pytest.approx(float(plain(reference)), rel=1e-6)


def test_readings_that_are_all_equal_are_refused():
    same = torch.ones(10, 2)
    with pytest.raises(ValueError, match="All readings are equal"):
        sliced_energy(same, same, 2, generator())

import pytest
import torch

from metasim_backend.matching.frechet import kernel_distance
from metasim_backend.matching.kernel_distance import kernel_distance_by_subsets
from metasim_backend.matching.mmd import MatchingError


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def stream(seed=0):
    return torch.Generator().manual_seed(seed)


def test_subsets_of_all_pictures_are_the_whole_distance():
    x, y = draw(30, 5), draw(30, 5, seed=1) + 0.4
    found = kernel_distance_by_subsets(x, y, "some network", stream(), size=50, subsets=3)
    assert found.mean == pytest.approx(kernel_distance(x, y).item())
    assert found.spread == pytest.approx(0, abs=1e-12) and found.size == 30


def test_mean_over_subsets_agrees_with_the_closed_form():
    """x ~ N(0, I) and y ~ N(m, I) in D dimensions with k = (a·b/D + 1)³: for independent normal
    vectors E(a·b) = μa·μb, and E(a·b)² and E(a·b)³ follow from their moments."""
    dimension, shift = 3, torch.tensor([0.8, 0.0, 0.0], dtype=torch.float64)
    x, y = draw(4000, dimension), draw(4000, dimension, seed=1) + shift

    def mean_kernel(first, second):
        """By moments: given a, a·b is normal with mean a·μ and variance |a|²."""
        a = draw(200_000, dimension, seed=5) + first
        m, v = a @ second / dimension + 1, a.square().sum(1) / dimension**2
        return (m**3 + 3 * m * v).mean().item()

    zero = torch.zeros_like(shift)
    expected = mean_kernel(zero, zero) + mean_kernel(shift, shift) - 2 * mean_kernel(zero, shift)
    found = kernel_distance_by_subsets(x, y, "", stream(), size=400, subsets=60)
    error = 3 * found.spread / 10**0.5  # 4,000 pictures hold ten disjoint subsets
    assert found.mean == pytest.approx(expected, abs=error)
    assert found.mean > 3 * error


def test_same_generator_same_number_and_the_name_is_the_features():
    x, y = draw(40, 3), draw(50, 3, seed=1)
    first, second = (
        kernel_distance_by_subsets(x, y, "a small network", stream(3), size=10, subsets=5)
        for _ in range(2)
    )
    assert first == second
    assert "on a small network, 5 subsets of 10" in str(first) and "KID" not in str(first)


@pytest.mark.parametrize("size,subsets", [(1, 10), (5, 1)])
def test_too_few_are_refused(size, subsets):
    with pytest.raises(MatchingError, match="at least 2"):
        kernel_distance_by_subsets(draw(9, 2), draw(9, 2), "", stream(), size=size, subsets=subsets)

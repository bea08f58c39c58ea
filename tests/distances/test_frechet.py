import numpy as np
import pytest
import scipy.linalg
import torch

from metasim_backend.distances.frechet import frechet_distance, kernel_distance
from metasim_backend.distances.mmd import MatchingError


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def by_matrix_square_root(x, y):
    x, y = x.numpy(), y.numpy()
    a, b = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = scipy.linalg.sqrtm(a @ b).real
    return ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(a + b - 2 * root)


@pytest.mark.parametrize(("n", "m"), [(50, 60), (9, 60), (8, 7)])
def test_frechet_distance_equals_scipys_matrix_square_root(n, m):
    x, y = draw(n, 6), 0.3 + draw(m, 6, seed=1) @ draw(6, 6, seed=2)
    assert frechet_distance(x, y).item() == pytest.approx(by_matrix_square_root(x, y), rel=1e-6)


def test_frechet_distance_with_fewer_pictures_than_dimensions():
    x = draw(5, 40)
    assert frechet_distance(x, x.flip(0)).item() == pytest.approx(0, abs=1e-9)
    assert frechet_distance(x, x + 2).item() == pytest.approx(160, rel=1e-9)


def test_kernel_distance_equals_a_double_loop():
    x, y = draw(6, 4), draw(8, 4, seed=1) + 0.5
    k = lambda a, b: (float(a @ b) / 4 + 1) ** 3  # noqa: E731
    within = lambda z: np.mean(  # noqa: E731
        [k(a, b) for i, a in enumerate(z) for j, b in enumerate(z) if i != j]
    )
    expected = within(x) + within(y) - 2 * np.mean([k(a, b) for a in x for b in y])
    assert kernel_distance(x, y).item() == pytest.approx(expected, rel=1e-12)


def test_kernel_distance_agrees_with_the_closed_form():
    """x ~ N(0, I) and y ~ N(m, I) in D dimensions with k = (a·b/D + 1)³: given a, a·b is normal
    with mean a·m and variance |a|²."""
    dimension, shift = 3, torch.tensor([0.8, 0.0, 0.0], dtype=torch.float64)
    x, y = draw(4000, dimension), draw(4000, dimension, seed=1) + shift

    def mean_kernel(first, second):
        a = draw(200_000, dimension, seed=5) + first
        m, v = a @ second / dimension + 1, a.square().sum(1) / dimension**2
        return (m**3 + 3 * m * v).mean().item()

    zero = torch.zeros_like(shift)
    expected = mean_kernel(zero, zero) + mean_kernel(shift, shift) - 2 * mean_kernel(zero, shift)
    found = [kernel_distance(a, b).item() for a, b in zip(x.split(400), y.split(400), strict=True)]
    error = 3 * np.std(found, ddof=1) / 10**0.5
    assert np.mean(found) == pytest.approx(expected, abs=error)
    assert np.mean(found) > 3 * error


def test_a_single_picture_is_refused():
    with pytest.raises(MatchingError, match="at least 2"):
        frechet_distance(draw(1, 3), draw(5, 3))

"""Densities part by part, against scipy and against known ratios."""

import numpy as np
import pytest
import torch
from scipy import stats

from metasim_backend.distances.mmd import MatchingError
from metasim_backend.distances.paired_density import PairedDensity


def normal(count, dimension, seed, shift=0.0):
    source = torch.Generator().manual_seed(seed)
    return torch.randn(count, dimension, generator=source, dtype=torch.float64) + shift


def kernel_density(points, samples, widths):
    """[N] by scipy's normal density, one sample at a time."""
    return np.mean([stats.norm(sample, widths).pdf(points).prod(1) for sample in samples], axis=0)


def by_hand(synthetic, real, width, dims):
    """log-ratio over some dimensions with each synthetic point left out of its own density."""
    x, y, w = synthetic[:, dims].numpy(), real[:, dims].numpy(), width[dims].numpy()
    own = [kernel_density(x[i : i + 1], np.delete(x, i, 0), w)[0] for i in range(len(x))]
    return np.log(kernel_density(x, y, w)) - np.log(own)


def test_the_ratio_is_the_mean_over_singles_and_pairs_of_scipys():
    synthetic, real = normal(30, 3, 0), normal(50, 3, 1, 0.5)
    density = PairedDensity(real, torch.full((3,), 0.3, dtype=torch.float64))
    singles = sum(by_hand(synthetic, real, density.width, [a]) for a in range(3))
    pairs = sum(
        by_hand(synthetic, real, density.width, [a, b]) for a, b in ((0, 1), (0, 2), (1, 2))
    )
    expected = 0.5 * (singles + pairs / 2)
    np.testing.assert_allclose(density.log_ratio(synthetic).numpy(), expected, rtol=1e-9, atol=1e-9)


def test_of_one_number_it_is_the_plain_ratio():
    synthetic, real = normal(40, 1, 2), normal(60, 1, 3)
    density = PairedDensity(real, torch.zeros(1, dtype=torch.float64))
    expected = by_hand(synthetic, real, density.width, [0])
    np.testing.assert_allclose(density.log_ratio(synthetic).numpy(), expected, rtol=1e-9, atol=1e-9)


def test_it_follows_a_known_ratio_of_normals():
    """N(0.7, 1) against N(0, 1) in each of 8 independent numbers: the joint ratio is their sum."""
    synthetic, real = normal(1500, 8, 4), normal(1500, 8, 5, 0.7)
    found = PairedDensity(real, torch.zeros(8, dtype=torch.float64)).log_ratio(synthetic)
    true = (0.7 * synthetic - 0.7**2 / 2).sum(1)
    assert np.corrcoef(found, true)[0, 1] > 0.97
    slope = np.polyfit(true, found, 1)[0]
    assert 0.7 < slope < 1.1  # kernels widen both densities


def test_equal_margins_with_another_dependence_are_told_apart():
    synthetic = normal(800, 2, 6)
    source = normal(800, 2, 7)
    real = torch.stack([source[:, 0], 0.95 * source[:, 0] + 0.31 * source[:, 1]], 1)
    found = PairedDensity(real, torch.zeros(2, dtype=torch.float64), limit=5.0).log_ratio(synthetic)
    rho = 0.95
    covariance = np.array([[1, rho], [rho, 1]])
    true = stats.multivariate_normal([0, 0], covariance).logpdf(synthetic.numpy())
    true -= stats.multivariate_normal([0, 0], np.eye(2)).logpdf(synthetic.numpy())
    # Single numbers agree, so half of the pair's ratio is left.
    assert stats.spearmanr(found, true).statistic > 0.9
    assert float(found[true > 0.5].mean()) > 0.1 > 0 > -0.5 > float(found[true < -2].mean())


def test_ratios_of_parts_are_limited_and_defined_far_away():
    real = normal(50, 2, 8)
    synthetic = torch.cat([normal(20, 2, 9), torch.full((1, 2), 1e4, dtype=torch.float64)])
    density = PairedDensity(real, torch.zeros(2, dtype=torch.float64), limit=4.0)
    found = density.log_ratio(synthetic)
    assert torch.isfinite(found).all() and float(found.abs().max()) <= 4.0 + 1e-9


def test_shapes_that_do_not_fit_are_refused():
    density = PairedDensity(normal(10, 2, 0), torch.zeros(2, dtype=torch.float64))
    with pytest.raises(MatchingError, match="cannot be compared"):
        density.log_ratio(normal(5, 3, 0))
    with pytest.raises(MatchingError, match="widths"):
        PairedDensity(normal(10, 2, 0), torch.zeros(3))


def test_with_few_real_pictures_what_is_rare_is_not_taken_for_rarer():
    """Both sides are N(0, 1), and 25 real pictures are drawn anew each time."""
    found, of_all = [], []
    least = torch.full((1,), 0.3, dtype=torch.float64)
    for seed in range(200):
        synthetic, real = normal(200, 1, 2 * seed), normal(25, 1, 2 * seed + 1)
        density = PairedDensity(real, least, 5.0)
        rare = synthetic[:, 0].abs() > 1.8
        found.append(float(density.log_ratio(synthetic)[rare].mean()))
        one, width = synthetic[rare, 0].numpy()[:, None], float(density.width)
        own = stats.norm(synthetic[:, 0].numpy(), width).pdf(one).sum(1)
        own = (own - stats.norm(0, width).pdf(0)) / 199  # all others in one estimate
        plain = np.log(stats.norm(real[:, 0].numpy(), width).pdf(one).mean(1) / own)
        of_all.append(float(plain.clip(-5, 5).mean()))
    assert np.mean(of_all) < -0.2
    assert abs(np.mean(found)) < 0.12  # 2.5 standard errors

import math

import numpy as np
import pytest
import scipy.stats
import torch

from metasim_backend.distances.kernel_density import (
    bandwidth_by_neighbours,
    log_density,
    log_density_ratio,
)
from metasim_backend.distances.mmd import MatchingError


def draw(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@pytest.mark.parametrize("dimension", [1, 2, 3])
@pytest.mark.parametrize("bandwidth", [0.3, 1.7])
def test_density_equals_scipys(dimension, bandwidth):
    """scipy's kernel has the samples' covariance times h²: so make that the identity."""
    raw = draw(60, dimension).numpy()
    covariance = np.cov(raw, rowvar=False).reshape(dimension, dimension)
    samples = raw @ np.linalg.inv(np.linalg.cholesky(covariance)).T
    points = 2 * draw(25, dimension, seed=1)
    ours = log_density(points, torch.from_numpy(samples), bandwidth).numpy()
    kde = scipy.stats.gaussian_kde(samples.T, bw_method=bandwidth)
    np.testing.assert_allclose(ours, kde.logpdf(points.numpy().T), rtol=1e-9)


def test_density_equals_scipys_with_its_own_bandwidth():
    samples, points = draw(80, 1), draw(20, 1, seed=1)
    kde = scipy.stats.gaussian_kde(samples.T.numpy())  # Scott's rule
    bandwidth = float(np.sqrt(kde.covariance[0, 0]))
    ours = log_density(points, samples, bandwidth).numpy()
    np.testing.assert_allclose(ours, kde.logpdf(points.T.numpy()), rtol=1e-9)


def test_leaving_one_out_equals_a_loop_that_leaves_it_out():
    points = draw(12, 4)
    ours = log_density(points, None, 0.8)
    for i in range(len(points)):
        others = torch.cat([points[:i], points[i + 1 :]])
        one_by_one = log_density(points[i : i + 1], others, 0.8)
        assert ours[i].item() == pytest.approx(one_by_one.item(), rel=1e-12)


def test_ratio_leaves_out_itself_only_on_the_synthetic_side():
    points, real, h = draw(9, 3), draw(15, 3, seed=1) + 0.4, 0.9
    constant = 3 / 2 * math.log(2 * math.pi * h * h)

    def density(point, others):
        terms = [math.exp(-float((point - o).square().sum()) / (2 * h * h)) for o in others]
        return math.log(sum(terms) / len(terms)) - constant

    ratio = log_density_ratio(points, real, bandwidth=h)
    for i, point in enumerate(points):
        others = [p for j, p in enumerate(points) if j != i]
        expected = density(point, real) - density(point, others)
        assert ratio[i].item() == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_known_ratio_of_gaussians_in_one_dimension():
    """N(1, 1) against N(0, 1), smoothed by h: variances 1 + h², log-ratio (x - 1/2) / (1 + h²)."""
    synthetic, real = draw(2000, 1), draw(4000, 1, seed=1) + 1
    h = bandwidth_by_neighbours(torch.cat([synthetic, real]), 600)
    ratio = log_density_ratio(synthetic, real, bandwidth=h)
    expected = (synthetic[:, 0] - 0.5) / (1 + h * h)
    middle = synthetic[:, 0].abs() < 1.2
    assert (ratio - expected)[middle].abs().max() < 0.15


@pytest.mark.parametrize(
    ("neighbours", "least_correlation", "most_noise"),
    [(None, 0.5, 0.5), (200, 0.75, 0.2), (1000, 0.9, 0.05)],
)
def test_known_ratio_of_gaussians_in_512_dimensions(neighbours, least_correlation, most_noise):
    """Synthetic N(0, I), real N(m, I), |m| = 4: the true log-ratio is x·m - 8.

    1,300 vectors: their order must be the truth's, the more so the more neighbours; and the mean
    ratio must stand well above what equal distributions give by chance. Smoothing shrinks it.
    """
    mean = torch.full((512,), 4 / 512**0.5, dtype=torch.float64)
    synthetic, real = draw(300, 512, seed=2), draw(1000, 512, seed=1)
    ratio = log_density_ratio(synthetic, real + mean, neighbours=neighbours)
    truth = synthetic @ mean - 8
    assert scipy.stats.spearmanr(ratio, truth).statistic > least_correlation
    equal = log_density_ratio(synthetic, real, neighbours=neighbours)
    assert equal.std() < most_noise
    assert ratio.mean() < -1.5 * equal.std()


def test_sign_and_slope_of_the_ratio_between_512_dimensional_gaussians():
    """Synthetic vectors on all of the way from N(0, I) to the real N(m, I), |m| = 8: the ratio
    rises along it, from below 0 to above, with a slope that smoothing makes less than 1."""
    mean = torch.full((512,), 8 / 512**0.5, dtype=torch.float64)
    way = torch.linspace(0, 1, 300, dtype=torch.float64)[:, None]
    synthetic = draw(300, 512) + way * mean
    ratio = log_density_ratio(synthetic, draw(1000, 512, seed=1) + mean)
    projection = synthetic @ mean
    assert scipy.stats.spearmanr(ratio, projection).statistic > 0.85
    assert ratio[:60].mean() < -0.3 and ratio[-60:].mean() > 0.3
    assert 0.01 < np.polyfit(projection.numpy(), ratio.numpy(), 1)[0] < 1


def test_ratio_sees_a_spread_that_means_do_not_show():
    """Two clusters of real vectors either side of synthetic ones, in 256 dimensions of noise."""
    side = torch.zeros(256, dtype=torch.float64)
    side[0] = 8
    real = draw(800, 256, seed=1) + side * torch.tensor([1.0, -1.0]).repeat(400)[:, None]
    synthetic = draw(300, 256)
    synthetic[:100] += side
    synthetic[100:200] -= side
    ratio = log_density_ratio(synthetic, real)
    assert ratio[:200].mean() > ratio[200:].mean() + 0.5


def test_bandwidth_gives_the_number_of_neighbours_that_was_asked_for():
    features = draw(200, 30)
    for wanted in (2.0, 14.0, 100.0):
        h = bandwidth_by_neighbours(features, wanted)
        logs = []
        for i, point in enumerate(features):
            others = torch.cat([features[:i], features[i + 1 :]])
            weights = torch.exp(-(others - point).square().sum(1) / (2 * h * h))
            weights /= weights.sum()
            logs.append(-math.log(float(weights.square().sum())))
        assert math.exp(np.mean(logs)) == pytest.approx(wanted, rel=1e-3)


def test_bandwidth_follows_the_features_scale_and_not_their_place():
    features = draw(100, 20)
    h = bandwidth_by_neighbours(features)
    assert bandwidth_by_neighbours(features * 1000 + 1e5) == pytest.approx(1000 * h, rel=1e-4)
    assert bandwidth_by_neighbours(features.float()) == pytest.approx(h, rel=1e-3)


def test_most_vectors_equal_still_give_a_finite_ratio():
    features = torch.zeros(60, 8)
    features[50:] = draw(10, 8, dtype=torch.float32)
    ratio = log_density_ratio(features, features[30:])
    assert torch.isfinite(ratio).all() and ratio.dtype == torch.float32


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: log_density_ratio(draw(5, 3), draw(5, 4)), "cannot be compared"),
        (lambda: log_density_ratio(draw(1, 3), draw(5, 3)), "no others"),
        (lambda: log_density_ratio(draw(5, 3), draw(5, 3), bandwidth=0.0), "not a positive"),
        (lambda: bandwidth_by_neighbours(torch.ones(5, 3)), "all equal"),
        (lambda: bandwidth_by_neighbours(draw(5, 3), 5), "from 1 to 4"),
        (lambda: bandwidth_by_neighbours(draw(2, 3)), "at least 3"),
    ],
)
def test_what_cannot_be_estimated_is_refused_in_a_sentence(call, words):
    with pytest.raises(MatchingError, match=words):
        call()

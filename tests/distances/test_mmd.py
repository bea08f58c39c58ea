import math

import numpy as np
import pytest
import torch

from metasim_backend.distances.mmd import (
    MMD,
    MatchingError,
    median_bandwidths,
    mmd2_biased,
    mmd2_unbiased,
)


def draw(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def by_double_loop(x, y, bandwidths, unbiased):
    def k(a, b):
        square = sum((float(p) - float(q)) ** 2 for p, q in zip(a, b, strict=True))
        return sum(math.exp(-square / (2 * s * s)) for s in bandwidths) / len(bandwidths)

    def within(z):
        pairs = [
            k(a, b) for i, a in enumerate(z) for j, b in enumerate(z) if i != j or not unbiased
        ]
        return sum(pairs) / len(pairs)

    across = sum(k(a, b) for a in x for b in y) / (len(x) * len(y))
    return within(x) + within(y) - 2 * across


@pytest.mark.parametrize("unbiased", [True, False])
def test_equals_a_double_loop(unbiased):
    x, y = draw(7, 3), draw(9, 3, seed=1) + 0.5
    bandwidths = (0.5, 1.0, 3.0)
    function = mmd2_unbiased if unbiased else mmd2_biased
    expected = by_double_loop(x, y, bandwidths, unbiased)
    assert function(x, y, bandwidths).item() == pytest.approx(expected, abs=1e-12)
    assert function(x, y, torch.tensor(bandwidths)).item() == pytest.approx(expected, abs=1e-7)


def test_biased_is_zero_for_equal_sets_which_needs_the_factor_two():
    x = draw(20, 4)
    assert mmd2_biased(x, x.clone(), (1.0, 2.0)).item() == pytest.approx(0, abs=1e-12)


def test_gradient_agrees_with_numerical_differences():
    x, y = draw(4, 3).requires_grad_(), draw(5, 3, seed=1).requires_grad_()
    for function in (mmd2_unbiased, mmd2_biased):
        assert torch.autograd.gradcheck(lambda a, b, f=function: f(a, b, (0.7, 1.5)), (x, y))
    assert torch.autograd.gradcheck(MMD(y.detach()), (x,))


def gaussian_mmd2(shift, var_x, var_y, sigma, dimension):
    """Closed form between N(0, var_x I) and N(shift, var_y I), one Gaussian kernel."""

    def mean_kernel(square, variance):
        total = sigma**2 + variance
        return (sigma**2 / total) ** (dimension / 2) * math.exp(-square / (2 * total))

    return (
        mean_kernel(0, 2 * var_x)
        + mean_kernel(0, 2 * var_y)
        - 2 * mean_kernel(dimension * shift**2, var_x + var_y)
    )


def test_approaches_the_closed_form_between_gaussians():
    x, y = draw(4000, 3), 0.5 + 1.5 * draw(4000, 3, seed=1)
    expected = gaussian_mmd2(0.5, 1.0, 2.25, 1.2, 3)
    assert mmd2_unbiased(x, y, (1.2,)).item() == pytest.approx(expected, rel=0.05)


def test_unbiased_over_many_small_draws_where_the_biased_one_is_not():
    expected = gaussian_mmd2(0.3, 1.0, 1.0, 1.0, 2)
    generator = torch.Generator().manual_seed(5)
    unbiased, biased = [], []
    for _ in range(2000):
        x, y = (torch.randn(5, 2, generator=generator, dtype=torch.float64) for _ in range(2))
        unbiased.append(mmd2_unbiased(x, y + 0.3, (1.0,)).item())
        biased.append(mmd2_biased(x, y + 0.3, (1.0,)).item())
    error = np.std(unbiased) / math.sqrt(len(unbiased))
    assert abs(np.mean(unbiased) - expected) < 3 * error
    assert np.mean(biased) - expected > 10 * error


def test_cached_module_equals_the_function_and_survives_its_state_dict():
    real, x = draw(30, 8, dtype=torch.float32), draw(12, 8, seed=1, dtype=torch.float32)
    module = MMD(real)
    expected = mmd2_unbiased(x, real, median_bandwidths(real))
    torch.testing.assert_close(module(x), expected)
    other = MMD(draw(30, 8, seed=3, dtype=torch.float32))
    other.load_state_dict(module.state_dict())
    assert torch.equal(other(x), module(x))


def test_float32_far_from_the_origin_keeps_its_precision():
    x, y = draw(20, 50) + 1000, draw(20, 50, seed=1) + 1000.2
    exact = mmd2_unbiased(x, y, (5.0,)).item()
    assert mmd2_unbiased(x.float(), y.float(), (5.0,)).item() == pytest.approx(exact, abs=2e-4)


def test_memory_is_a_gram_matrix_not_a_cube():
    # N x M x D in float32 would be 40 GB.
    x, y = draw(700, 20_000, dtype=torch.float32), draw(700, 20_000, seed=1, dtype=torch.float32)
    assert torch.isfinite(mmd2_unbiased(x, y, (200.0,)))


def test_bandwidths_are_multiples_of_the_median_distance():
    y = draw(40, 6)
    distances = [float((y[i] - y[j]).norm()) for i in range(len(y)) for j in range(i + 1, len(y))]
    expected = np.median(distances) * np.array([0.25, 0.5, 1, 2, 4])
    np.testing.assert_allclose(median_bandwidths(y).numpy(), expected, rtol=1e-12)


def test_unusable_sets_give_one_sentence():
    with pytest.raises(MatchingError, match="1 vectors; at least 2"):
        mmd2_unbiased(draw(1, 3), draw(4, 3), (1.0,))
    with pytest.raises(MatchingError, match="cannot be compared"):
        mmd2_unbiased(draw(4, 2), draw(4, 3), (1.0,))
    with pytest.raises(MatchingError, match="not all positive"):
        mmd2_unbiased(draw(4, 3), draw(4, 3), (1.0, -1.0))
    with pytest.raises(MatchingError, match="median distance"):
        MMD(torch.ones(5, 3))


def test_witness_is_each_vectors_part_of_mmd():
    """Against the definition, pair by pair; their mean gives MMD² back."""
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(6, 3, generator=generator, dtype=torch.float64)
    y = 0.5 + torch.randn(9, 3, generator=generator, dtype=torch.float64)
    mmd = MMD(y)

    def kernel(a, b):
        squared = float((a - b).square().sum())
        return sum(math.exp(-squared / (2 * float(s) ** 2)) for s in mmd.bandwidths) / 5

    within = []
    for i, found in enumerate(mmd.witness(x).tolist()):
        own = sum(kernel(x[i], x[j]) for j in range(6) if j != i) / 5
        within.append(own)
        assert found == pytest.approx(2 * own - 2 * sum(kernel(x[i], b) for b in y) / 9)
    total = mmd.witness(x).mean() - sum(within) / 6 + mmd.real_mean
    assert float(mmd(x)) == pytest.approx(float(total))

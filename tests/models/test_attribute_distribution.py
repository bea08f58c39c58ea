"""Log-probabilities and draws against closed forms."""

import math

import numpy as np
import pytest
import scipy.stats
import torch

from metasim_backend.models.attribute_distribution import AttributeDistribution

CONTINUOUS, CIRCULAR, CATEGORICAL, FIXED = range(4)


def distribution(rows=1, mean=0.3, spread=0.05, logits=(0.0, 1.0, 2.0)) -> AttributeDistribution:
    """One slot of each kind, and one that does not change."""

    def mask(slot):
        chosen = torch.zeros(rows, 4, dtype=torch.bool)
        chosen[:, slot] = True
        return chosen

    return AttributeDistribution(
        source=torch.full((rows, 4), 0.25, dtype=torch.float64),
        mean=torch.full((rows, 4), mean, dtype=torch.float64, requires_grad=True),
        spread=torch.full((rows, 4), spread, dtype=torch.float64, requires_grad=True),
        logits={
            CATEGORICAL: torch.tensor(
                [list(logits)] * rows, dtype=torch.float64, requires_grad=True
            )
        },
        continuous=mask(CONTINUOUS),
        circular=mask(CIRCULAR),
        categorical=mask(CATEGORICAL),
    )


def test_log_prob_equals_scipys():
    log_p = distribution().log_prob(torch.tensor([[0.37, 0.36, 2.0, 0.9]], dtype=torch.float64))
    assert log_p[0, CONTINUOUS].item() == pytest.approx(scipy.stats.norm.logpdf(0.37, 0.3, 0.05))
    wrapped = sum(scipy.stats.norm.pdf(0.36 + k, 0.3, 0.05) for k in range(-20, 21))
    assert log_p[0, CIRCULAR].item() == pytest.approx(math.log(wrapped))
    assert log_p[0, CATEGORICAL].item() == pytest.approx(2 - math.log(1 + math.e + math.e**2))
    assert log_p[0, FIXED].item() == 0


def test_circular_density_is_periodic_and_integrates_to_one():
    made = distribution(rows=2001, spread=0.3)
    place = torch.linspace(0, 1, 2001, dtype=torch.float64)
    values = made.source.clone()
    values[:, CIRCULAR] = place
    density = made.log_prob(values)[:, CIRCULAR].exp().detach()
    assert torch.trapezoid(density, place).item() == pytest.approx(1, abs=1e-6)
    values[:, CIRCULAR] += 3
    torch.testing.assert_close(made.log_prob(values)[:, CIRCULAR].exp().detach(), density)


def test_gradient_of_log_prob_equals_the_closed_form():
    made = distribution()
    value, mean, spread = 0.37, 0.3, 0.05
    made.log_prob(torch.tensor([[value, 0.3, 1.0, 0.9]], dtype=torch.float64)).sum().backward()
    assert made.mean.grad[0, CONTINUOUS].item() == pytest.approx((value - mean) / spread**2)
    assert made.spread.grad[0, CONTINUOUS].item() == pytest.approx(
        ((value - mean) ** 2 - spread**2) / spread**3
    )
    probabilities = torch.softmax(torch.tensor([0.0, 1.0, 2.0], dtype=torch.float64), 0)
    expected = torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64) - probabilities
    torch.testing.assert_close(made.logits[CATEGORICAL].grad[0], expected)


def test_draws_have_the_stated_mean_spread_and_shares():
    made = distribution(rows=20_000)
    drawn = made.rsample(torch.Generator().manual_seed(0)).detach().numpy()
    assert scipy.stats.kstest(drawn[:, CONTINUOUS], "norm", (0.3, 0.05)).pvalue > 0.01
    shares = np.bincount(drawn[:, CATEGORICAL].astype(int), minlength=3) / len(drawn)
    expected = torch.softmax(torch.tensor([0.0, 1.0, 2.0]), 0).numpy()
    np.testing.assert_allclose(shares, expected, atol=0.012)
    assert (drawn[:, FIXED] == 0.25).all()


def test_draws_carry_a_gradient_to_mean_and_spread():
    made = distribution()
    made.rsample(torch.Generator().manual_seed(3)).sum().backward()
    noise = torch.randn(1, 4, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    assert made.mean.grad[0].tolist() == [1, 1, 0, 0]
    torch.testing.assert_close(made.spread.grad[0, :2], noise[0, :2])


def test_same_generator_gives_the_same_draw_and_leaves_the_global_state():
    state = torch.get_rng_state()
    draws = [distribution().rsample(torch.Generator().manual_seed(5)) for _ in range(2)]
    assert torch.equal(*draws)
    assert torch.equal(state, torch.get_rng_state())

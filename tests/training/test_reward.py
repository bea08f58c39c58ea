"""REINFORCE: the baseline, and that its gradient is an unbiased estimate of the true one."""

import pytest
import torch

from metasim_backend.training.reward import MovingAverage, reinforce_loss


def test_the_baseline_never_holds_the_current_score():
    baseline = MovingAverage(0.5)
    assert baseline.advantage(0.9) == 0.0
    baseline = baseline.updated(0.4)
    assert baseline.advantage(0.9) == pytest.approx(0.5)
    assert baseline.updated(0.8).value == pytest.approx(0.6)
    assert baseline.value == 0.4  # data in, data out


def test_the_expected_gradient_is_that_of_the_expected_score():
    """Against the closed form: for x ~ N(μ, σ) and score -(x - 1)², dE/dμ = -2 (μ - 1)."""
    mean = torch.tensor(0.2, dtype=torch.float64, requires_grad=True)
    normal = torch.distributions.Normal(mean, 0.3)
    torch.manual_seed(0)
    x = normal.sample((200_000,))
    reinforce_loss(normal.log_prob(x), -((x - 1) ** 2)).backward()
    assert -mean.grad.item() == pytest.approx(-2 * (0.2 - 1), rel=0.03)

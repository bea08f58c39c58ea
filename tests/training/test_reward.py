"""REINFORCE: the baseline, and that its gradient is an unbiased estimate of the true one."""

import pytest
import torch

from metasim_backend.training.reward import MovingAverage, leave_one_out, reinforce_loss


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


def test_each_scenes_own_reward_is_measured_against_the_others():
    rewards = torch.tensor([1.0, 2.0, 6.0])
    found = leave_one_out(rewards)
    expected = torch.tensor([1 - 4.0, 2 - 3.5, 6 - 1.5]) / rewards.std(unbiased=False)
    torch.testing.assert_close(found, expected)
    assert float(found.sum()) == pytest.approx(0, abs=1e-6)


def test_equal_rewards_teach_nothing():
    assert leave_one_out(torch.full((4,), 0.3)).tolist() == [0, 0, 0, 0]
    assert leave_one_out(torch.tensor([0.3])).tolist() == [0]


def test_each_scenes_own_reward_has_the_same_expected_gradient_but_for_scale():
    """For x ~ N(μ, σ) and reward -(x - 1)²: batches of 8, against the closed form."""
    mean = torch.tensor(0.2, dtype=torch.float64, requires_grad=True)
    normal = torch.distributions.Normal(mean, 0.3)
    torch.manual_seed(0)
    x = normal.sample((50_000, 8))
    rewards = -((x - 1) ** 2)
    advantage = torch.stack([leave_one_out(r) * r.std(unbiased=False) for r in rewards[:4000]])
    reinforce_loss(normal.log_prob(x[:4000]), advantage).backward()
    assert -mean.grad.item() == pytest.approx(-2 * (0.2 - 1), rel=0.05)

"""Small batches with a memory are as good as one large batch, in value and in gradient."""

from __future__ import annotations

import pytest
import torch

from metasim_backend.distances.mixture_likelihood import MixtureLikelihood, mixture_likelihood
from metasim_backend.distances.running_mixture import RunningMixture

KERNEL = 0.1
BATCH = 20


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def target(count: int = 300) -> MixtureLikelihood:
    """Standard normal readings with exact ones."""
    readings = torch.randn(count, 2, generator=generator(1), dtype=torch.float64)
    return mixture_likelihood(readings, torch.ones(count).double(), readings)


def loss(likelihood, spread: float | torch.Tensor, seed: int, count: int = BATCH) -> torch.Tensor:
    """Of terms strewn about zero."""
    means = spread * torch.randn(count, 2, generator=generator(seed), dtype=torch.float64)
    narrow = torch.full((count, 2), KERNEL).double()
    return likelihood(means, torch.ones(count).double(), torch.eye(2).double(), narrow)


def test_the_first_batch_and_a_memory_of_one_are_the_batch_alone():
    likelihood = target()
    for running in (RunningMixture(likelihood, 8), RunningMixture(likelihood, 1)):
        assert float(loss(running, 1.0, 5)) == pytest.approx(float(loss(likelihood, 1.0, 5)))
    forgetful = RunningMixture(likelihood, 1)
    for seed in (5, 6):
        again = float(loss(forgetful, 1.0, seed))
    assert again == pytest.approx(float(loss(likelihood, 1.0, 6)))


def test_batches_that_have_not_faded_are_as_one_batch():
    """With a long memory the value is that of all terms together, and so is the gradient."""
    likelihood, running = target(), RunningMixture(target(), 1e9)
    spread = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    for seed in range(10):
        value = loss(running, spread, seed)
    together = torch.cat(
        [torch.randn(BATCH, 2, generator=generator(s), dtype=torch.float64) for s in range(10)]
    )
    last = spread * together[-BATCH:]
    means = torch.cat([together[:-BATCH], last])
    everything = likelihood(
        means,
        torch.ones(10 * BATCH).double(),
        torch.eye(2).double(),
        torch.full((10 * BATCH, 2), KERNEL).double(),
    )
    assert float(value) == pytest.approx(float(everything), rel=1e-9)
    # One of ten batches moves, and speaks for all ten.
    (alone,) = torch.autograd.grad(everything, spread)
    (running_gradient,) = torch.autograd.grad(value, spread)
    assert float(running_gradient) == pytest.approx(10 * float(alone), rel=1e-6)


def test_small_batches_prefer_what_is_too_narrow_and_a_memory_does_not():
    """The truth is a spread of 1. Single batches call 0.7 more probable."""
    likelihood = target()
    alone, remembered = {}, {}
    for spread in (0.7, 1.0):
        running = RunningMixture(likelihood, 50)
        alone[spread] = sum(float(loss(likelihood, spread, seed)) for seed in range(200)) / 200
        values = [float(loss(running, spread, seed)) for seed in range(300)]
        remembered[spread] = sum(values[100:]) / 200
    assert alone[0.7] < alone[1.0]
    assert remembered[1.0] < remembered[0.7]


def test_a_memory_of_less_than_a_batch_is_refused():
    with pytest.raises(ValueError, match="a memory of 0.5 batches"):
        RunningMixture(target(), 0.5)

"""A learning rate that rises and falls."""

from __future__ import annotations

import math

import pytest
import torch

from metasim_backend.networks.schedules import adamw, rise_and_fall


def test_it_rises_for_a_tenth_and_falls_along_a_half_cosine():
    shares = [rise_and_fall(step, 100) for step in range(100)]
    assert shares[:10] == pytest.approx([0.1 * (step + 1) for step in range(10)])
    assert max(shares) == 1 and shares[55] == pytest.approx(0.5)
    assert shares[99] == pytest.approx(0.5 * (1 + math.cos(math.pi * 89 / 90)))
    assert rise_and_fall(0, 1) == 1


def test_the_optimiser_follows_it():
    weight = torch.nn.Parameter(torch.ones(1))
    optimiser, schedule = adamw([weight], 0.5, 0.1, 20)
    rates = []
    for _ in range(20):
        rates.append(optimiser.param_groups[0]["lr"])
        weight.grad = torch.ones(1)
        optimiser.step()
        schedule.step()
    assert rates == pytest.approx([0.5 * rise_and_fall(step, 20) for step in range(20)])
    assert optimiser.param_groups[0]["weight_decay"] == 0.1

"""Maximum entropy against closed forms of the normal distribution and a direct minimisation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import minimize

from metasim_backend.statistics.entropy_projection import ProjectionError, entropy_projection

NORMAL = np.random.default_rng(0).normal(size=(200_000, 1))
NORMAL = (NORMAL - NORMAL.mean()) / NORMAL.std()
"""Tilted by exp(λ x), a standard normal is a normal of mean λ."""


def test_a_tilted_normal_has_the_mean_that_is_wanted():
    found = entropy_projection(NORMAL, np.array([0.5]), np.array([1e-6]))
    assert found.multipliers[0] == pytest.approx(0.5, abs=0.01)
    assert found.means[0] == pytest.approx(0.5, abs=1e-3)
    # Of weights exp(λ x - λ²/2) / N the effective share is exp(-λ²).
    assert found.effective_share == pytest.approx(math.exp(-0.25), rel=0.03)


def test_a_mean_with_an_error_is_met_in_part():
    """The mean λ is the minimum of λ²/2 + (wanted - λ)² / (2 error²)."""
    found = entropy_projection(NORMAL, np.array([0.6]), np.array([0.7]))
    assert found.means[0] == pytest.approx(0.6 / (1 + 0.49), abs=0.01)


def test_a_bound_keeps_what_would_need_more_unmet():
    found = entropy_projection(NORMAL, np.array([2.0]), np.array([1e-6]), most=0.8)
    assert found.multipliers[0] == pytest.approx(0.8)
    assert found.means[0] == pytest.approx(0.8, abs=0.02)


def test_no_other_weights_with_these_means_have_less_relative_entropy():
    features = np.random.default_rng(1).normal(size=(7, 2))
    wanted = np.array([0.2, -0.1])
    found = entropy_projection(features, wanted, np.full(2, 1e-7))

    def entropy(weights: np.ndarray) -> float:
        w = np.maximum(weights, 1e-12)
        return float((w * np.log(w * 7)).sum())

    direct = minimize(
        entropy,
        np.full(7, 1 / 7),
        method="SLSQP",
        bounds=[(0, 1)] * 7,
        constraints=[
            {"type": "eq", "fun": lambda w: w.sum() - 1},
            {"type": "eq", "fun": lambda w: w @ features - wanted},
        ],
        options={"ftol": 1e-12, "maxiter": 500},
    )
    assert found.weights == pytest.approx(direct.x, abs=1e-3)
    assert found.weights.sum() == pytest.approx(1)


def test_means_that_no_weights_have_are_said():
    with pytest.raises(ProjectionError, match="200000 scenes"):
        entropy_projection(NORMAL, np.array([50.0]), np.array([1e-9]))

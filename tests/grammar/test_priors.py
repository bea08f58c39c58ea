"""Draws follow the distributions that the grammar names, held against scipy's."""

import numpy as np
import pytest
from scipy import stats

from metasim_backend.grammar.language import AttributeSpec
from metasim_backend.grammar.priors import (
    Choice,
    Constant,
    Given,
    Normal,
    Parameter,
    Uniform,
    draw,
    pick,
)

COUNT = 4000


def draws(prior, parent_class="", parent=None):
    rng = np.random.default_rng(11)
    return [draw(prior, parent_class, parent or {}, rng) for _ in range(COUNT)]


def number(value):
    return Parameter(float(value))


@pytest.mark.parametrize(
    ("prior", "law"),
    [
        (Normal(number(3), number(0.5)), stats.norm(3, 0.5)),
        (Uniform(number(-2), number(5)), stats.uniform(-2, 7)),
        (
            Normal(Parameter(1.0, (("w", 0.5), ("v", -1.0))), Parameter(0, (("w", 0.1),))),
            stats.norm(1 + 0.5 * 4 - 2, 0.4),
        ),
    ],
)
def test_numbers_follow_their_law(prior, law):
    values = draws(prior, "side", {"w": 4.0, "v": 2.0})
    assert stats.kstest(values, law.cdf).pvalue > 0.01


def test_choices_follow_their_weights():
    values = draws(Choice((("a", 2.0), ("b", 0.0), ("c", 1.0), ("d", 5.0))))
    observed = [values.count(name) for name in "acd"]
    expected = np.array([2, 1, 5]) / 8 * COUNT
    assert "b" not in values
    assert stats.chisquare(observed, expected).pvalue > 0.01


def test_a_given_prior_looks_at_the_parents_class_or_category():
    by_class = Given(None, (("lane", Constant(number(1))), ("side", Constant(number(2)))))
    by_edge = Given("edge", (("left", Constant("a")), ("right", by_class)))
    assert set(draws(by_class, "side")) == {2.0}
    assert set(draws(by_edge, "lane", {"edge": "left"})) == {"a"}
    assert set(draws(by_edge, "lane", {"edge": "right"})) == {1.0}


def test_pick_never_returns_an_index_of_weight_zero():
    class Edge:
        """A generator at the very ends of its range."""

        def __init__(self, value):
            self.value = value

        def random(self):
            return self.value

    assert pick([0.0, 1.0, 0.0], Edge(0.0)) == 1
    assert pick([0.0, 1.0, 0.0], Edge(1.0)) == 1


def test_values_are_clipped_wrapped_and_rounded_to_what_is_legal():
    prior = Constant(number(0))
    metres = AttributeSpec("along", "continuous", prior, range=(4.0, 70.0))
    angle = AttributeSpec("yaw", "circular", prior, period=360.0)
    whole = AttributeSpec("position", "integer", prior)
    assert [metres.fit(v) for v in (3.0, 5.5, 99.0)] == [4.0, 5.5, 70.0]
    assert [angle.fit(v) for v in (-90.0, 360.0, 725.0)] == [270.0, 0.0, 5.0]
    assert 0 <= angle.fit(-1e-18) < 360
    assert whole.fit(-2.0) == -2 and isinstance(whole.fit(-2.0), int)


def test_bounds_and_differences_of_parameters_cancel_equal_terms():
    low = Parameter(1.0, (("w", 1.0),))
    high = Parameter(4.0, (("w", 1.0), ("v", 2.0)))
    ranges = {"w": (0.0, 10.0), "v": (1.0, 3.0)}
    assert high.bounds(ranges) == (6.0, 20.0)
    assert high.minus(low).bounds(ranges) == (5.0, 9.0)

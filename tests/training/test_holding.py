"""In which rounds of matching an attribute keeps its spread."""

from __future__ import annotations

import pytest

from metasim_backend.training.visibility import Visibility

SLOTS = ("car.x", "car.yaw", "car.size")


def held(turn: int, *, rounds: int = 4, until: float = 0.0, explained: list[dict]) -> set[str]:
    """Names of what is held in a round, after the networks up to it explained these shares."""
    visibility = Visibility(SLOTS, rounds, 0.1, hold_spread=True, hold_until=until)
    for number, shares in enumerate(explained[: turn + 1]):
        visibility.note(shares, number)
    found = visibility.held(turn)
    return set() if found is None else {n for n, yes in zip(SLOTS, found, strict=True) if yes}


SHARES = [
    {"car.x": 0.9, "car.yaw": 0.0, "car.size": 0.05},
    {"car.x": 0.9, "car.yaw": 0.2, "car.size": 0.05},
    {"car.x": 0.9, "car.yaw": 0.8, "car.size": 0.05},
    {"car.x": 0.9, "car.yaw": 0.8, "car.size": 0.05},
]


@pytest.mark.parametrize(("turn", "names"), [(0, {"car.x"}), (1, {"car.yaw"}), (2, set())])
def test_without_more_an_attribute_is_held_in_its_first_round(turn, names):
    assert held(turn, explained=SHARES) == names


@pytest.mark.parametrize(("turn", "names"), [(0, {"car.x"}), (1, {"car.yaw"}), (2, {"car.yaw"})])
def test_what_is_hardly_seen_is_held_until_a_round_sees_it_well(turn, names):
    assert held(turn, until=0.5, explained=SHARES) == names


def test_nothing_is_held_in_the_last_round():
    assert held(3, until=0.5, explained=SHARES) == set()
    assert held(1, rounds=2, until=0.5, explained=SHARES) == set()

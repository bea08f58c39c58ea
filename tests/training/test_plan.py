"""What a run does, in which order, and where each stage begins and ends."""

import pytest

from blender_addon.contract.panel import ALL_PHASES
from metasim_backend.settings import settings_from_dict
from metasim_backend.training.plan import PHASES, make_plan


def planned(phases: str, rounds: int = 1) -> list[str]:
    settings = settings_from_dict(
        {
            "phases": phases.split(","),
            "features": {"rounds": rounds},
            "pretrain": {"steps": 5},
            "structure": {"steps": 7, "pretrain_steps": 3},
            "match": {"steps": 9},
            "task": {"epochs": 2},
        }
    )
    return [f"{s.name} {s.begin}-{s.end}" if s.has_steps else s.name for s in make_plan(settings)]


@pytest.mark.parametrize(
    ("phases", "rounds", "stages"),
    [
        ("pretrain,match,task", 1, ["pretrain 0-5", "match 0-9", "task 0-2"]),
        ("task,match", 1, ["task 0-2", "match 0-9"]),
        ("structure", 3, ["structure_pretrain 0-3", "structure 0-7"]),
        (
            "pretrain,structure,match",
            2,
            ["pretrain 0-5", "structure_pretrain 0-3", "structure 0-3", "match 0-4"]
            + ["structure 3-7", "features", "match 4-9"],
        ),
        (
            "match,structure,task",
            2,
            ["match 0-4", "structure_pretrain 0-3", "structure 0-3"]
            + ["features", "match 4-9", "structure 3-7", "task 0-2"],
        ),
        (
            "structure,pretrain,match",
            2,
            ["structure_pretrain 0-3", "structure 0-7", "pretrain 0-5"]
            + ["match 0-4", "features", "match 4-9"],
        ),
    ],
)
def test_phases_are_done_in_the_order_in_which_they_are_named(phases, rounds, stages):
    assert planned(phases, rounds) == ["features", *stages, "report"]


def test_every_phase_that_can_be_named_is_a_stage_with_a_label():
    assert tuple(PHASES) == ALL_PHASES
    assert all(stage.label and stage.name == name for name, stage in PHASES.items())

"""What a run does, stage by stage."""

from __future__ import annotations

from itertools import groupby

from metasim_backend.settings import TrainSettings
from metasim_backend.training.stages.features import Features
from metasim_backend.training.stages.match import Match
from metasim_backend.training.stages.pretrain import Pretrain
from metasim_backend.training.stages.report import Report
from metasim_backend.training.stages.stage import Stage
from metasim_backend.training.stages.structure import Structure
from metasim_backend.training.stages.surrogate_match import SurrogateMatch
from metasim_backend.training.stages.task import Task

PHASES: dict[str, type[Stage]] = {
    stage.phase: stage for stage in (Pretrain, Structure, Match, Task)
}
"""What a user may name, by its name."""
TAKING_TURNS = ("structure", "match")
"""Named next to each other these take turns, as often as matching has rounds."""

Plan = tuple[Stage, ...]


def make_plan(settings: TrainSettings) -> Plan:
    """The phases in the order in which they are named. The first round's features come before
    them, and the report after them."""
    stages: list[Stage] = [Features()]
    for _, names in groupby(settings.phases, lambda n: "turns" if n in TAKING_TURNS else n):
        together = list(names)
        turns = settings.features.rounds if "match" in together else 1
        planned = [stage_of(name, settings).planned(settings, turns) for name in together]
        for turn in zip(*planned, strict=True):
            stages += [stage for of_phase in turn for stage in of_phase]
    return (*stages, Report())


def stage_of(phase: str, settings: TrainSettings) -> type[Stage]:
    """What does a phase."""
    if phase == "match" and settings.match.estimator == "surrogate":
        return SurrogateMatch
    return PHASES[phase]

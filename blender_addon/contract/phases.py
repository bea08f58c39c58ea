"""What a training can do: the phases' names and what people call them.

The command line, the panel and the report have their names from here. How a phase is done says a
stage in ``metasim_backend.training.stages``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Phase:
    """A part of a training that can be switched on.

    Attributes:
        name: in settings, on the command line and in ``metrics.jsonl``.
        label: what people read.
        purpose: what it is for.
        curve, curve_label: the measurement that is followed while it runs, if any.
        by_default: done unless it is told otherwise.
    """

    name: str
    label: str
    purpose: str
    curve: str = ""
    curve_label: str = ""
    by_default: bool = True


PHASES = (
    Phase("pretrain", "Pre-training", "Learn to reproduce the grammar's scenes"),
    Phase(
        "structure",
        "Structure",
        "Learn which things stand in a scene, and how many",
        by_default=False,
    ),
    Phase(
        "match",
        "Matching",
        "Bring the pictures closer to the target's: lower MMD",
        "mmd2",
        "MMD²",
    ),
    Phase(
        "task",
        "Task",
        "Raise the score of a network trained on the pictures (needs labelled pictures)",
        "score",
        "Score",
    ),
)
"""In the order in which they are usually done."""
LABELS = {phase.name: phase.label for phase in PHASES}

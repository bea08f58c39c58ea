"""What stands in a scene, and how many, learned as Meta-Sim2 does: three worlds."""

from __future__ import annotations

from metasim_backend.experiments.goals import Goal, minutes_goal, row_goal
from metasim_backend.experiments.structure_experiment import ROWS, StructureExperiment
from metasim_backend.features.count_histograms import Quantity

_EVALUATION = {"scenes": 200, "pictures": 8, "followed": 8}
_COUNTED = {
    "multi-mnist": (
        Quantity("number of digits", ("digit",)),
        Quantity("digits", ("digit",), "label"),
    ),
    "aerial2d-structure": (
        Quantity("kinds of road", ("road",), "kind"),
        Quantity("cars on wide roads", ("car",), given=("road", "kind", "wide")),
        Quantity("cars on narrow roads", ("car",), given=("road", "kind", "narrow")),
    ),
    "driving-structure": (
        Quantity("cars and vans", ("car", "van")),
        Quantity("people", ("person",)),
        Quantity("trees", ("tree",)),
        Quantity("buildings", ("building",)),
    ),
}


def _goals(name: str, distance: float, minutes: float) -> tuple[Goal, ...]:
    """Every quantity's distance, and the time with the density reward."""
    names = [quantity.name for quantity in _COUNTED[name]]
    claims = [(quantity, f"total variation of {quantity}") for quantity in names]
    return (
        *(row_goal("density", quantity, "≤", distance, claim) for quantity, claim in claims),
        minutes_goal("time of a seed with the density reward", minutes, ("density",)),
    )


EXPERIMENTS = (
    StructureExperiment(
        name="multi-mnist",
        title="MultiMNIST: how many digits, and which",
        about="How many digits a picture has, and which, with the paper's reward and its ablation.",
        grammar="multi_mnist.yaml",
        target="multi_mnist_target.yaml",
        quantities=_COUNTED["multi-mnist"],
        settings={
            "phases": ["structure"],
            "structure": {"feature_scenes": 6000, "feature_epochs": 10, "steps": 150},
            "evaluation": _EVALUATION,
        },
        goals=_goals("multi-mnist", 0.10, 20.0),
    ),
    StructureExperiment(
        name="aerial2d-structure",
        title="Aerial2D: how many cars on which kind of road",
        about="How many cars stand on which kind of road: a number that depends on another choice.",
        grammar="aerial2d_structure.yaml",
        target="aerial2d_structure_target.yaml",
        quantities=_COUNTED["aerial2d-structure"],
        settings={
            "phases": ["structure"],
            # Cars are small: read off by less training, four pass for five.
            "structure": {"feature_scenes": 10_000, "feature_epochs": 16, "steps": 300},
            "evaluation": _EVALUATION,
        },
        goals=_goals("aerial2d-structure", 0.10, 20.0),
    ),
    StructureExperiment(
        name="driving-structure",
        title="Driving: what stands in the street, and how many",
        about="How many vehicles, people, trees and houses streets have, from Blender's renders.",
        grammar="driving_structure.yaml",
        target="driving_structure_target.yaml",
        quantities=_COUNTED["driving-structure"],
        # Renders are dear; what the ablation shows is shown by the worlds above.
        rows={row: words for row, words in ROWS.items() if row != "mmd"},
        settings={
            "phases": ["structure"],
            "structure": {
                "feature_scenes": 3000,
                "feature_epochs": 12,
                # The density of the learner's own pictures rests on the batch alone.
                "batch": 256,
                "steps": 24,
                "updates": 3,
                "reward_limit": 1.5,
                # People are small; pictures hardly tell on which side of the road they are.
                "prior_weight": 0.1,
            },
            "evaluation": {**_EVALUATION, "scenes": 64},
        },
        pictures=500,
        goals=_goals("driving-structure", 0.15, 180.0),
    ),
)

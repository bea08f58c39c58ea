"""The experiments on structure (Meta-Sim2): worlds, targets, what is counted, goals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from metasim_backend.features.count_histograms import Quantity
from metasim_backend.reproduction.experiments import SCENES, ExperimentError

REWARDS = ("density", "mmd")


@dataclass(frozen=True)
class StructureExperiment:
    """One claim about learned structure.

    Attributes:
        name: on the command line.
        title: for people.
        grammar, target: files below ``scenes/``; the target is never seen by the learner.
        quantities: whose histograms are compared.
        settings: of the training run.
        pictures: target pictures that the learner sees.
        rewards: what is learned with: ``density``, the paper's, and ``mmd``, its ablation.
        largest_distance: goal for every quantity's total variation to the target.
        minutes: goal for one seed's density run.
    """

    name: str
    title: str
    grammar: str
    target: str
    quantities: tuple[Quantity, ...]
    settings: Mapping[str, object] = field(default_factory=dict)
    pictures: int = 1000
    rewards: tuple[str, ...] = REWARDS
    largest_distance: float = 0.10
    minutes: float = 20.0

    @property
    def grammar_file(self) -> Path:
        return SCENES / self.grammar

    @property
    def target_file(self) -> Path:
        return SCENES / self.target


_EVALUATION = {"scenes": 200, "pictures": 8, "followed": 8}

STRUCTURE_EXPERIMENTS = {
    experiment.name: experiment
    for experiment in (
        StructureExperiment(
            "multi-mnist",
            "MultiMNIST: how many digits, and which",
            "multi_mnist.yaml",
            "multi_mnist_target.yaml",
            (
                Quantity("number of digits", ("digit",)),
                Quantity("digits", ("digit",), "label"),
            ),
            {
                "phases": ["structure"],
                "structure": {"feature_scenes": 6000, "feature_epochs": 10, "steps": 150},
                "evaluation": _EVALUATION,
            },
        ),
        StructureExperiment(
            "aerial2d-structure",
            "Aerial2D: how many cars on which kind of road",
            "aerial2d_structure.yaml",
            "aerial2d_structure_target.yaml",
            (
                Quantity("kinds of road", ("road",), "kind"),
                Quantity("cars on wide roads", ("car",), given=("road", "kind", "wide")),
                Quantity("cars on narrow roads", ("car",), given=("road", "kind", "narrow")),
            ),
            {
                "phases": ["structure"],
                # Cars are small: read off by less training, four pass for five.
                "structure": {"feature_scenes": 10_000, "feature_epochs": 16, "steps": 300},
                "evaluation": _EVALUATION,
            },
        ),
        StructureExperiment(
            "driving-structure",
            "Driving: what stands in the street, and how many",
            "driving_structure.yaml",
            "driving_structure_target.yaml",
            (
                Quantity("cars and vans", ("car", "van")),
                Quantity("people", ("person",)),
                Quantity("trees", ("tree",)),
                Quantity("buildings", ("building",)),
            ),
            {
                "phases": ["structure"],
                # Renders are dear; what the ablation shows is shown by the worlds above.
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
            rewards=("density",),
            largest_distance=0.15,
            minutes=180.0,
        ),
    )
}


def structure_experiment_named(name: str) -> StructureExperiment:
    """The experiment of that name.

    Raises:
        ExperimentError: when there is none, or the project's scenes are not there.
    """
    if name not in STRUCTURE_EXPERIMENTS:
        raise ExperimentError(
            f"There is no experiment {name!r}; choose from {', '.join(STRUCTURE_EXPERIMENTS)}."
        )
    if not SCENES.is_dir():
        raise ExperimentError(
            "An experiment needs the project's folder 'scenes'; run it from a checkout."
        )
    return STRUCTURE_EXPERIMENTS[name]

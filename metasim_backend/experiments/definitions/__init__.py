"""The experiments that can be run, a file an experiment or a family of them."""

from __future__ import annotations

from difflib import get_close_matches

from metasim_backend.experiments.definitions import (
    aerial2d,
    driving_structure_real,
    driving_truth,
    driving_truth_cars,
    kitti_cars,
    mnist,
    mnist_reward,
    structure,
)
from metasim_backend.experiments.experiment import Experiment, ExperimentError

EXPERIMENTS: dict[str, Experiment] = {
    experiment.name: experiment
    for module in (
        mnist,
        aerial2d,
        mnist_reward,
        structure,
        driving_structure_real,
        driving_truth,
        driving_truth_cars,
        kitti_cars,
    )
    for experiment in module.EXPERIMENTS
}


def experiment_named(name: str) -> Experiment:
    """The experiment of that name.

    Raises:
        ExperimentError: when there is none.
    """
    if name not in EXPERIMENTS:
        near = get_close_matches(name, EXPERIMENTS, 1)
        meant = f"did you mean {near[0]!r}?" if near else "metasim reproduce --list names them all."
        raise ExperimentError(f"There is no experiment {name!r}; {meant}")
    return EXPERIMENTS[name]

"""The report on structure: how many things of each class scenes have, and pictures show."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from metasim_backend.features.count_network import CountNetwork
from metasim_backend.statistics.histograms import count_shares
from metasim_backend.training.seeds import derive_seed
from metasim_backend.training.services import Services
from metasim_backend.training.state import State
from metasim_backend.training.structure_features import counting
from metasim_backend.training.structure_reward import LEAST_EXPLAINED

COUNTED_SCENES = 500

Shares = dict[str, dict[str, list[float]]]


def structure_report(
    state: State, services: Services, images: Mapping[str, Tensor]
) -> dict[str, object]:
    """Histograms of numbers of things: for each class the shares with 0, 1, 2, ... of it.

    Args:
        images: [N, 3, H, W] float in [0, 1], pictures of the prior and of the learned generator.

    Returns:
        ``classes``: of prior and learned scenes, for each class whose number varies. ``read``: of
        pictures, those of the target's that training did not see among them, as the run's count
        network counts them; what a target's scenes really have, nobody has said. Empty where that
        network was not used.
    """
    seed = services.settings.seed
    seeds = [derive_seed(seed, "structure-report", i) for i in range(COUNTED_SCENES)]
    scenes = {"prior": state.scenes.prior(seeds), "learned": state.scenes.proposed(seeds)}
    classes: Shares = {}
    for spec in services.grammar.classes:
        numbers = {
            name: np.array([len(scene.of_class(spec.name)) for scene in some])
            for name, some in scenes.items()
        }
        if any(np.ptp(own) > 0 for own in numbers.values()):
            classes[spec.name] = _shares(numbers)
    read: Shares = {}
    if services.settings.structure.features == "counts":
        shown = {**images, "target": services.target.unseen.float() / 255}
        read = read_counts(counting(state, services), shown)
    return {"scenes": COUNTED_SCENES, "classes": classes, "read": read}


@torch.no_grad()
def read_counts(network: CountNetwork, images: Mapping[str, Tensor], batch: int = 64) -> Shares:
    """Histograms of what a network counts in pictures, rounded to whole things.

    Only of classes of whose number it explains something.
    """
    known = network.explained()
    counts = {
        name: torch.cat([network(part) for part in some.split(batch)]).round().clamp_min(0).long()
        for name, some in images.items()
    }
    return {
        label: _shares({name: found[:, k].numpy() for name, found in counts.items()})
        for k, label in enumerate(network.classes)
        if known[label] >= LEAST_EXPLAINED and float(network.spread[k]) > 1e-6
    }


def _shares(numbers: Mapping[str, np.ndarray]) -> dict[str, list[float]]:
    most = max(int(own.max()) for own in numbers.values())
    return {name: count_shares(own, most).tolist() for name, own in numbers.items()}

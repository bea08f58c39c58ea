"""What a scene's picture earns: how much denser real pictures lie there than synthetic ones.

Meta-Sim2 rewards the log-ratio of two kernel density estimates (section 3.3); its ablation rewards
the batch's MMD², of which each picture is credited its own part.

The logarithm of an estimate is too low where it rests on few pictures, and the lower the fewer.
With more real pictures than synthetic ones the ratio would be too high wherever pictures are rare,
and rare structures would be learned as less rare than they are. So each batch is compared with as
many real pictures as the density of its own rests on, drawn anew each time: where both sides are
alike, so are their errors.

What stands in a scene shows in more of its picture than in the numbers that can be read off it. To
the reward a picture's part of MMD² in a second feature space can be added. Renders never look like
photographs, so it has no scale of its own: its spread over the batch is set.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from metasim_backend.distances.kernel_density import bandwidth_by_neighbours, log_density_ratio
from metasim_backend.distances.mmd import MMD
from metasim_backend.distances.paired_density import PairedDensity
from metasim_backend.features.count_network import CountNetwork
from metasim_backend.settings import StructureSettings

LEAST_EXPLAINED = 0.05
FINENESS = 0.5  # the least width of a kernel, in errors of what is read
BATCH = 128
MOST_REAL = 2000  # pictures that a density rests on; of more, evenly spaced ones

Reading = Callable[[Tensor], Tensor]


class StructureReward:
    """The reward of pictures, given the target's.

    Args:
        read: [B, 3, H, W] float pictures to [B, D] features.
        target: [M, 3, H, W] uint8 pictures.
        settings: which reward.
        error: [D] how exactly each feature is read; None: not known.
        whole: the same as ``read`` for what ``settings.picture_weight`` adds; not called where
            that is 0.
    """

    def __init__(
        self,
        read: Reading,
        target: Tensor,
        settings: StructureSettings,
        error: Tensor | None = None,
        whole: Reading | None = None,
    ) -> None:
        self._read = read
        self._settings = settings
        if len(target) > MOST_REAL:
            target = target[torch.linspace(0, len(target) - 1, MOST_REAL).long()]
        self.real = self.features(target)
        self._whole = whole if settings.picture_weight > 0 else None
        if self._whole is not None:
            self._whole_mmd = MMD(_in_batches(self._whole, target))
        if settings.reward == "mmd":
            self._mmd = MMD(self.real)
        elif settings.parts == "pairs":
            least = self.real.new_zeros(self.real.shape[1]) if error is None else FINENESS * error
            self._pairs = PairedDensity(self.real, least, settings.reward_limit)
        else:
            # Of the real side alone, so that the measure is the same in every step.
            self._bandwidth = bandwidth_by_neighbours(self.real)

    def features(self, images: Tensor) -> Tensor:
        """[N, D] of [N, 3, H, W] uint8 pictures."""
        return _in_batches(self._read, images)

    def __call__(self, images: Tensor, source: torch.Generator) -> Tensor:
        """[N] rewards of [N, 3, H, W] uint8 pictures, which are also what the synthetic density
        rests on.

        Args:
            source: draws the real pictures that they are compared with.
        """
        found = self._of_features(self.features(images), source)
        if self._whole is None:
            return found
        credit = -self._whole_mmd.witness(_in_batches(self._whole, images))
        credit = (credit - credit.mean()) / credit.std().clamp_min(1e-12)
        return found + self._settings.picture_weight * credit

    def _of_features(self, features: Tensor, source: torch.Generator) -> Tensor:
        if self._settings.reward == "mmd":
            return -self._mmd.witness(features)
        chosen = torch.randperm(len(self.real), generator=source)[: len(features) - 1]
        if self._settings.parts == "pairs":
            return self._pairs.log_ratio(features, chosen)
        ratio = log_density_ratio(features, self.real[chosen], bandwidth=self._bandwidth)
        limit = self._settings.reward_limit
        return ratio.clamp(-limit, limit) if limit > 0 else ratio


@torch.no_grad()
def _in_batches(read: Reading, images: Tensor) -> Tensor:
    """[N, D] of [N, 3, H, W] uint8 pictures."""
    return torch.cat([read(part.float() / 255) for part in images.split(BATCH)])


def counts_reading(network: CountNetwork, which: str = "all") -> tuple[Reading, Tensor]:
    """The readings of a count network that tell anything, in units of the spread that the prior's
    scenes have, and the error of each.

    Args:
        which: ``all`` or ``labelled``, see ``StructureSettings.readings``.
    """
    shares = network.explained()
    asked = [
        d for d, name in enumerate(network.names) if which == "all" or name not in network.choices
    ]
    told = [
        d
        for d in asked
        if shares[network.names[d]] >= LEAST_EXPLAINED and float(network.spread[d]) > 1e-6
    ]
    chosen = told or asked
    spread = network.spread[chosen].clamp_min(1e-6)

    def read(images: Tensor) -> Tensor:
        return network(images)[:, chosen] / spread

    return read, network.error[chosen] / spread

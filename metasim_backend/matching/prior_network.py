"""A small network trained on the prior's own renders, for when no ImageNet weights can be had.

It regresses what the scene graph says about the picture (counts, mean positions, light...: a
vector that the caller gives), so that its inner features φ carry what scenes differ in. Colours,
contrast and noise are disturbed in training, so that φ leans on layout more than on a renderer's
look. Everything random is drawn from one seed: on a CPU with the same number of threads the same
call gives the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

KIND = "metasim prior network 1"
WIDTHS = (24, 40, 64, 96)
GRID = (2, 4)
FEATURES = 128


class PriorTrainingError(ValueError):
    """Pictures and targets from which nothing can be learned."""


@dataclass(frozen=True)
class PriorTraining:
    """How the prior network is trained.

    Attributes:
        epochs: passes over the pictures.
        batch_size: pictures a step.
        learning_rate: of AdamW at its peak; rises for a tenth of the steps, then falls to 0.
        weight_decay: of AdamW.
        held_out: share of the pictures kept for measuring ``explained``.
    """

    epochs: int = 24
    batch_size: int = 32
    learning_rate: float = 4e-3
    weight_decay: float = 1e-2
    held_out: float = 0.1


class PriorNetwork(nn.Module):
    """Four strided convolutions, a coarse grid of averages, one hidden layer φ, one output layer.

    Shapes: :meth:`forward` takes [B, 3, H, W] RGB in [0, 1] and gives [B, T] targets in their own
    units; :meth:`stages` gives [φ [B, 128], last maps [B, 96, H/16, W/16]].

    Args:
        targets: T, numbers in a scene's summary.
        seed: of the first weights.

    Attributes:
        explained: [T] share of each target's variance that is explained on held-out pictures;
            0 where the target does not vary. It says what φ can see.
    """

    target_mean: Tensor
    target_std: Tensor
    explained: Tensor

    def __init__(self, targets: int, seed: int = 0) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        with torch.device("meta"):  # drawn below, from a generator of its own
            for width in WIDTHS:
                layers += [
                    nn.Conv2d(channels, width, 3 if layers else 5, 2, 1 if layers else 2),
                    nn.GroupNorm(8, width),
                    nn.SiLU(),
                ]
                channels = width
            self.convolutions = nn.Sequential(*layers)
            self.hidden = nn.Linear(channels * GRID[0] * GRID[1], FEATURES)
            self.output = nn.Linear(FEATURES, targets)
        self.to_empty(device="cpu")
        generator = torch.Generator().manual_seed(seed)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, generator=generator)
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]
            elif isinstance(module, nn.GroupNorm):
                module.reset_parameters()
        self.register_buffer("target_mean", torch.zeros(targets))
        self.register_buffer("target_std", torch.ones(targets))
        self.register_buffer("explained", torch.zeros(targets))

    def stages(self, images: Tensor) -> list[Tensor]:
        maps = self.convolutions((images - 0.5) / 0.25)
        pooled = functional.adaptive_avg_pool2d(maps, GRID).flatten(1)
        return [functional.silu(self.hidden(pooled)), maps]

    def forward(self, images: Tensor) -> Tensor:
        return self.output(self.stages(images)[0]) * self.target_std + self.target_mean

    def save(self, path: Path) -> None:
        """Write the network to a new file, whole or not at all."""
        temporary = path.with_name(f".{path.name}.part")
        torch.save({"kind": KIND, "state": self.state_dict()}, temporary)
        temporary.replace(path)

    @staticmethod
    def from_saved(content: dict[str, Any]) -> PriorNetwork:
        """The network of a file's content as :meth:`save` wrote it."""
        network = PriorNetwork(len(content["state"]["target_mean"]))
        network.load_state_dict(content["state"])
        return network.eval()


def train_prior_network(
    images: Tensor,
    targets: Tensor,
    seed: int = 0,
    settings: PriorTraining | None = None,
    progress: Callable[[int, float], object] | None = None,
) -> PriorNetwork:
    """Train a :class:`PriorNetwork` on renders of the prior.

    Args:
        images: [N, 3, H, W], uint8 or float in [0, 1].
        targets: [N, T] float, one summary a scene; each column is standardised.
        seed: of weights, order, disturbances and held-out pictures.
        settings: None: the defaults.
        progress: called with the epoch (from 1) and its mean loss.

    Returns:
        The trained network, in evaluation mode.

    Raises:
        PriorTrainingError: shapes that do not fit, too few pictures, or no target that varies.
    """
    settings = settings or PriorTraining()
    _check(images, targets, settings)
    generator = torch.Generator().manual_seed(seed)
    network = PriorNetwork(targets.shape[1], seed)
    order = torch.randperm(len(images), generator=generator)
    held_out, training = order.tensor_split([max(2, int(len(order) * settings.held_out))])
    targets = targets.detach().float()
    std = targets[training].std(0)
    varies = std > 1e-6 * (1 + targets[training].abs().mean(0))
    network.target_mean.copy_(targets[training].mean(0))
    network.target_std.copy_(torch.where(varies, std, torch.ones(())))
    standard = (targets - network.target_mean) / network.target_std
    standard[:, ~varies] = 0

    steps = settings.epochs * math.ceil(len(training) / settings.batch_size)
    optimiser = torch.optim.AdamW(
        network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, steps))
    network.train()
    for epoch in range(settings.epochs):
        total = 0.0
        shuffled = training[torch.randperm(len(training), generator=generator)]
        for batch in shuffled.split(settings.batch_size):
            pictures = disturb(_as_float(images[batch]), generator)
            loss = functional.smooth_l1_loss(
                network.output(network.stages(pictures)[0]), standard[batch]
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += float(loss.detach()) * len(batch)
        if progress is not None:
            progress(epoch + 1, total / len(training))
    network.eval()
    with torch.no_grad():
        guess = torch.cat([network(_as_float(images[b])) for b in held_out.split(64)])
        error = (guess - targets[held_out]).square().mean(0)
        variance = targets[held_out].var(0, unbiased=False)
        explained = torch.where(varies & (variance > 0), 1 - error / variance, torch.zeros(()))
        network.explained.copy_(explained)
    return network


def disturb(images: Tensor, generator: torch.Generator) -> Tensor:
    """Other colours, contrast and noise, the same layout: [B, 3, H, W] in [0, 1] to the same.

    Each picture by itself: gain 0.8-1.25 a channel, gamma 0.7-1.4, contrast 0.7-1.3 about its
    mean, for one in four its grey form, and Gaussian noise of up to 0.05.
    """
    count = len(images)

    def uniform(low: float, high: float, channels: int = 1) -> Tensor:
        return low + (high - low) * torch.rand(count, channels, 1, 1, generator=generator)

    images = images.clamp(1e-4, 1) ** uniform(0.7, 1.4) * uniform(0.8, 1.25, 3)
    mean = images.mean((1, 2, 3), keepdim=True)
    images = mean + (images - mean) * uniform(0.7, 1.3)
    grey = images.mean(1, keepdim=True).expand_as(images)
    images = torch.where(uniform(0, 1) < 0.25, grey, images)
    noise = torch.randn(images.shape, generator=generator) * uniform(0, 0.05)
    return (images + noise).clamp(0, 1)


def _as_float(images: Tensor) -> Tensor:
    return images.float() / 255 if images.dtype == torch.uint8 else images.float()


def _rate(step: int, steps: int) -> float:
    rise = max(1, steps // 10)
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def _check(images: Tensor, targets: Tensor, settings: PriorTraining) -> None:
    if images.ndim != 4 or images.shape[1] != 3 or targets.ndim != 2:
        raise PriorTrainingError(
            f"Pictures of shape {tuple(images.shape)} with targets of shape "
            f"{tuple(targets.shape)} cannot be trained on; give [N, 3, H, W] and [N, T]."
        )
    if len(images) != len(targets) or len(images) < 8:
        raise PriorTrainingError(
            f"{len(images)} pictures with {len(targets)} targets cannot be trained on; give as "
            "many targets as pictures, and at least 8."
        )
    if not bool(torch.isfinite(targets).all()) or not bool((targets.std(0) > 0).any()):
        raise PriorTrainingError(
            "The summaries of the scenes hold a number that is not finite, or do not differ; give "
            "summaries of scenes that differ."
        )

"""Training of the small feature network on renders of the prior.

Colours, contrast and noise are disturbed a little, so that φ leans on layout more than on a
renderer's look. Everything random is drawn from one seed: on a CPU with the same number of
threads the same call gives the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from metasim_backend.features.prior_network import PARTS, PriorNetwork, Sizes
from metasim_backend.networks.schedules import adamw


class PriorTrainingError(ValueError):
    """Pictures and answers from which nothing can be learned."""


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

    epochs: int = 15
    batch_size: int = 32
    learning_rate: float = 4e-3
    weight_decay: float = 1e-2
    held_out: float = 0.1


@dataclass(frozen=True, eq=False)
class Answers:
    """What there is to be read off each of N pictures; not a number where it is not known.

    Attributes:
        scene: [N, T] numbers about the whole scene.
        cover: [N, K, h, w] share of each cell of 8 x 8 pixels that each class covers.
        attributes: [N, C, h, w] attributes of what covers a cell.
    """

    scene: Tensor
    cover: Tensor
    attributes: Tensor

    def standardised(self, rows: Tensor) -> Answers:
        """Numbers with the mean 0 and the spread 1 that they have in the given rows."""
        return Answers(
            _standardised(self.scene, self.scene[rows], (0,)),
            self.cover,
            _standardised(self.attributes, self.attributes[rows], (0, 2, 3)),
        )


def train_prior_network(
    images: Tensor,
    answers: Answers,
    seed: int = 0,
    settings: PriorTraining | None = None,
    progress: Callable[[int, float], object] | None = None,
    begin: PriorNetwork | None = None,
    parts: Sequence[str] = PARTS,
    device: torch.device | str = "cpu",
) -> PriorNetwork:
    """Train a :class:`PriorNetwork` on renders of the prior.

    Args:
        images: [N, 3, H, W], uint8 or float in [0, 1].
        answers: for the same N pictures; numbers are standardised here.
        seed: of weights, order, disturbances and held-out pictures.
        settings: None: the defaults.
        progress: called with the epoch (from 1) and its mean loss.
        begin: a network trained on other scenes of the same grammar, to go on from a copy of it;
            not used when there are other things to be read now.
        parts: of φ, see :class:`PriorNetwork`.
        device: where the network is trained, and stays.

    Returns:
        The trained network, in evaluation mode.

    Raises:
        PriorTrainingError: shapes that do not fit, too few pictures, or nothing that varies.
    """
    settings = settings or PriorTraining()
    _check(images, answers)
    generator = torch.Generator().manual_seed(seed)
    sizes = Sizes(answers.scene.shape[1], answers.cover.shape[1], answers.attributes.shape[1])
    network = PriorNetwork(sizes, seed, parts)
    if begin is not None and begin.sizes == sizes:
        network.load_state_dict(begin.state_dict())
    network.to(device)
    order = torch.randperm(len(images), generator=generator)
    held_out, training = order.tensor_split([max(2, int(len(order) * settings.held_out))])
    standard = answers.standardised(training)

    steps = settings.epochs * math.ceil(len(training) / settings.batch_size)
    optimiser, schedule = adamw(
        network.parameters(), settings.learning_rate, settings.weight_decay, steps
    )
    network.train()
    for epoch in range(settings.epochs):
        total = 0.0
        shuffled = training[torch.randperm(len(training), generator=generator)]
        for batch in shuffled.split(settings.batch_size):
            pictures = disturb(as_float(images[batch]), generator)
            scene, classes, attributes = network.readings(pictures)
            loss = (
                _known_loss(scene, standard.scene[batch])
                + _known_loss(attributes, standard.attributes[batch])
                + functional.binary_cross_entropy_with_logits(classes, standard.cover[batch])
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += float(loss.detach()) * len(batch)
        if progress is not None:
            progress(epoch + 1, total / len(training))
    network.eval()
    network.explained.copy_(_explained(network, images[held_out], standard, held_out))
    return network


def disturb(images: Tensor, generator: torch.Generator, strength: float = 1.0) -> Tensor:
    """Slightly other colours, contrast and noise, the same layout: [B, 3, H, W] to the same.

    Each picture by itself, at strength 1: gain 0.92-1.08 a channel, gamma 0.9-1.1, and Gaussian
    noise of up to 0.04. Light is one of the things to be read, so it is not disturbed more than a
    camera would; where only numbers of things are read it may be.
    """
    count = len(images)

    def uniform(low: float, high: float, channels: int = 1) -> Tensor:
        return low + (high - low) * torch.rand(count, channels, 1, 1, generator=generator)

    def around_one(spread: float, channels: int = 1) -> Tensor:
        return uniform(1 - spread * strength, 1 + spread * strength, channels)

    images = images.clamp(1e-4, 1) ** around_one(0.1) * around_one(0.08, 3)
    noise = torch.randn(images.shape, generator=generator) * uniform(0, 0.04 * strength)
    return (images + noise).clamp(0, 1)


def _known_loss(guess: Tensor, answer: Tensor) -> Tensor:
    """Smooth L1 over what is known."""
    known = ~answer.isnan()
    error = functional.smooth_l1_loss(guess, torch.where(known, answer, guess), reduction="sum")
    return error / known.sum().clamp_min(1)


def _standardised(values: Tensor, of: Tensor, over: tuple[int, ...]) -> Tensor:
    known = ~of.isnan()
    count = known.sum(over, keepdim=True).clamp_min(1)
    filled = torch.where(known, of, 0.0)
    mean = filled.sum(over, keepdim=True) / count
    spread = (torch.where(known, of - mean, 0.0).square().sum(over, keepdim=True) / count).sqrt()
    varies = spread > 1e-6 * (1 + mean.abs())
    return torch.where(varies, (values - mean) / torch.where(varies, spread, 1.0), 0.0 * values)


@torch.no_grad()
def _explained(network: PriorNetwork, images: Tensor, answers: Answers, rows: Tensor) -> Tensor:
    guesses = [network.readings(as_float(part)) for part in images.split(64)]
    shares = []
    for position, answer, over in (
        (0, answers.scene[rows], (0,)),
        (2, answers.attributes[rows], (0, 2, 3)),
    ):
        guess = torch.cat([g[position] for g in guesses])
        known = ~answer.isnan()
        count = known.sum(over).clamp_min(1)
        error = torch.where(known, guess - answer, 0.0).square().sum(over) / count
        mean = torch.where(known, answer, 0.0).sum(over, keepdim=True)
        mean = mean / known.sum(over, keepdim=True).clamp_min(1)
        variance = torch.where(known, answer - mean, 0.0).square().sum(over) / count
        shares.append(torch.where(variance > 1e-9, 1 - error / variance, torch.nan))
    return torch.cat(shares)


def as_float(images: Tensor) -> Tensor:
    """Pictures, uint8 or float, as float in [0, 1]."""
    return images.float() / 255 if images.dtype == torch.uint8 else images.float()


def _check(images: Tensor, answers: Answers) -> None:
    counts = {len(images), len(answers.scene), len(answers.cover), len(answers.attributes)}
    if images.ndim != 4 or images.shape[1] != 3 or len(counts) > 1 or len(images) < 8:
        raise PriorTrainingError(
            f"{len(images)} pictures of shape {tuple(images.shape[1:])} with {len(answers.scene)} "
            "answers cannot be trained on; give at least 8 pictures [N, 3, H, W] and as many "
            "answers."
        )
    known = answers.scene[~answers.scene.isnan()]
    if not bool(torch.isfinite(known).all()) or not bool(
        (answers.scene.nan_to_num().std(0) > 0).any()
    ):
        raise PriorTrainingError(
            "The summaries of the scenes hold a number that is not finite, or do not differ; give "
            "summaries of scenes that differ."
        )

"""A small network that counts: how many of each class a picture shows, and which rules made it.

Numbers of things add up over a picture, so they are read as densities: a map for each class whose
sum is the count (as crowds are counted), taught with each object's unit of mass spread over the
pixels that show it. The loss is a Poisson process's, λ - d log λ in each cell: that of how much
there is, and the cross-entropy of which class it is. What rules decide once a scene, such as the
kind of road, is read off the whole picture. The readings are the feature space in which structures
are compared: few numbers, in which two pictures lie apart when their structures do.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from metasim_backend.features.pretrained_cells import PretrainedCells
from metasim_backend.features.prior_network import (
    CELL,
    WIDTHS,
    block,
    draw_weights,
    scene_head,
    trunk,
)
from metasim_backend.features.prior_training import (
    PriorTrainingError,
    as_float,
    disturb,
)
from metasim_backend.networks.device import device_of
from metasim_backend.networks.schedules import adamw

FIRST_LOG_DENSITY = -5.0  # most cells show nothing
LARGEST_DENSITY = 4.0  # logarithm of objects a cell
VIEWS = 3  # disturbed versions of each picture that a pretrained network looks at


@dataclass(frozen=True, eq=False)
class CountAnswers:
    """What there is to be counted in each of N pictures.

    Attributes:
        classes: names of K classes.
        density: [N, K, h, w], each object's 1 shared out over the cells of 8 x 8 pixels that show
            it; its sum over cells is the count.
        choices: names of T numbers about the whole scene.
        scene: [N, T] those numbers.
    """

    classes: tuple[str, ...]
    density: Tensor
    choices: tuple[str, ...]
    scene: Tensor

    def counts(self) -> Tensor:
        """[N, K]."""
        return self.density.sum((2, 3))


@dataclass(frozen=True)
class CountTraining:
    """How a count network is trained.

    Attributes:
        epochs: passes over the pictures.
        batch_size: pictures a step.
        learning_rate: of AdamW at its peak; rises for a tenth of the steps, then falls to 0.
        held_out: share of the pictures kept for measuring the readings' errors.
        disturbed: how strongly colours, contrast and noise are changed, see ``disturb``.
    """

    epochs: int = 12
    batch_size: int = 32
    learning_rate: float = 4e-3
    held_out: float = 0.1
    disturbed: float = 1.0


class CountNetwork(nn.Module):
    """Pictures [B, 3, H, W] in [0, 1] to readings [B, D], D = K + 1 + T.

    The readings are K counts, their sum, and T numbers of the whole scene, the last in the spread
    that they have in the training pictures.

    Args:
        classes: names of the K classes.
        choices: names of the T numbers.
        seed: of the first weights.
        cells: read counts off what a pretrained network sees; None: off the picture itself.

    Attributes:
        spread: [D] standard deviation of each reading's true value in the training pictures.
        error: [D] root mean square error of each reading on held-out pictures.
    """

    spread: Tensor
    error: Tensor
    middle: Tensor
    scale: Tensor

    def __init__(
        self,
        classes: tuple[str, ...],
        choices: tuple[str, ...],
        seed: int = 0,
        cells: PretrainedCells | None = None,
    ) -> None:
        super().__init__()
        self.classes, self.choices = tuple(classes), tuple(choices)
        with torch.device("meta"):  # drawn below, from a generator of its own
            self.trunk = trunk() if cells is None else _cell_trunk(cells.channels)
            self.densities = nn.Conv2d(WIDTHS[-1], len(classes), 1)
            self.scene = scene_head(len(choices))
        draw_weights(self, seed)
        self.cells = cells
        assert self.densities.bias is not None
        nn.init.constant_(self.densities.bias, FIRST_LOG_DENSITY)
        size = len(classes) + 1 + len(choices)
        self.register_buffer("spread", torch.ones(size))
        self.register_buffer("error", torch.zeros(size))
        self.register_buffer("middle", torch.zeros(len(choices)))
        self.register_buffer("scale", torch.ones(len(choices)))

    @property
    def names(self) -> tuple[str, ...]:
        """What each reading is about."""
        return (*self.classes, "all", *self.choices)

    def seen(self, images: Tensor) -> Tensor:
        """What readings are made of: the picture, or what a pretrained network sees in it."""
        own = images.to(device_of(self))
        looked = (own - 0.5) / 0.25 if self.cells is None else self.cells(own)
        return looked.to(images.device)

    def readings(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        """[B, K, h, w] logarithms of densities and [B, T] standardised numbers of the scene."""
        maps = self.trunk(seen.to(device_of(self)))
        scene = maps.new_zeros(len(maps), 0) if self.scene is None else self.scene(maps)
        log_density = self.densities(maps).clamp_max(LARGEST_DENSITY)
        return log_density.to(seen.device), scene.to(seen.device)

    def forward(self, images: Tensor) -> Tensor:
        log_density, scene = self.readings(self.seen(images.to(device_of(self))))
        counts = log_density.exp().sum((2, 3))
        found = torch.cat([counts, counts.sum(1, keepdim=True), scene * self.scale], 1)
        return found.to(images.device)

    def stages(self, images: Tensor) -> list[Tensor]:
        """The readings, as a :class:`~metasim_backend.features.extractor.FeatureExtractor` takes
        them."""
        return [self(images)]

    def explained(self) -> dict[str, float]:
        """The share of each reading's variance that is read right; 1 for one that did not vary."""
        share = 1 - (self.error / self.spread.clamp_min(1e-9)).square()
        share = torch.where(self.spread > 1e-6, share, 1.0)
        return dict(zip(self.names, share.tolist(), strict=True))


def train_count_network(
    images: Tensor,
    answers: CountAnswers,
    seed: int = 0,
    settings: CountTraining | None = None,
    progress: Callable[[int, float], object] | None = None,
    cells: PretrainedCells | None = None,
    device: torch.device | str = "cpu",
) -> CountNetwork:
    """Train a :class:`CountNetwork` on renders of the prior.

    Args:
        images: [N, 3, H, W], uint8 or float in [0, 1].
        answers: for the same N pictures.
        seed: of weights, order, disturbances and held-out pictures.
        settings: None: the defaults.
        progress: called with the epoch (from 1) and its mean loss.
        cells: of a pretrained network; what it sees in a few disturbed versions of each picture is
            kept, since looking is dearer than learning to read.
        device: where the network is trained, and stays.

    Returns:
        The trained network, in evaluation mode and frozen.

    Raises:
        PriorTrainingError: too few pictures, or nothing to be counted.
    """
    settings = settings or CountTraining()
    if len(images) < 8 or len(images) != len(answers.density):
        raise PriorTrainingError(
            f"{len(images)} pictures with {len(answers.density)} answers cannot be trained on; "
            "give at least 8 pictures and as many answers."
        )
    counts = answers.counts()
    truth = torch.cat([counts, counts.sum(1, keepdim=True), answers.scene], 1)
    if not bool((truth.std(0) > 0).any()):
        raise PriorTrainingError(
            "All scenes have the same structure, so there is nothing to be counted; the grammar "
            "must leave a choice of rules or counts."
        )
    generator = torch.Generator().manual_seed(seed)
    network = CountNetwork(answers.classes, answers.choices, seed, cells)
    mean_count = float(counts.sum(1).mean().clamp_min(1e-6))
    if answers.choices:
        network.middle.copy_(answers.scene.mean(0))
        network.scale.copy_(answers.scene.std(0).clamp_min(1e-6))
    network.spread.copy_(truth.std(0))
    standard = (answers.scene - network.middle) / network.scale
    network.to(device)
    order = torch.randperm(len(images), generator=generator)
    held_out, training = order.tensor_split([max(2, int(len(order) * settings.held_out))])
    steps = settings.epochs * math.ceil(len(training) / settings.batch_size)
    optimiser, schedule = adamw(network.parameters(), settings.learning_rate, 1e-2, steps)
    views = _Views(network, images, settings.disturbed, generator)
    network.train()
    for epoch in range(settings.epochs):
        total = 0.0
        shuffled = training[torch.randperm(len(training), generator=generator)]
        for batch in shuffled.split(settings.batch_size):
            log_density, scene = network.readings(views.of(batch))
            wanted = answers.density[batch]
            poisson = log_density.exp() - wanted * log_density
            loss = poisson.sum((1, 2, 3)).mean() / mean_count
            if answers.choices:
                loss = loss + functional.smooth_l1_loss(scene, standard[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += float(loss.detach()) * len(batch)
        if progress is not None:
            progress(epoch + 1, total / len(training))
    network.eval().requires_grad_(False)
    read = torch.cat([network(as_float(images[rows])) for rows in held_out.split(64)])
    read[:, len(counts[0]) + 1 :] += network.middle.cpu()
    network.error.copy_((read - truth[held_out]).square().mean(0).sqrt())
    return network


class _Views:
    """What a network sees in disturbed pictures; of a pretrained one, looked at beforehand.

    Args:
        network: that looks.
        images: [N, 3, H, W].
        strength: of the disturbance.
        generator: of the disturbance.
    """

    def __init__(
        self, network: CountNetwork, images: Tensor, strength: float, generator: torch.Generator
    ) -> None:
        self._network, self._images = network, images
        self._strength, self._generator = strength, generator
        self._kept: list[Tensor] = []
        if network.cells is not None:
            with torch.no_grad():
                for _ in range(VIEWS):
                    parts = [
                        self._look(rows).half() for rows in torch.arange(len(images)).split(32)
                    ]
                    self._kept.append(torch.cat(parts))

    def of(self, rows: Tensor) -> Tensor:
        """What is seen in some pictures, each disturbed anew."""
        if not self._kept:
            return self._look(rows)
        which = torch.randint(len(self._kept), (len(rows),), generator=self._generator)
        both = zip(which.tolist(), rows.tolist(), strict=True)
        return torch.stack([self._kept[view][row] for view, row in both]).float()

    def _look(self, rows: Tensor) -> Tensor:
        images = as_float(self._images[rows])
        return self._network.seen(disturb(images, self._generator, self._strength))


def _cell_trunk(channels: int) -> nn.Sequential:
    """Maps of :class:`PretrainedCells` to maps like those of :func:`prior_network.trunk`."""
    width = WIDTHS[-1]
    return nn.Sequential(
        *block(channels, width, size=1), *block(width, width), *block(width, width, dilation=2)
    )


def densities(index: Tensor, units: Tensor) -> Tensor:
    """[N, K, h, w]: each object's 1 shared out over the cells that show it.

    Args:
        index: [N, H, W] long, which object is seen in each pixel; 0 for none.
        units: [N, M] long, the class of the object with each index, -1 for none.

    As the network sees it, the last row and column of cells may be cut by the picture's edge.
    """
    classes = int(units.max()) + 1 if units.numel() else 0
    count, height, width = index.shape
    rows, columns = math.ceil(height / CELL), math.ceil(width / CELL)
    most = units.shape[1]
    offset = torch.arange(count)[:, None] * most
    flat = (index.flatten(1) + offset).flatten()
    pixels = torch.bincount(flat, minlength=count * most).clamp_min(1)
    of_class = units.flatten()[flat]
    y = torch.arange(height).div(CELL, rounding_mode="floor")
    x = torch.arange(width).div(CELL, rounding_mode="floor")
    cell = (y[:, None] * columns + x[None, :]).flatten().repeat(count)
    picture = torch.arange(count).repeat_interleave(height * width)
    seen = of_class >= 0
    place = ((picture * classes + of_class) * rows * columns + cell)[seen]
    share = 1.0 / pixels[flat[seen]].float()
    total = torch.zeros(count * classes * rows * columns).index_add(0, place, share)
    return total.view(count, classes, rows, columns)

"""φ: pictures become vectors in which distributions are matched.

Features are pooled averages of several stages of a frozen network. Where things stand matters (a
car must come to the right place), so earlier stages are averaged over each cell of a coarse grid,
2 rows by 4 columns, and only the last stage over the whole picture. Then every dimension d of
stage s with D_s dimensions is scaled

    φ_d = (f_d - μ_d) / √(σ_d² + (c σ_s)²) / √D_s

with μ, σ measured on reference pictures by :meth:`FeatureExtractor.fit_scale`, σ_s the stage's
root mean square of σ and c = 0.2. The second term under the root keeps dimensions that hardly vary
in the reference from exploding in other pictures; √D_s gives each stage the same say in a distance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from metasim_backend.features.count_network import CountNetwork
from metasim_backend.features.prior_network import KIND, PriorNetwork
from metasim_backend.networks.imagenet import (
    IMAGENET_NETWORKS,
    file_network,
    torchvision_network,
)
from metasim_backend.networks.packaged import PACKAGED, packaged_network
from metasim_backend.networks.stages import FeaturesError, StageNetwork, read_state

__all__ = ["CHOICES", "FeatureExtractor", "FeaturesError", "build_features", "counting_features"]

CHOICES = ("auto", "prior", PACKAGED, *IMAGENET_NETWORKS)
AUTO_NETWORK = "resnet50"
GRID = (2, 4)
FLOOR = 0.2
PRIOR_FLOOR = 1.0


class FeatureExtractor(nn.Module):
    """Frozen φ: forward takes [B, 3, H, W] float RGB in [0, 1] and gives [B, D] float32, on the
    pictures' device whichever is the network's.

    Gradients flow to the pictures, none to the network; ``train()`` leaves it in evaluation mode.
    The scale is part of the state dict.

    Args:
        network: holds the weights; its ``stages`` gives [B, C, h, w] or [B, C] a stage.
        grids: for each stage (rows, columns) of the grid it is averaged over; None: not pooled.
        name: which network and weights, as a plain sentence.
        floor: c in the scale below; large where a dimension's variance says what it is worth, as
            that of a regression does.
    """

    shift: Tensor
    scale: Tensor

    def __init__(
        self,
        network: StageNetwork | PriorNetwork | CountNetwork,
        grids: Sequence[tuple[int, int] | None],
        name: str,
        floor: float = FLOOR,
    ) -> None:
        super().__init__()
        self._floor = floor
        self.network: StageNetwork | PriorNetwork | CountNetwork = network
        self._grids = tuple(grids)
        self.name = name
        self.requires_grad_(False).eval()
        device = next(network.parameters()).device
        with torch.no_grad():
            parts = self._pooled(torch.zeros(1, 3, 96, 160, device=device))
        self.stage_dimensions = tuple(part.shape[1] for part in parts)
        self.register_buffer("shift", torch.zeros(self.dimension, device=device))
        self.register_buffer("scale", self._stage_weights().to(device))

    @property
    def dimension(self) -> int:
        """D."""
        return sum(self.stage_dimensions)

    def train(self, mode: bool = True) -> FeatureExtractor:
        return super().train(False)

    def forward(self, images: Tensor) -> Tensor:
        if images.ndim != 4 or images.shape[1] != 3 or not images.is_floating_point():
            raise ValueError(
                f"Pictures of shape {tuple(images.shape)} and type {images.dtype} are not "
                "[B, 3, H, W] floats in [0, 1]."
            )
        own = images.to(self.shift.device).float()
        return ((torch.cat(self._pooled(own), 1) - self.shift) * self.scale).to(images.device)

    @torch.no_grad()
    def extract(self, images: Tensor, batch_size: int = 32) -> Tensor:
        """[N, D] features of many pictures, without gradient; uint8 pictures are taken too."""
        device = self.shift.device
        parts = []
        for batch in images.split(batch_size):
            own = batch.to(device)
            found = self(own.float() / 255 if own.dtype == torch.uint8 else own)
            parts.append(found.to(batch.device))
        return torch.cat(parts)

    def fit_scale(self, reference: Tensor, batch_size: int = 32) -> FeatureExtractor:
        """Measure μ and σ on reference pictures, [N, 3, H, W] uint8 or float, N >= 2.

        Take target pictures and renders together: a scale from one side alone makes what only the
        other side shows look huge.

        Raises:
            FeaturesError: fewer than two pictures, or pictures that are all equal.
        """
        if len(reference) < 2:
            raise FeaturesError(
                f"{len(reference)} reference picture cannot give a scale; give at least 2."
            )
        self.shift.zero_()
        self.scale.fill_(1)
        features = self.extract(reference, batch_size)
        deviation = features.std(0)
        floors = torch.cat(
            [
                part.square().mean().sqrt().expand(len(part)) * self._floor
                for part in deviation.split(self.stage_dimensions)
            ]
        )
        if not bool((floors > 0).all()):
            self.scale.copy_(self._stage_weights())
            raise FeaturesError(
                f"The {len(reference)} reference pictures have equal features; give pictures that "
                "differ from one another."
            )
        self.shift.copy_(features.mean(0))
        root = (deviation.square() + floors.square()).sqrt()
        self.scale.copy_(self._stage_weights().to(root) / root)
        return self

    def extra_repr(self) -> str:
        return f"name={self.name!r}, dimension={self.dimension}"

    def _pooled(self, images: Tensor) -> list[Tensor]:
        return [
            stage.flatten(1)
            if grid is None
            else functional.adaptive_avg_pool2d(stage, grid).flatten(1)
            for stage, grid in zip(self.network.stages(images), self._grids, strict=True)
        ]

    def _stage_weights(self) -> Tensor:
        return torch.cat([torch.full((d,), d**-0.5) for d in self.stage_dimensions])


def counting_features(network: CountNetwork) -> FeatureExtractor:
    """φ of what a count network reads, each reading in units of the spread that it had in the
    pictures that the network was trained on; the scale needs no fitting."""
    features = FeatureExtractor(
        network, (None,), "a small network that counts, trained on the prior's own renders"
    )
    spread = network.spread.clamp_min(1e-6)
    features.scale.copy_(features.dimension**-0.5 / spread)
    return features


def build_features(
    choice: str | Path,
    *,
    prior: PriorNetwork | Callable[[], PriorNetwork] | None = None,
    first_answer: float = 5.0,
    whole: float | None = None,
) -> FeatureExtractor:
    """Build φ; its scale is still to be fitted.

    Args:
        choice: one of :data:`CHOICES`, or the path of a weights file (an ImageNet network's, or
            one that :meth:`PriorNetwork.save` wrote). ``"prior"``: the network that was trained
            on the prior's renders. ``"auto"``: torchvision's ResNet-50 where its weights are
            cached or quickly fetched, else ``"prior"``.
        prior: the trained prior network, or what trains it when it turns out to be needed.
        first_answer: seconds a server has to answer in when weights are to be downloaded.
        whole: seconds for the whole download; None: 120 for ``"auto"``, else 600.

    Raises:
        FeaturesError: unknown choice, weights that cannot be had or do not fit, or no prior
            network where one is needed.
    """
    choice = str(choice)
    if choice == "auto":
        try:
            return _of_imagenet(
                torchvision_network(AUTO_NETWORK, first_answer=first_answer, whole=whole or 120.0)
            )
        except FeaturesError:
            choice = "prior"
    if choice == "prior":
        if prior is None:
            raise FeaturesError(
                "Features 'prior' need a network trained on the prior's renders, and none was "
                "given; give one, or choose a weights file."
            )
        return _of_prior(
            prior if isinstance(prior, PriorNetwork) else prior(),
            "a small network trained on the prior's own renders",
        )
    if choice == PACKAGED:
        return _of_imagenet(packaged_network())
    if choice in IMAGENET_NETWORKS:
        return _of_imagenet(
            torchvision_network(choice, first_answer=first_answer, whole=whole or 600.0)
        )
    path = Path(choice)
    if not path.exists() and path.name == choice and not path.suffix:
        raise FeaturesError(
            f"Unknown features {choice!r}; choose {', '.join(CHOICES)} or the path of a weights "
            "file."
        )
    state = read_state(path)
    if state.get("kind") == KIND:
        name = f"a small network trained on the prior's own renders, from the file {path.name}"
        try:
            return _of_prior(PriorNetwork.from_saved(state), name)
        except (RuntimeError, LookupError, TypeError, ValueError, AttributeError) as error:
            raise FeaturesError(
                f"The network in {path} is not as this version writes it ({type(error).__name__}); "
                "give another, or train the run anew."
            ) from error
    return _of_imagenet(file_network(path, state))


def _of_imagenet(network: StageNetwork) -> FeatureExtractor:
    return FeatureExtractor(network, (GRID, GRID, (1, 1)), network.described)


def _of_prior(network: PriorNetwork, name: str) -> FeatureExtractor:
    return FeatureExtractor(network, (None,) * len(network.parts), name, PRIOR_FLOOR)

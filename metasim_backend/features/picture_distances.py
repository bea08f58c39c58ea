"""How alike two sets of pictures are, under the names that the literature has for it.

The Fréchet and the kernel distance are called FID and KID when they are taken on the last pooling
layer of Inception-v3, unscaled (Heusel et al. 2017; Binkowski et al. 2018). On any other features
the numbers mean something else, so the result carries the name of its features.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from metasim_backend.distances.frechet import frechet_distance, kernel_distance
from metasim_backend.features.extractor import FeatureExtractor
from metasim_backend.networks.stages import StageNetwork

INCEPTION_SIDE = 299  # pixels, of the pictures that Inception-v3 was trained on


@dataclass(frozen=True)
class PictureDistances:
    """Distances between two sets of pictures.

    Attributes:
        features: the sentence that names network and weights.
        frechet_name, kernel_name: FID and KID on Inception's last pooling layer.
        frechet: squared Fréchet distance of Gaussians fitted to the features.
        kernel: unbiased MMD² with KID's polynomial kernel; may be below 0 by chance.
        first, second: numbers of pictures.
    """

    features: str
    frechet_name: str
    kernel_name: str
    frechet: float
    kernel: float
    first: int
    second: int

    def __str__(self) -> str:
        return (
            f"{self.frechet_name} {self.frechet:.4g}, {self.kernel_name} {self.kernel:.4g} on "
            f"{self.features}, {self.first} against {self.second} pictures"
        )


def picture_distances(extractor: FeatureExtractor, x: Tensor, y: Tensor) -> PictureDistances:
    """Both distances between pictures [N, 3, H, W] and [M, 3, H, W], uint8 or float in [0, 1].

    On Inception-v3 FID and KID; on any other network the distances on φ.

    Raises:
        MatchingError: fewer than two pictures in a set.
    """
    first, second = distance_features(extractor, x), distance_features(extractor, y)
    return PictureDistances(
        extractor.name,
        *distance_names(extractor),
        float(frechet_distance(first, second)),
        float(kernel_distance(first, second)),
        len(x),
        len(y),
    )


def distance_names(extractor: FeatureExtractor) -> tuple[str, str]:
    """What the Fréchet and the kernel distance on its :func:`distance_features` are called."""
    return ("FID", "KID") if _inception(extractor) else ("Fréchet distance", "kernel distance")


def distance_features(extractor: FeatureExtractor, images: Tensor) -> Tensor:
    """[N, D]: Inception's last pooling layer, of any other network φ."""
    network = _inception(extractor)
    return inception_pool(network, images) if network else extractor.extract(images)


def _inception(extractor: FeatureExtractor) -> StageNetwork | None:
    network = extractor.network
    return network if isinstance(network, StageNetwork) and network.inception else None


@torch.no_grad()
def inception_pool(network: StageNetwork, images: Tensor, batch: int = 16) -> Tensor:
    """[N, 2048]: Inception's last pooling layer, of pictures brought to 299 x 299 pixels."""
    parts = []
    for part in images.split(batch):
        own = part.to(network.mean.device)
        own = own.float() / 255 if own.dtype == torch.uint8 else own
        own = functional.interpolate(own, (INCEPTION_SIDE, INCEPTION_SIDE), mode="bilinear")
        parts.append(network.stages(own)[-1].mean((2, 3)).to(part.device))
    return torch.cat(parts)

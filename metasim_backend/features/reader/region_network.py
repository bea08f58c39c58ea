"""The network that looks at one object: its class, its exact box, and how it stands.

It sees a square about a box, cut from the full picture, and where in the picture the box is. So an
object fills what the network sees, near or far. It is told what was read of the whole picture: how
far off a car of some height is depends on the lens, and where on the road it stands on the camera's
turn and the road's bend. It looks twice, as the second stage of Faster R-CNN
does (Ren et al. 2015): first it puts the proposed box right, then it reads.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchvision.ops import roi_align

from metasim_backend.features.reader.dense_network import convolution
from metasim_backend.networks.device import device_of

SIDE = 48
"""Pixels along a cut square's side."""
AROUND = 1.6
"""The square's side, in the longer sides of the box."""
LEAST_SIDE = 6.0
"""The square's, in pixels of the picture."""
WIDTHS = (24, 48, 96)
HIDDEN = 128
DROPPED = 0.1
CORRECTIONS = 4
CORRECTION_SCALE = (0.1, 0.1, 0.2, 0.2)
"""What a correction of 1 is: of the middle in sides of the box, and of logarithms of its sides."""
MOST_CORRECTED = 5.0
PLACE_CENTRE = (0.5, 0.6, -3.0, -2.5)
PLACE_SCALE = (0.29, 0.17, 0.9, 0.8)
"""Of a box's place: centre's column and row, logarithms of width and height, shares of the
picture's sides."""


class RegionNetwork(nn.Module):
    """[M, 3, 48, 48] squares in [0, 1], [M, 4] places of boxes and [M, T] standardised numbers of
    their pictures in; out come [M, 1 + K] logits of no object and of each class, [M, C]
    standardised numbers and [M, 4] corrections of the box."""

    def __init__(self, classes: int, numbers: int, scene: int) -> None:
        super().__init__()
        first, second, third = WIDTHS
        self.seen = nn.Sequential(
            convolution(3, first, 3, 2),
            convolution(first, second, 3, 2),
            convolution(second, second),
            convolution(second, third, 3, 2),
            convolution(third, third),
            nn.Flatten(),
            nn.Linear(third * (SIDE // 8) ** 2, HIDDEN),
            nn.SiLU(),
        )
        self.head = nn.Sequential(
            nn.Dropout(DROPPED),
            nn.Linear(HIDDEN + len(PLACE_SCALE) + scene, HIDDEN),
            nn.SiLU(),
            nn.Linear(HIDDEN, 1 + classes + numbers + CORRECTIONS),
        )
        self.split = (1 + classes, numbers, CORRECTIONS)

    def forward(
        self, squares: Tensor, places: Tensor, scene: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        home, device = squares.device, device_of(self)
        seen = self.seen((squares.to(device) - 0.5) / 0.25)
        told = torch.cat([seen, places.to(device), scene.to(device)], 1)
        classes, numbers, corrections = self.head(told).to(home).split(self.split, 1)
        return classes, numbers, corrections


def places(boxes: Tensor) -> Tensor:
    """[M, 4]: where boxes [M, 4] of shares of the picture's sides are, and how large, of about
    unit size."""
    corner, opposite = boxes[:, :2], boxes[:, 2:]
    sizes = (opposite - corner).clamp_min(1e-4).log()
    place = torch.cat([(corner + opposite) / 2, sizes], 1)
    return (place - place.new_tensor(PLACE_CENTRE)) / place.new_tensor(PLACE_SCALE)


def corrected(boxes: Tensor, corrections: Tensor) -> Tensor:
    """[M, 4] boxes, moved by shares of their sides and stretched by logarithms, as in R-CNN
    (Girshick et al. 2014)."""
    middle, size = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    corrections = corrections.clamp(-MOST_CORRECTED, MOST_CORRECTED)
    corrections = corrections * corrections.new_tensor(CORRECTION_SCALE)
    middle, half = middle + corrections[:, :2] * size, size / 2 * corrections[:, 2:].exp()
    return torch.cat([middle - half, middle + half], 1)


def corrections_to(boxes: Tensor, exact: Tensor) -> Tensor:
    """Inverse of :func:`corrected`: what makes the exact boxes of some boxes."""
    size, wanted = boxes[:, 2:] - boxes[:, :2], exact[:, 2:] - exact[:, :2]
    apart = (exact[:, :2] + exact[:, 2:] - boxes[:, :2] - boxes[:, 2:]) / 2
    corrections = torch.cat([apart / size, (wanted / size).clamp_min(1e-6).log()], 1)
    return corrections / corrections.new_tensor(CORRECTION_SCALE)


def squares(images: Tensor, pictures: Tensor, boxes: Tensor) -> Tensor:
    """[M, 3, 48, 48] in [0, 1]: squares about boxes, black where they leave the picture.

    Args:
        images: [N, 3, H, W] uint8.
        pictures: [M] long, the picture that a box is of.
        boxes: [M, 4] shares of the picture's sides.
    """
    if not len(boxes):
        return images.new_zeros(0, 3, SIDE, SIDE, dtype=torch.float32)
    height, width = images.shape[-2:]
    in_pixels = boxes * boxes.new_tensor([width, height, width, height])
    corner, opposite = in_pixels[:, :2], in_pixels[:, 2:]
    half = (AROUND / 2 * (opposite - corner).amax(1)).clamp_min(LEAST_SIDE / 2)[:, None]
    middle = (corner + opposite) / 2
    regions = torch.cat([pictures[:, None].to(boxes), middle - half, middle + half], 1)
    used, own = pictures.unique(return_inverse=True)
    regions[:, 0] = own.to(boxes)
    return roi_align(images[used].float() / 255, regions, SIDE, sampling_ratio=2, aligned=True)

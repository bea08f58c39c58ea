"""Neighbouring frames of a video are told from different streets."""

import pytest
import torch

from metasim_backend.datasets.near_duplicates import distinct
from metasim_backend.datasets.targets import TargetImages


def scene(seed, shift=0):
    """A picture of rectangles, seen a few pixels further to the right."""
    source = torch.Generator().manual_seed(seed)
    wide = torch.full((3, 80, 300), 60.0)
    for _ in range(12):
        y, x = (
            int(torch.randint(0, 60, (1,), generator=source)),
            int(torch.randint(0, 260, (1,), generator=source)),
        )
        wide[:, y : y + 30, x : x + 40] = torch.rand(3, 1, 1, generator=source) * 255
    return wide[:, :, shift : shift + 256]


def test_a_drives_frames_become_few_and_other_streets_stay():
    video = [scene(0, shift) for shift in (0, 0, 1, 2, 3)]
    images = torch.stack([*video, scene(1), scene(2)]).to(torch.uint8)
    assert distinct(images, 0.9).tolist() == [0, 5, 6]


def test_likeness_does_not_know_contrast_and_1_keeps_all():
    one, other = scene(3), scene(4)
    darker = one * 0.5 + 20
    images = torch.stack([one, darker, other])
    assert distinct(images, 0.99).tolist() == [0, 2]
    target = TargetImages(images.to(torch.uint8), ("a", "b", "c"))
    assert target.different(1.0) is target
    assert target.different(0.99).names == ("a", "c")


def test_pictures_of_one_colour_are_like_nothing():
    images = torch.stack([torch.full((3, 8, 8), value) for value in (10.0, 200.0)])
    assert distinct(images, 0.5).tolist() == [0, 1]


@pytest.mark.parametrize("size", [(28, 28), (5, 3)])
def test_small_pictures_do(size):
    images = torch.rand(4, 3, *size, generator=torch.Generator().manual_seed(0))
    assert distinct(torch.cat([images, images]), 0.999).tolist() == [0, 1, 2, 3]

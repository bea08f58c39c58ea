"""Streets in other looks: several of each, the same at each asking."""

from __future__ import annotations

import pytest
import torch

from metasim_backend.experiments.other_looks import LOOKS, OtherLooks, like_photographs
from metasim_backend.tasks.detection_targets import DetectionTarget

ONE = DetectionTarget(torch.tensor([[1.0, 2, 8, 9]]), torch.ones(1, dtype=torch.int64), None)
STREETS = [(torch.full((3, 20, 30), value, dtype=torch.uint8), ONE) for value in (50, 150)]


def test_each_street_has_several_looks_with_its_own_labels():
    photographs = torch.stack(
        [torch.full((3, 20, 30), value, dtype=torch.uint8) for value in range(0, 250, 10)]
    )
    looks = OtherLooks(STREETS, like_photographs(photographs), seed=3)
    assert len(looks) == 2 * LOOKS
    # Plain pictures have no amplitude but their mean's: they become one of the photographs.
    means = [float(looks[place][0].float().mean()) for place in range(len(looks))]
    assert all(mean % 10 == pytest.approx(0, abs=0.5) for mean in means)
    assert len({round(mean) for mean in means}) > 2
    assert all(target is ONE for _, target in looks[:])
    assert torch.equal(looks[5][0], looks[5][0])
    with pytest.raises(IndexError):
        looks[len(looks)]

"""What a network counts becomes histograms of whole things."""

import pytest
import torch

from metasim_backend.training.structure_report import read_counts


class Told:
    """A count network whose answer is written in the picture's first pixels."""

    classes, spread = ("car", "tree", "cloud"), torch.tensor([1.0, 2.0, 1.0, 1.0])

    def __call__(self, images):
        return torch.cat([images[:, 0, 0, :3], images[:, 0, 0, :3].sum(1, keepdim=True)], 1)

    def explained(self):
        return {"car": 0.9, "tree": 0.5, "cloud": 0.01, "all": 0.9}


def pictures(*counts):
    out = torch.zeros(len(counts), 3, 2, 4)
    out[:, 0, 0, :3] = torch.tensor(counts)
    return out


def test_readings_are_rounded_never_below_nothing_and_only_of_what_is_read():
    prior = pictures((0.4, 2.2, 5.0), (-0.9, 1.6, 5.0))
    target = pictures((3.3, 2.0, 5.0), (0.6, 2.0, 5.0), (1.0, 2.0, 5.0), (1.2, 2.0, 5.0))
    found = read_counts(Told(), {"prior": prior, "target": target}, batch=3)
    assert list(found) == ["car", "tree"]
    assert found["car"]["prior"] == pytest.approx([1, 0, 0, 0])
    assert found["car"]["target"] == pytest.approx([0, 0.75, 0, 0.25])
    assert found["tree"]["prior"] == found["tree"]["target"] == pytest.approx([0, 0, 1])

"""Remarks of ``metasim train``."""

import torch

from metasim_backend.commands import train


def test_many_neighbouring_frames_are_remarked_and_a_few_are_not(capsys):
    pictures = torch.rand(8, 3, 40, 120, generator=torch.Generator().manual_seed(0))
    train._tell_of_near_duplicates(torch.cat([pictures, pictures[:1]]))
    assert capsys.readouterr().err == ""
    train._tell_of_near_duplicates(torch.cat([pictures, pictures[:3] * 0.9]))
    assert "3 of 11 target pictures" in capsys.readouterr().err

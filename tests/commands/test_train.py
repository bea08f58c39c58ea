"""Remarks of ``metasim train``."""

import pytest
import torch

from metasim_backend.commands import train
from metasim_backend.grammar import load_grammar
from metasim_backend.shipped_files.folders import SCENES
from metasim_backend.training.run_config import RunConfig, resolve_settings


def test_many_neighbouring_frames_are_remarked_and_a_few_are_not(capsys):
    pictures = torch.rand(8, 3, 40, 120, generator=torch.Generator().manual_seed(0))
    train._tell_of_near_duplicates(torch.cat([pictures, pictures[:1]]))
    assert capsys.readouterr().err == ""
    train._tell_of_near_duplicates(torch.cat([pictures, pictures[:3] * 0.9]))
    assert "3 of 11 target pictures" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("scenes", "overrides", "said"),
    [
        ("driving.yaml", ("rendering.width=416", "rendering.height=128"), "416 x 128 pixels"),
        ("driving.yaml", ("rendering.width=320", "rendering.height=192"), ""),  # packaged
        ("driving.yaml", ("surrogate.pretrained=none",), ""),  # so it was asked for
        ("driving.yaml", ("match.estimator=gradient",), ""),
        ("mnist_rotation.yaml", (), ""),
    ],
)
def test_a_first_round_that_takes_long_is_remarked(scenes, overrides, said, capsys):
    grammar = load_grammar(SCENES / scenes)
    settings = resolve_settings(grammar, overrides)
    train._tell_of_first_round(RunConfig(grammar, settings, None, None, ()))
    err = capsys.readouterr().err
    assert said in err and bool(said) == bool(err)

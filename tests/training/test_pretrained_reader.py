"""A reader's file: what it holds comes back, and it is used only where it fits."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from blob_world import GRAMMAR, SIZE

from metasim_backend.grammar import grammar_from_dict, load_grammar, with_overrides
from metasim_backend.grammar.encoding import Encoding
from metasim_backend.settings import SettingsError, settings_from_dict
from metasim_backend.shipped_files.folders import SCENES
from metasim_backend.training.estimators import pretrained_reader
from metasim_backend.training.estimators.pretrained_reader import (
    PretrainedReader,
    chosen_file,
    fingerprint,
)
from metasim_backend.training.run_config import resolve_settings
from tests.training.test_run import SETTINGS

BLOBS = grammar_from_dict(GRAMMAR)
DRIVING = SCENES / "driving.yaml"


def settings(pretrained="auto", size=SIZE):
    return settings_from_dict(
        SETTINGS
        | {"rendering": {"width": size, "height": size}, "surrogate": {"pretrained": pretrained}}
    )


def content(encoding=None):
    large, small = torch.rand(40, 50), torch.rand(3)
    return PretrainedReader(
        fingerprint(settings(), encoding or Encoding(BLOBS)),
        {"large": large, "small": small},
        {"steps": torch.tensor(3)},
        {"renders": 5},
    )


def test_a_file_holds_what_was_saved_large_tensors_with_half_precision(tmp_path):
    made, path = content(), tmp_path / "one.pt"
    made.save(path)
    back = PretrainedReader.load(path)
    assert back.fits == made.fits and back.made == made.made
    assert torch.equal(back.reader["small"], made.reader["small"])
    assert back.reader["large"].dtype == torch.float32
    torch.testing.assert_close(back.reader["large"], made.reader["large"], rtol=1e-3, atol=1e-6)
    assert torch.equal(back.surrogate["steps"], made.surrogate["steps"])
    assert back.digest == made.digest
    other = replace(made, reader=made.reader | {"small": torch.zeros(3)})
    assert other.digest != made.digest
    assert replace(made, made={"renders": 6}).digest == made.digest


def test_auto_takes_the_packaged_file_that_fits_and_no_other(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained_reader, "READERS", tmp_path)
    encoding = Encoding(BLOBS)
    assert chosen_file(settings(), encoding) is None
    content().save(tmp_path / "blobs.pt")
    assert chosen_file(settings(), encoding) == tmp_path / "blobs.pt"
    assert chosen_file(settings(size=2 * SIZE), encoding) is None
    assert chosen_file(settings("none"), encoding) is None
    # Another prior is read as well; another range has another scale.
    light = {"classes": {"field": {"attributes": {"light": {"prior": {"normal": [0.4, 0.02]}}}}}}
    assert chosen_file(settings(), Encoding(with_overrides(BLOBS, light))) is not None
    light["classes"]["field"]["attributes"]["light"]["range"] = [0, 3]
    assert chosen_file(settings(), Encoding(with_overrides(BLOBS, light))) is None


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("missing", "which is no file"),
        ("damaged", "cannot be read as a reader's file"),
        ("of another size", "was made for pictures of another size"),
        ("of another grammar", "was made for a grammar with other classes"),
        ("through another camera", "was made for another camera model"),
        ("in another light", "was made for another light"),
    ],
)
def test_a_file_that_was_asked_for_and_does_not_fit_is_refused_by_name(tmp_path, wrong, said):
    path, encoding = tmp_path / "mine.pt", Encoding(BLOBS)
    asked = settings(str(path))
    if wrong == "damaged":
        path.write_bytes(b"PK no reader")
    elif wrong != "missing":
        content().save(path)
    if wrong == "of another size":
        asked = settings(str(path), 2 * SIZE)
    if wrong == "of another grammar":
        encoding = Encoding(load_grammar(DRIVING))
    if wrong == "through another camera":
        asked = replace(asked, camera_model=replace(asked.camera_model, exposure=0.5))
    if wrong == "in another light":
        asked = replace(asked, rendering=replace(asked.rendering, lighting="traced"))
    with pytest.raises(SettingsError, match=said) as raised:
        chosen_file(asked, encoding)
    assert "mine.pt" in str(raised.value) and "metasim reader" in str(raised.value)


def test_the_packaged_reader_fits_the_driving_grammar_and_reads_it():
    """Whoever changes classes, attributes or ranges of the grammar makes the file anew."""
    grammar = load_grammar(DRIVING)
    size = {"rendering": {"width": 320, "height": 192}}
    path = chosen_file(resolve_settings(grammar, (), size), Encoding(grammar))
    assert path is not None, "make it with: make reader"
    held_out = PretrainedReader.load(path).made["held_out"]
    assert held_out["camera.pitch"]["r2"] > 0.8 and held_out["car: log distance"]["r2"] > 0.7

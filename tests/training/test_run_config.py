"""A run's configuration holds wherever it is resumed from, and target pictures are chosen by it."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from metasim_backend.grammar import load_grammar
from metasim_backend.settings import SettingsError, settings_from_dict
from metasim_backend.training.run_config import (
    TargetError,
    plan_run,
    read_target,
    resolve_settings,
    with_whole_paths,
)

GRAMMAR = Path(__file__).resolve().parents[2] / "scenes/driving_photographs.yaml"


def test_weights_are_found_from_any_folder(tmp_path, monkeypatch):
    (tmp_path / "net.pth").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    wanted = {
        "features": {"network": "net.pth"},
        "structure": {"network": "net.pth"},
        "detector": {"weights": "net.pth"},
    }
    settings = with_whole_paths(settings_from_dict(wanted))
    whole = str(tmp_path / "net.pth")
    assert settings.features.network == settings.structure.network == whole
    assert settings.detector.weights == whole
    assert with_whole_paths(settings_from_dict({})).structure.network == "own"


def photographs(folder, different, copies):
    rng = np.random.default_rng(0)
    folder.mkdir()
    for i in range(different):
        small = Image.fromarray(rng.integers(0, 256, (6, 16, 3), dtype=np.uint8))
        picture = small.resize((160, 60))
        for k in range(copies):
            picture.save(folder / f"{i}_{k}.png")
    return folder


def planned(tmp_path, folder, most_alike):
    return plan_run(
        tmp_path / "run",
        grammar=GRAMMAR,
        target=folder,
        validation=None,
        overrides=[f"target.most_alike={most_alike}"],
    )


def test_one_of_each_group_of_like_pictures_is_used(tmp_path):
    folder = photographs(tmp_path / "target", different=12, copies=3)
    for most_alike, used in ((1, 36), (0.95, 12)):
        config, target = planned(tmp_path, folder, most_alike)
        assert len(target.matched) + len(target.unseen) == used
        assert len(read_target(config).matched) == len(target.matched)


def test_too_few_different_pictures_are_refused(tmp_path):
    folder = photographs(tmp_path / "target", different=2, copies=8)
    with pytest.raises(TargetError, match="2 images that differ enough"):
        planned(tmp_path, folder, 0.95)


def test_a_surrogate_is_refused_where_nothing_has_a_box():
    grammar = load_grammar(Path(__file__).parents[2] / "scenes" / "mnist_rotation.yaml")
    with pytest.raises(SettingsError, match="'surrogate', which reads objects with 3-D boxes"):
        resolve_settings(grammar, ["match.estimator=surrogate"])


def test_boxes_are_refused_where_the_task_network_is_not_scored_by_boxes(tmp_path):
    """Before any work: a folder in COCO form ended the run with a traceback, in its task phase."""
    with pytest.raises(TargetError, match="'aerial2d' is not scored by boxes; leave --validation"):
        plan_run(
            tmp_path / "run",
            grammar=GRAMMAR.parent / "aerial2d.yaml",
            target=photographs(tmp_path / "target", different=12, copies=1),
            validation=tmp_path,
        )


def test_an_open_estimator_is_the_one_that_suits_the_world():
    files = ("driving", "mnist_rotation")
    street, digits = (load_grammar(GRAMMAR.parent / f"{name}.yaml") for name in files)
    assert resolve_settings(street).match.estimator == "surrogate"
    assert resolve_settings(digits).match.estimator == "gradient"
    assert resolve_settings(street, ["match.estimator=gradient"]).match.estimator == "gradient"
    # Where nothing is matched, what was learned before there was a choice stays comparable.
    assert resolve_settings(street, ["phases=structure"]).match.estimator == "gradient"
    with pytest.raises(SettingsError, match="has none; use 'gradient'"):
        resolve_settings(digits, ["match.estimator=surrogate"])


def test_settings_that_a_surrogate_does_not_read_are_refused():
    street, digits = (
        load_grammar(GRAMMAR.parent / f"{name}.yaml") for name in ("driving", "mnist_rotation")
    )
    with pytest.raises(SettingsError, match=r"'match\.steps'.*add match\.estimator=gradient"):
        resolve_settings(street, ["match.steps=80"])
    assert resolve_settings(digits, ["match.steps=80"]).match.steps == 80
    chosen = ["match.steps=80", "match.estimator=gradient"]
    assert resolve_settings(street, chosen).match.steps == 80
    assert resolve_settings(street, ["match.report_every=2"]).match.report_every == 2

"""Content that is hidden in another grammar is found; where nothing is to be learned, nothing
changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from metasim_backend.grammar import load_grammar, sample_scene
from metasim_backend.training.content import content_choice
from metasim_backend.training.content.box_counts import PictureBoxes
from metasim_backend.training.content.content_choice import (
    ContentChoice,
    ContentError,
    learn_content,
    pictures_of,
)
from metasim_backend.training.content.reading import calibrated_score
from metasim_backend.training.scene_generator import SceneGenerator

SCENES = Path(__file__).resolve().parents[3] / "scenes"
W, H = 620, 188
PHOTOGRAPHS, CHOSEN = 60, 60


@pytest.fixture(scope="module")
def scenes() -> SceneGenerator:
    made = SceneGenerator(load_grammar(SCENES / "driving_photographs.yaml"))
    made.changes_attributes = False
    return made


@pytest.fixture(scope="module")
def hidden() -> list[PictureBoxes]:
    """What streets of other structures show: mostly in towns, with more cars on the lanes."""
    grammar = load_grammar(SCENES / "driving_structure_target.yaml")
    return pictures_of(
        [sample_scene(grammar, 900 + i) for i in range(2 * PHOTOGRAPHS)], W, H, whole=True
    )


def test_chosen_streets_show_what_the_hidden_ones_do(scenes, hidden, monkeypatch):
    monkeypatch.setattr(content_choice, "CANDIDATES", 12)
    learned = learn_content(scenes, hidden[:PHOTOGRAPHS], seed=0, count=600)
    counts = learned.choice.counts
    truth = counts(hidden).mean(0)
    chosen = [learned.choice.choose(scenes, seed) for seed in range(CHOSEN)]
    own = [sample_scene(scenes.grammar, seed) for seed in range(3 * CHOSEN)]
    error = np.array(learned.errors)

    def far(made) -> float:
        shown = counts(pictures_of(made, W, H, whole=True)).mean(0)
        return float(np.square((shown - truth) / error).mean())

    assert far(chosen) < 0.7 * far(own)
    # What the weights promise on their own sample: nearer in the mean than the grammar's.
    seen, before, after = (
        np.array(v) for v in (learned.photographs, learned.before, learned.after)
    )
    assert np.abs(after - seen).mean() < 0.4 * np.abs(before - seen).mean()
    assert 0.05 < learned.effective_share < 1
    again = ContentChoice.from_dict(learned.choice.to_dict())
    assert again == learned.choice
    assert again.choose(scenes, 5) == chosen[5]


def test_with_multipliers_of_zero_the_proposals_themselves_are_drawn(scenes, hidden, monkeypatch):
    monkeypatch.setattr(content_choice, "CANDIDATES", 6)
    learned = learn_content(scenes, hidden[:PHOTOGRAPHS], seed=0, count=200)
    nothing = replace(learned.choice, multipliers=(0.0,) * len(learned.choice.multipliers))
    empty = PictureBoxes(np.zeros((0, 4)), W, H)
    monkeypatch.setattr(content_choice, "proposals", lambda *_, **__: range(6))
    monkeypatch.setattr(content_choice, "pictures_of", lambda *_, **__: [empty] * 6)
    places = [nothing.choose(scenes, seed) for seed in range(200)]
    shares = np.bincount(places, minlength=6) / 200
    assert shares == pytest.approx(np.full(6, 1 / 6), abs=0.08)  # three deviations


def test_few_photographs_and_empty_ones_are_refused(scenes, hidden):
    with pytest.raises(ContentError, match="there are 9"):
        learn_content(scenes, hidden[:9], seed=0, count=50)
    empty = [PictureBoxes(np.zeros((0, 4)), W, H)] * 12
    with pytest.raises(ContentError, match="None of 12 photographs"):
        learn_content(scenes, empty, seed=0, count=50)


def test_a_detector_is_believed_from_the_score_at_which_it_counts_right():
    tall, low = (0.0, 0.0, 20.0, 30.0), (0.0, 0.0, 20.0, 2.0)
    found = [
        {"boxes": np.array([tall, tall, low]), "scores": np.array([0.9, 0.4, 0.95]), "labels": ()},
        {"boxes": np.array([tall, tall]), "scores": np.array([0.7, 0.2]), "labels": ()},
    ]
    shown = [np.array([tall, tall, low]), np.array([tall])]
    assert calibrated_score(found, shown, 100) == 0.4
    nothing = [np.zeros((0, 4))] * 2
    assert calibrated_score(found, nothing, 100) == 1.0

"""Users' models in a grammar: drawn as often as their weight says, and stable."""

from __future__ import annotations

from collections import Counter

import pytest

from blender_addon.contract.catalogue import Asset
from metasim_backend.grammar import load_grammar, sample_scene
from metasim_backend.grammar.own_models import with_own_models

TAXI = Asset("taxi", "car", 4.5, 1.8, 1.5, weight=2.0)


@pytest.fixture(scope="module")
def path(project_root):
    return project_root / "scenes" / "driving.yaml"


def test_an_asset_is_drawn_as_often_as_its_weight_says(path, monkeypatch):
    grammar = load_grammar(path, assets=(TAXI,))
    spec = grammar.class_by_name["car"].by_name["model"]
    weights = dict(spec.prior.weights)
    mean = sum(w for name, w in weights.items() if name != "taxi") / (len(weights) - 1)
    assert weights["taxi"] == pytest.approx(2 * mean)
    sizes = {("car", "taxi"): (4.5, 1.8)}
    from metasim_backend.grammar import footprints, sampling

    known = {**footprints.model_sizes(), **sizes}
    monkeypatch.setattr(sampling, "model_sizes", lambda: known)
    drawn = Counter(
        node.attributes["model"]
        for seed in range(150)
        for node in sample_scene(grammar, seed).of_class("car")
    )
    share = drawn["taxi"] / drawn.total()
    expected = weights["taxi"] / sum(weights.values())
    assert share == pytest.approx(expected, abs=4 * (expected / drawn.total()) ** 0.5)


def test_without_assets_the_grammar_is_the_files_own(path):
    assert load_grammar(path, assets=()) == with_own_models(load_grammar(path, assets=()), ())


def test_what_the_grammar_knows_already_is_not_added_twice(path):
    once = load_grammar(path, assets=(TAXI,))
    assert with_own_models(once, (TAXI,)) == once

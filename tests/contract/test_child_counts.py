"""How many children a node may have, out of a grammar's rules."""

from __future__ import annotations

from pathlib import Path

from blender_addon.contract.child_counts import allowed, child_counts
from metasim_backend.grammar import load_grammar, sample_scene

SCENES = Path(__file__).resolve().parents[2] / "scenes"
RULES = {
    "start": "street",
    "symbols": ["row", "corner"],
    "classes": {name: {} for name in ("street", "side", "tree", "house")},
    "rules": [
        {"expand": "street", "into": [{"class": "side", "as": "row", "count": {1: 0.5, 2: 0.5}}]},
        {"expand": "row", "into": [{"class": "tree", "count": {0: 0.5, 3: 0.5}},
                                   {"class": "corner", "count": {2: 1.0}}]},
        {"expand": "row", "into": [{"class": "tree"}]},
        {"expand": "corner", "into": [{"class": "house"}, {"class": "tree"}]},
    ],
}  # fmt: skip


def test_counts_are_summed_along_symbols_and_bounded_over_rules():
    counts = child_counts(RULES)
    assert counts["street"] == {"side": (1, 2)}
    assert counts["side"] == {"tree": (1, 5), "house": (0, 2)}


def test_what_the_grammar_draws_is_allowed():
    grammar = load_grammar(SCENES / "driving.yaml", assets=())
    counts = child_counts(grammar.to_dict())
    for seed in range(30):
        scene = sample_scene(grammar, seed)
        for node in scene.nodes:
            kinds = [child.class_name for child in scene.children(node.id)]
            for kind in kinds:
                assert not allowed(counts, node.class_name, kind, kinds.count(kind))


def test_what_is_beyond_is_said_in_words_and_without_a_grammar_all_is_allowed():
    counts = child_counts(RULES)
    assert (
        allowed(counts, "side", "house", 3) == "the grammar puts at most 2 of class house on a side"
    )
    assert allowed(counts, "side", "tree", 0) == "the grammar puts 1 to 5 of class tree on a side"
    assert allowed(counts, "side", "side", 1) == "the grammar puts no side on a side"
    assert allowed({}, "side", "house", 30) == ""

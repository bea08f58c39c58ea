"""A scene graph is read back into the derivation that made it."""

import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from blender_addon.contract.scene_graph import Node, SceneGraph
from metasim_backend.grammar import (
    GrammarError,
    RuleChoice,
    expand,
    grammar_from_dict,
    load_grammar,
    sample_attributes,
    sample_structure,
)
from metasim_backend.grammar.language import AttributeSpec
from metasim_backend.grammar.parsing import log_density, parse, parse_skeleton
from metasim_backend.grammar.priors import Choice, Constant, Normal, Parameter, Uniform

SCENES = Path(__file__).resolve().parents[2] / "scenes"
SHIPPED = sorted(path.name for path in SCENES.glob("*.yaml"))


@pytest.mark.parametrize("name", SHIPPED)
def test_parsing_is_the_inverse_of_expanding(name):
    grammar = load_grammar(SCENES / name)
    for seed in range(40):
        choices = sample_structure(grammar, np.random.default_rng(seed))
        assert parse_skeleton(grammar, expand(grammar, choices)).choices == choices


@pytest.mark.parametrize("name", SHIPPED)
def test_whole_scenes_are_parsed_by_their_attributes(name):
    grammar = load_grammar(SCENES / name)
    tried = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        choices = sample_structure(grammar, rng)
        try:
            nodes = sample_attributes(grammar, expand(grammar, choices), rng)
        except GrammarError:
            continue
        found = parse(grammar, SceneGraph(nodes, grammar.domain, seed))
        assert found.choices == choices and found.share > 0.99
        tried += 1
    assert tried > 20


def rows(require=(), first=None, second=None):
    """Two items of one class that only what they set tells apart."""
    number = {"kind": "continuous", "range": [0, 10], "prior": {"uniform": [0, 10]}}
    return grammar_from_dict(
        {
            "domain": "test",
            "start": "street",
            "classes": {"street": {}, "tree": {"attributes": {"across": number}}},
            "rules": [
                {
                    "name": "street",
                    "expand": "street",
                    "into": [
                        {"class": "tree", "count": {0: 0.2, 1: 0.8}, "set": first or {}},
                        {"class": "tree", "count": {0: 0.6, 1: 0.4}, "set": second or {}},
                    ],
                }
            ],
        }
    )


def street(*across):
    nodes = [Node("street", "street", None, {})]
    nodes += [Node(f"tree_{i}", "tree", "street", {"across": a}) for i, a in enumerate(across)]
    return SceneGraph(tuple(nodes), "test", 0)


def test_an_ambiguous_scene_gives_the_likeliest_derivation_and_its_share():
    found = parse(rows(), street(3.0))
    # (1, 0): 0.8 * 0.6; (0, 1): 0.2 * 0.4.
    assert found.derivations == 2
    assert found.choices == (RuleChoice("street", (1, 0)),)
    assert found.share == pytest.approx(0.48 / 0.56)


def test_attributes_decide_between_items_that_set_them_differently():
    grammar = rows(first={"across": {"normal": [2, 1]}}, second={"across": {"uniform": [0, 10]}})
    near, far = parse(grammar, street(2.0)), parse(grammar, street(9.0))
    assert near.choices[0].counts == (1, 0) and far.choices[0].counts == (0, 1)
    first = 0.48 * stats.norm(2, 1).pdf(2.0)
    assert near.share == pytest.approx(first / (first + 0.08 * 0.1), rel=1e-4)


def test_mutable_attributes_can_be_left_out_of_the_evidence():
    grammar = rows(first={"across": {"uniform": [0, 5]}})
    data = grammar.to_dict()
    data["classes"]["tree"]["attributes"]["across"]["mutable"] = True
    data["rules"][0]["into"][1]["set"] = {"across": {"uniform": [5, 10]}}
    moved = grammar_from_dict(data)
    assert parse(moved, street(7.0)).choices[0].counts == (0, 1)
    assert parse(moved, street(7.0), mutable=False).choices[0].counts == (1, 0)


def test_a_scene_that_no_derivation_makes_is_refused():
    grammar = rows(first={"across": {"constant": 1}}, second={"across": {"constant": 2}})
    assert parse(grammar, street(1.0, 2.0)).choices[0].counts == (1, 1)
    for scene in (street(3.0), street(2.0, 1.0), street(1.0, 2.0, 1.0)):
        with pytest.raises(GrammarError, match="no derivation"):
            parse(grammar, scene)


def test_lists_are_parsed_and_loops_without_nodes_are_refused():
    def lists(into):
        return grammar_from_dict(
            {
                "domain": "test",
                "start": "root",
                "symbols": ["more"],
                "classes": {"root": {}, "leaf": {}},
                "rules": [
                    {"name": "root", "expand": "root", "into": ["more"]},
                    {"name": "go_on", "expand": "more", "probability": 0.4, "into": into},
                    {"name": "end", "expand": "more", "probability": 0.6, "into": []},
                ],
            }
        )

    nodes = [Node("root", "root", None, {})]
    nodes += [Node(f"leaf_{i}", "leaf", "root", {}) for i in range(50)]
    scene = SceneGraph(tuple(nodes), "test", 0)
    found = parse(lists(["leaf", "more"]), scene)
    assert [choice.rule for choice in found.choices] == ["root", *["go_on"] * 50, "end"]
    with pytest.raises(GrammarError, match="leads to itself"):
        parse(lists(["more", "leaf"]), scene)


def spec(kind, **more):
    return AttributeSpec("x", kind, Constant(Parameter()), **more)


def test_densities_are_those_of_scipy():
    line = spec("continuous", range=(-5.0, 5.0))
    normal = Normal(Parameter(1.0), Parameter(0.7))
    for x in (-2.0, 0.3, 4.0):
        assert log_density(line, normal, x, "", {}) == pytest.approx(
            stats.norm(1, 0.7).logpdf(x), abs=1e-3
        )
    assert log_density(line, Uniform(Parameter(0), Parameter(4)), 1.0, "", {}) == pytest.approx(
        -math.log(4), abs=1e-4
    )
    assert log_density(line, Uniform(Parameter(0), Parameter(4)), -1.0, "", {}) == -math.inf
    # What is clipped lies at the end of the range: its mass over a millionth of the range.
    clipped = log_density(line, Normal(Parameter(5.0), Parameter(1.0)), 5.0, "", {})
    assert clipped == pytest.approx(math.log(0.5 / 1e-5), abs=1e-3)
    turn = spec("circular", period=360.0)
    wrapped = log_density(turn, Normal(Parameter(0.0), Parameter(10.0)), 350.0, "", {})
    assert wrapped == pytest.approx(stats.norm(0, 10).logpdf(-10), abs=1e-3)
    kind = AttributeSpec("k", "categorical", Constant("a"), values=("a", "b"))
    assert log_density(kind, Choice((("a", 1.0), ("b", 3.0))), "b", "", {}) == math.log(0.75)
    assert log_density(kind, Constant("a"), "b", "", {}) == -math.inf

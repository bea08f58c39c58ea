"""Derivations as tokens: the same derivations, the same probabilities, all of them valid."""

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from metasim_backend.grammar import (
    GrammarError,
    RuleChoice,
    expand,
    grammar_from_dict,
    load_grammar,
    sample_structure,
    structure_failures,
)
from metasim_backend.grammar.derivation import Productions
from metasim_backend.grammar.stack_machine import PADDING

SCENES = Path(__file__).resolve().parents[2] / "scenes"
SHIPPED = sorted(path.name for path in SCENES.glob("*.yaml"))


def small_grammar(**changes):
    """Two kinds of road, cars by kind, a symbol of two alternatives that a car may be of."""
    data = {
        "domain": "test",
        "start": "land",
        "symbols": ["wide", "narrow", "kind"],
        "classes": {"land": {}, "road": {}, "car": {}, "roof": {}, "tree": {}},
        "rules": [
            {"name": "land", "expand": "land", "into": ["tree", "one_of"]},
            {"name": "to_wide", "expand": "one_of", "probability": 0.3, "into": ["wide"]},
            {"name": "to_narrow", "expand": "one_of", "probability": 0.7, "into": ["narrow"]},
            {
                "name": "wide",
                "expand": "wide",
                "into": [{"class": "car", "as": "kind", "count": {1: 0.25, 2: 0.75}}, "road"],
            },
            {
                "name": "narrow",
                "expand": "narrow",
                "into": ["road", {"class": "car", "as": "kind", "count": {0: 0.5, 1: 0.5}}],
            },
            {"name": "bare", "expand": "kind", "probability": 0.6, "into": []},
            {"name": "roofed", "expand": "kind", "probability": 0.4, "into": ["roof"]},
        ],
    }
    data["symbols"].append("one_of")
    return grammar_from_dict(data | changes)


def recursive_grammar():
    """A list that goes on with probability 0.4 and has one or two leaves a link."""
    return grammar_from_dict(
        {
            "domain": "test",
            "start": "root",
            "symbols": ["more"],
            "classes": {"root": {}, "leaf": {}},
            "rules": [
                {"name": "root", "expand": "root", "into": ["more"]},
                {
                    "name": "link",
                    "expand": "more",
                    "probability": 0.4,
                    "into": [{"class": "leaf", "count": {1: 0.5, 2: 0.5}}, "more"],
                },
                {"name": "end", "expand": "more", "probability": 0.6, "into": []},
            ],
        }
    )


def every_derivation(productions):
    """All token sequences of a grammar without recursion, by brute force on a list as stack."""
    waiting = [((), list(reversed(productions.start)))]
    while waiting:
        taken, stack = waiting.pop()
        if not stack:
            yield taken
            continue
        *rest, top = stack
        for v, token in enumerate(productions.tokens):
            if token.decision == top:
                waiting.append(((*taken, v), [*rest, *reversed(token.follows)]))


def probability_by_hand(grammar, choices):
    """Product over the rules and counts that the file gives; no tokens."""
    rules = {rule.name: rule for rule in grammar.rules}
    total = 1.0
    for choice in choices:
        rule = rules[choice.rule]
        total *= rule.probability
        for item, count in zip(rule.items, choice.counts, strict=True):
            total *= dict(item.counts)[count]
    return total


def test_the_probabilities_of_all_derivations_of_a_small_grammar_add_to_one():
    grammar = small_grammar()
    productions = Productions(grammar)
    found = list(every_derivation(productions))
    # wide: 2 + 4 derivations; narrow: 1 + 2.
    assert len(found) == len(set(found)) == 9
    choices = [productions.choices_of(tokens) for tokens in found]
    assert len(set(choices)) == 9
    logs = [productions.log_probability(own) for own in choices]
    assert sum(map(math.exp, logs)) == pytest.approx(1, abs=1e-12)
    for own, log in zip(choices, logs, strict=True):
        assert math.exp(log) == pytest.approx(probability_by_hand(grammar, own), rel=1e-12)


def test_the_probabilities_of_a_recursive_grammar_add_to_one_in_the_limit():
    productions = Productions(recursive_grammar())
    # A derivation of n links has probability 0.4^n 0.6, whatever its leaves.
    for links in range(5):
        total = 0.0
        for leaves in np.ndindex(*(2,) * links):
            choices = [RuleChoice("root", (1,))]
            choices += [RuleChoice("link", (1 + more, 1)) for more in leaves]
            choices += [RuleChoice("end", ())]
            total += math.exp(productions.log_probability(tuple(choices)))
        assert total == pytest.approx(0.4**links * 0.6, rel=1e-12)


def test_sampled_derivations_are_as_frequent_as_their_probabilities_say():
    productions = Productions(small_grammar())
    tokens, finished = productions.sample(20_000, np.random.default_rng(0))
    assert finished.all()
    counted = Counter(tuple(v for v in row if v != PADDING) for row in tokens.tolist())
    names = list(every_derivation(productions))
    expected = [
        20_000 * math.exp(productions.log_probability(productions.choices_of(n))) for n in names
    ]
    assert sum(counted[name] for name in names) == 20_000
    assert stats.chisquare([counted[n] for n in names], expected).pvalue > 0.01


@pytest.mark.slow
@pytest.mark.parametrize("name", ["driving.yaml", None])
def test_a_million_sampled_derivations_are_all_valid(name):
    grammar = recursive_grammar() if name is None else load_grammar(SCENES / name)
    productions = Productions(grammar)
    rng = np.random.default_rng(1)
    for part in range(10):
        tokens, finished = productions.sample(100_000, rng)
        assert finished.all() and productions.are_derivations(tokens).all()
        for row in tokens[:100]:  # played by the code that makes scenes
            assert expand(grammar, productions.choices_of(row)), part


def test_what_is_no_derivation_is_told_apart():
    productions = Productions(small_grammar())
    right = next(every_derivation(productions))
    rows = np.full((4, len(right) + 1), PADDING)
    rows[0, : len(right)] = right
    rows[1, : len(right) - 1] = right[:-1]  # ends too early
    rows[2, : len(right) + 1] = (*right, right[-1])  # goes on
    rows[3, : len(right)] = (*right[:-1], right[0])  # a token of another decision
    assert productions.are_derivations(rows).tolist() == [True, False, False, False]
    for row in rows[1:]:
        with pytest.raises(GrammarError):
            productions.choices_of(row)


@pytest.mark.parametrize("name", SHIPPED)
def test_choices_become_tokens_and_come_back_the_same(name):
    grammar = load_grammar(SCENES / name)
    productions = Productions(grammar)
    for seed in range(50):
        choices = sample_structure(grammar, np.random.default_rng(seed))
        tokens = productions.tokens_of(choices)
        assert productions.choices_of(tokens) == choices
        by_hand = probability_by_hand(grammar, choices)
        assert productions.log_probability(choices) == pytest.approx(math.log(by_hand), rel=1e-9)


@pytest.mark.parametrize("name", ["driving.yaml", "aerial2d.yaml"])
def test_counts_of_nodes_and_conditions_follow_from_tokens_alone(name):
    grammar = load_grammar(SCENES / name)
    productions = Productions(grammar)
    tokens, _ = productions.sample(300, np.random.default_rng(2))
    counts = productions.class_counts(tokens)
    met = productions.meets_conditions(counts)
    assert met.any() and not met.all()
    for row, own, good in zip(tokens, counts, met, strict=True):
        skeleton = expand(grammar, productions.choices_of(row))
        names = Counter(node.class_name for node in skeleton)
        assert own.tolist() == [names[spec.name] for spec in grammar.classes]
        assert good == (not structure_failures(grammar, skeleton))


def test_options_of_probability_zero_have_no_token_and_no_probability():
    grammar = small_grammar()
    data = grammar.to_dict()
    rules = {rule["name"]: rule for rule in data["rules"]}
    rules["bare"]["probability"], rules["roofed"]["probability"] = 0.0, 1.0
    productions = Productions(grammar_from_dict(data))
    assert len(list(every_derivation(productions))) == 4
    assert productions.fixed_nodes.sum() > 0
    choices = (
        RuleChoice("land", (1, 1)),
        RuleChoice("to_narrow", (1,)),
        RuleChoice("narrow", (1, 1)),
        RuleChoice("bare", ()),
    )
    assert productions.log_probability(choices) == -math.inf
    with pytest.raises(GrammarError, match="bare"):
        productions.tokens_of(choices)
    assert Productions(grammar).log_probability(choices) == pytest.approx(math.log(0.7 * 0.5 * 0.6))


def test_a_derivation_longer_than_allowed_is_marked_unfinished():
    productions = Productions(recursive_grammar())
    tokens, finished = productions.sample(2000, np.random.default_rng(3), longest=3)
    # Only 0 links (1 token) and 1 link (3 tokens) end in time: 0.6 + 0.4 * 0.6.
    assert tokens.shape[1] == 3
    assert finished.mean() == pytest.approx(0.84, abs=0.03)
    assert (productions.are_derivations(tokens) == finished).all()

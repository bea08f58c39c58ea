"""The structure generator: a proper distribution over derivations, and one that can be taught."""

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats

from metasim_backend.grammar import grammar_from_dict, load_grammar
from metasim_backend.grammar.derivation import Productions
from metasim_backend.grammar.stack_machine import PADDING
from metasim_backend.models.structure_generator import (
    StructureGenerator,
    StructureGeneratorSettings,
)

SCENES = Path(__file__).resolve().parents[2] / "scenes"
GRAMMAR = {
    "domain": "test",
    "start": "land",
    "symbols": ["wide", "narrow", "kind", "street"],
    "classes": {"land": {}, "road": {}, "car": {}, "roof": {}},
    "rules": [
        {"name": "land", "expand": "land", "into": [{"class": "road", "as": "street"}]},
        {"name": "to_wide", "expand": "street", "probability": 0.5, "into": ["wide"]},
        {"name": "to_narrow", "expand": "street", "probability": 0.5, "into": ["narrow"]},
        {
            "name": "wide",
            "expand": "wide",
            "into": [{"class": "car", "as": "kind", "count": {0: 0.5, 1: 0.25, 2: 0.25}}],
        },
        {
            "name": "narrow",
            "expand": "narrow",
            "into": [{"class": "car", "as": "kind", "count": {0: 0.5, 1: 0.25, 2: 0.25}}],
        },
        {"name": "bare", "expand": "kind", "probability": 0.6, "into": []},
        {"name": "roofed", "expand": "kind", "probability": 0.4, "into": ["roof"]},
    ],
}


def small(seed=0, **settings):
    """A network with weights large enough that its distribution is far from uniform."""
    torch.manual_seed(seed)
    made = StructureGenerator(
        Productions(grammar_from_dict(GRAMMAR)),
        StructureGeneratorSettings(**({"latents": 3, "hidden": 16, "longest": 8} | settings)),
    )
    with torch.no_grad():
        made.head.weight.mul_(6)
    return made


def every_derivation(productions):
    """[N, T]: all derivations of a grammar without recursion, padded with -1."""
    waiting, found = [((), list(reversed(productions.start)))], []
    while waiting:
        taken, stack = waiting.pop()
        if not stack:
            found.append(taken)
            continue
        *rest, top = stack
        for v, token in enumerate(productions.tokens):
            if token.decision == top:
                waiting.append(((*taken, v), [*rest, *reversed(token.follows)]))
    longest = max(map(len, found))
    return torch.tensor([[*own, *[PADDING] * (longest - len(own))] for own in found])


def log_prob_by_hand(generator, tokens):
    """One derivation, one z and one step at a time, with torch's own cell and a plain mask."""
    of_latent = []
    productions = generator.productions
    for z in range(generator.settings.latents):
        latent = generator.latent.weight[z][None]
        state, total = torch.tanh(latent), 0.0
        stack, before = list(reversed(productions.start)), len(productions.tokens)
        for v in tokens:
            if v == PADDING:
                break
            top = stack.pop()
            seen = latent
            if generator.settings.feedback:
                seen = seen + generator.token.weight[before] + generator.decision.weight[top]
            state = generator.cell(seen, state)
            logits = generator.head(state)[0]
            valid = torch.from_numpy(productions.valid[top])
            total = total + torch.log_softmax(logits.masked_fill(~valid, -math.inf), 0)[v]
            stack.extend(reversed(productions.tokens[v].follows))
            before = v
        of_latent.append(total)
    return torch.logsumexp(torch.stack(of_latent), 0) - math.log(len(of_latent))


@pytest.mark.parametrize("feedback", [True, False])
def test_the_probabilities_of_all_derivations_add_to_one(feedback):
    generator = small(feedback=feedback)
    tokens = every_derivation(generator.productions)
    assert len(tokens) == 14  # (1 + 2 + 4) of each kind of road
    probabilities = generator.log_prob(tokens).exp()
    assert float(probabilities.detach().sum()) == pytest.approx(1, abs=1e-5)
    assert float(probabilities.detach().max()) > 3 / 14  # far from uniform


@pytest.mark.parametrize("feedback", [True, False])
def test_log_q_is_the_log_mean_over_latents_of_masked_softmaxes(feedback):
    generator = small(1, feedback=feedback)
    tokens = every_derivation(generator.productions)
    by_hand = torch.stack([log_prob_by_hand(generator, row) for row in tokens.tolist()])
    torch.testing.assert_close(generator.log_prob(tokens), by_hand, atol=1e-5, rtol=1e-5)
    chosen = torch.tensor([0, 3, 3, 9])
    fast = torch.autograd.grad(generator.log_prob(tokens[chosen]).sum(), generator.cell.weight_hh)
    slow = torch.autograd.grad(by_hand[chosen].sum(), generator.cell.weight_hh)
    torch.testing.assert_close(fast, slow, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("feedback", [True, False])
def test_draws_are_as_frequent_as_log_q_says(feedback):
    generator = small(2, feedback=feedback)
    tokens = every_derivation(generator.productions)
    drawn = generator.draw(20_000, torch.Generator().manual_seed(0))
    assert drawn.finished.all()
    assert generator.productions.are_derivations(drawn.tokens.numpy()).all()
    counted = Counter(tuple(v for v in row if v != PADDING) for row in drawn.tokens.tolist())
    expected = 20_000 * generator.log_prob(tokens).exp().detach().double().numpy()
    seen = [counted[tuple(v for v in row if v != PADDING)] for row in tokens.tolist()]
    assert sum(seen) == 20_000
    often = expected > 5
    rest = [np.sum(seen) - np.sum(np.array(seen)[often]), expected.sum() - expected[often].sum()]
    observed = [*np.array(seen)[often], rest[0]]
    wanted = np.array([*expected[often], max(rest[1], 1e-9)])
    assert stats.chisquare(observed, wanted * np.sum(observed) / wanted.sum()).pvalue > 0.01


def test_entropy_of_independent_decisions_is_the_sum_of_theirs():
    generator = small(3, latents=1, feedback=False)
    with torch.no_grad():
        generator.head.weight.zero_()
        generator.head.bias.zero_()
    tokens = every_derivation(generator.productions)
    log_q, entropy = generator.log_prob_and_entropy(tokens)
    # Every decision is uniform over its options: a derivation's entropy is minus its log q.
    torch.testing.assert_close(entropy, -log_q, atol=1e-5, rtol=1e-5)


def test_a_draw_depends_on_its_own_random_numbers_alone():
    generator = small(4)
    uniform = torch.rand(50, 9, generator=torch.Generator().manual_seed(1))
    together = generator.sample(uniform).tokens
    for n in range(0, 50, 7):
        alone = generator.sample(uniform[n : n + 1]).tokens[0]
        assert together[n, : len(alone)].tolist() == alone.tolist()
    with pytest.raises(ValueError, match="takes 9"):
        generator.sample(uniform[:, :5])


def test_what_has_not_ended_in_time_is_marked_and_its_part_has_a_probability():
    generator = small(5, longest=2)
    drawn = generator.draw(500, torch.Generator().manual_seed(2))
    ended = generator.productions.are_derivations(drawn.tokens.numpy())
    assert drawn.finished.tolist() == ended.tolist()
    assert 0 < ended.sum() < 500
    # The prefix's probability is that of all derivations that begin with it.
    tokens = every_derivation(generator.productions)
    all_logs = generator.log_prob(tokens)
    prefix = drawn.tokens[~drawn.finished][0]
    begins = (tokens[:, :2] == prefix).all(1)
    log = generator.log_prob(prefix[None])[0]
    torch.testing.assert_close(log, torch.logsumexp(all_logs[begins], 0), atol=1e-5, rtol=1e-5)


def test_tokens_that_the_stack_does_not_ask_for_are_refused():
    generator = small(6)
    tokens = every_derivation(generator.productions)[:1].clone()
    tokens[0, 1] = 0  # which kind of road, once more
    with pytest.raises(ValueError, match="Token 1"):
        generator.log_prob(tokens)


def test_the_driving_grammars_derivations_are_valid_and_their_log_q_is_finite():
    torch.manual_seed(0)
    generator = StructureGenerator(Productions(load_grammar(SCENES / "driving.yaml")))
    drawn = generator.draw(300, torch.Generator().manual_seed(0))
    assert drawn.finished.all()
    assert generator.productions.are_derivations(drawn.tokens.numpy()).all()
    log_q = generator.log_prob(drawn.tokens[:64])
    assert torch.isfinite(log_q).all()
    log_q.mean().backward()
    assert all(torch.isfinite(p.grad).all() for p in generator.parameters())

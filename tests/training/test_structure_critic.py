"""What a structure can be expected to earn is learned from noisy rewards."""

import numpy as np
import pytest
import torch
from test_structure_learning import car_counts, pretrained, roads, total_variation

from metasim_backend.grammar.derivation import Productions
from metasim_backend.training.reward import MovingAverage
from metasim_backend.training.settings import StructureSettings
from metasim_backend.training.structure_critic import StructureCritic
from metasim_backend.training.structure_draws import Drawn
from metasim_backend.training.structure_learning import learn_structure

WORTH = torch.tensor([[0.0, 0.3, -0.5, 0.2, 0.0], [0.4, 0.0, 0.0, -0.6, 0.5]])


def drawn_by(productions, count, seed):
    tokens, _ = productions.sample(count, np.random.default_rng(seed), 8)
    return torch.from_numpy(tokens)


def worth_of(productions, tokens):
    counts = productions.class_counts(tokens.numpy())
    return WORTH[counts[:, 2], counts[:, 3]]


def test_rewards_of_the_structure_alone_are_learned_to_the_last_digit():
    productions = Productions(roads())
    critic = StructureCritic(productions, 1)
    tokens = drawn_by(productions, 400, 0)
    assert critic.learn(tokens, worth_of(productions, tokens)) > 0.999
    other = drawn_by(productions, 100, 1)
    expected = worth_of(productions, other)
    torch.testing.assert_close(critic.expect(other), expected, atol=0.01, rtol=0)


@pytest.mark.parametrize("noise", [0.5, 2.0])
def test_the_share_that_is_explained_is_that_of_scenes_it_has_not_seen(noise):
    productions = Productions(roads())
    source = torch.Generator().manual_seed(0)

    def rewards(tokens):
        return worth_of(productions, tokens) + noise * torch.randn(len(tokens), generator=source)

    critic = StructureCritic(productions, 4)
    for step in range(4):
        tokens = drawn_by(productions, 400, step)
        said = critic.learn(tokens, rewards(tokens))
    fresh = drawn_by(productions, 20_000, 99)
    earned = rewards(fresh)
    found = 1 - (earned - critic.expect(fresh)).square().mean() / earned.var()
    assert said == pytest.approx(float(found), abs=0.04)
    # The truth is missed by much less than a scene's own reward misses it.
    missed = (critic.expect(fresh) - worth_of(productions, fresh)).std()
    assert missed < 0.12 * noise


def test_of_luck_alone_nothing_is_expected():
    productions = Productions(roads())
    critic = StructureCritic(productions, 1)
    tokens = drawn_by(productions, 300, 0)
    luck = torch.randn(300, generator=torch.Generator().manual_seed(1))
    assert abs(critic.learn(tokens, luck)) < 0.05
    assert critic.expect(tokens).std() < 0.25


def test_only_the_last_steps_are_remembered_and_a_checkpoint_holds_them():
    productions = Productions(roads())
    critic, other = StructureCritic(productions, 2), StructureCritic(productions, 2)
    batches = [drawn_by(productions, 50, seed) for seed in range(4)]
    for i, tokens in enumerate(batches[:3]):
        critic.learn(tokens, worth_of(productions, tokens) * (100 if i == 0 else 1))
    other.restore(critic.state())
    for one in (critic, other):
        one.learn(batches[3], worth_of(productions, batches[3]))
    assert torch.equal(critic.expect(batches[0]), other.expect(batches[0]))
    assert critic.expect(batches[0]).abs().max() < 2  # nothing of the first


def learned(noise, critic, steps, updates):
    made = pretrained(roads(0.3))
    source = torch.Generator().manual_seed(5)

    def draw(step):
        tokens = made.draw(64, source).tokens
        return Drawn([], tokens, torch.zeros(64), tokens[:0], torch.zeros(0, dtype=torch.long))

    def reward(drawn, step):
        luck = noise * torch.randn(64, generator=source)
        return worth_of(made.productions, drawn.tokens) + luck, {}

    settings = StructureSettings(
        steps=steps, prior_weight=0.5, learning_rate=1e-2, updates=updates, critic=critic
    )
    learn_structure(
        made, draw, reward, settings, MovingAverage(0.9),
        optimiser=torch.optim.Adam(made.parameters()), first_step=0, part=(0, steps),
        after_step=lambda step, values, average: None,
        critic=StructureCritic(made.productions, critic) if critic else None,
    )  # fmt: skip
    gibbs = np.array([[0.3 / 5], [0.7 / 5]]) * np.exp(WORTH.numpy() / 0.5)
    return total_variation(car_counts(made), gibbs / gibbs.sum())


def test_with_a_critic_few_noisy_scenes_lead_where_gibbs_found():
    """p exp(r / β) / Z, from 30 steps of 64 scenes whose luck is three times what they tell."""
    alone, expected = learned(1.0, 0, 30, 4), learned(1.0, 30, 30, 4)
    assert expected < 0.1
    assert expected < 0.7 * alone

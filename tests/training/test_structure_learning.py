"""The structure generator learns the prior by likelihood, and a target by rewards."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from metasim_backend.grammar import GrammarError, grammar_from_dict, load_grammar
from metasim_backend.grammar.derivation import Productions
from metasim_backend.models.structure_generator import (
    StructureGenerator,
    StructureGeneratorSettings,
)
from metasim_backend.settings import StructureSettings
from metasim_backend.training.reward import MovingAverage
from metasim_backend.training.structure_draws import Drawn, draw_scenes
from metasim_backend.training.structure_learning import learn_from, learn_structure
from metasim_backend.training.structure_pretraining import (
    divergence_from_prior,
    pretrain_structure,
    prior_derivations,
)

SCENES = Path(__file__).resolve().parents[2] / "scenes"


def roads(wide=0.5, cars_wide=None, cars_narrow=None, require=()):
    """A road of either kind with 0 to 4 cars; in the prior their number is independent of it."""
    cars = [cars_wide or dict.fromkeys(range(5), 0.2), cars_narrow or dict.fromkeys(range(5), 0.2)]
    return grammar_from_dict(
        {
            "domain": "test",
            "start": "land",
            "symbols": ["street"],
            "classes": {"land": {}, "wide": {}, "narrow": {}, "car": {}},
            "rules": [
                {"name": "land", "expand": "land", "into": ["street"]},
                {"name": "to_wide", "expand": "street", "probability": wide, "into": ["wide"]},
                {
                    "name": "to_narrow",
                    "expand": "street",
                    "probability": 1 - wide,
                    "into": ["narrow"],
                },
                {"name": "w", "expand": "wide", "into": [{"class": "car", "count": cars[0]}]},
                {"name": "n", "expand": "narrow", "into": [{"class": "car", "count": cars[1]}]},
            ],
            "require": list(require),
        }
    )


def network(grammar, **settings):
    torch.manual_seed(0)
    wanted = {"latents": 2, "hidden": 24, "longest": 8} | settings
    return StructureGenerator(Productions(grammar), StructureGeneratorSettings(**wanted))


def pretrained(grammar, **settings):
    made = network(grammar, **settings)
    for _ in pretrain_structure(
        made,
        StructureSettings(pretrain_steps=120, pretrain_batch=128),
        0,
        optimiser=torch.optim.Adam(made.parameters()),
        first_step=0,
    ):
        pass
    return made


def car_counts(generator, count=20_000):
    """[2, 5]: joint frequencies of the kind of road and the number of cars."""
    tokens = generator.draw(count, torch.Generator().manual_seed(9)).tokens.numpy()
    counts = generator.productions.class_counts(tokens)
    table = np.zeros((2, 5))
    np.add.at(table, (counts[:, 2], counts[:, 3]), 1 / count)
    return table


def rewarded(generator, reward, settings, seed):
    """All steps of learning from `reward(drawn, step)`, 256 draws each."""
    source = torch.Generator().manual_seed(seed)

    def draw(step):
        tokens = generator.draw(256, source).tokens
        none = torch.zeros(0, dtype=torch.long)
        return Drawn([], tokens, torch.zeros(256), tokens[:0], none)

    for _ in learn_structure(
        generator,
        draw,
        reward,
        settings,
        MovingAverage(0.9),
        optimiser=torch.optim.Adam(generator.parameters()),
        first_step=0,
        part=(0, settings.steps),
    ):
        pass


def total_variation(p, q):
    return 0.5 * np.abs(np.asarray(p) - np.asarray(q)).sum()


@pytest.mark.parametrize("feedback", [True, False])
def test_maximum_likelihood_learns_the_prior(feedback):
    grammar = roads(0.3, {0: 0.1, 1: 0.6, 4: 0.3}, {2: 1.0})
    # Without feedback only z can carry which road it is: there must be enough of them.
    made = pretrained(grammar, feedback=feedback, latents=2 if feedback else 8)
    assert divergence_from_prior(made, 1) < 0.02
    expected = [[0.03, 0.18, 0, 0, 0.09], [0, 0, 0.7, 0, 0]]
    assert total_variation(car_counts(made), expected) < 0.05


def test_maximum_likelihood_learns_the_driving_grammar():
    grammar = load_grammar(SCENES / "driving.yaml")
    made = StructureGenerator(Productions(grammar))
    before = divergence_from_prior(made, 1, 500)
    for _ in pretrain_structure(
        made,
        StructureSettings(pretrain_steps=40, pretrain_batch=128),
        0,
        optimiser=torch.optim.Adam(made.parameters()),
        first_step=0,
    ):
        pass
    assert divergence_from_prior(made, 1, 500) < 0.15 * before


@pytest.mark.parametrize("baseline", ["leave_one_out", "moving_average"])
def test_reinforce_learns_a_target_whose_car_counts_depend_on_the_road(baseline):
    """Rewarded with the exact log-ratio, it must come to the target itself."""
    made = pretrained(roads())
    wanted = np.array([[0, 0, 0, 0.2, 0.1], [0.3, 0.3, 0.1, 0, 0]]) + 1e-4
    wanted /= wanted.sum()

    def reward(drawn, step):
        counts = made.productions.class_counts(drawn.tokens.numpy())
        log_p = torch.from_numpy(np.log(wanted[counts[:, 2], counts[:, 3]])).float()
        return log_p - made.log_prob(drawn.tokens).detach()

    before = total_variation(car_counts(made), wanted)
    rewarded(
        made, reward, StructureSettings(steps=100, baseline=baseline, learning_rate=1e-2), seed=1
    )
    assert before > 0.5
    assert total_variation(car_counts(made), wanted) < 0.05


def test_the_gradient_is_that_of_the_expected_reward():
    """Averaged over many draws, against the exact sum over all ten derivations."""
    made = network(roads())
    tokens = torch.tensor([[r, 2 + 5 * r + n] for r in range(2) for n in range(5)])
    worth = torch.tensor([0.0, 1, 4, 9, 16, 3, 1, 4, 1, 5])
    exact = torch.autograd.grad((made.log_prob(tokens).exp() * worth).sum(), made.head.bias)[0]
    drawn = made.draw(40_000, torch.Generator().manual_seed(2)).tokens
    row = drawn[:, 0] * 5 + (drawn[:, 1] - 2) % 5
    none = torch.zeros(0, dtype=torch.long)
    batch = Drawn([], drawn, torch.zeros(len(drawn)), drawn[:0], none)
    learn_from(
        made,
        batch,
        worth[row],
        StructureSettings(updates=1, clip=1e9),
        MovingAverage(0.9),
        optimiser=torch.optim.SGD(made.parameters(), lr=0.0),
        rate=0.0,
    )
    torch.testing.assert_close(-made.head.bias.grad, exact, atol=0.03, rtol=0.03)


def test_held_to_the_prior_it_comes_to_the_distribution_that_gibbs_found():
    """Of a reward r that does not depend on q, the best q is p exp(r / β) / Z."""
    made = pretrained(roads(0.3))
    worth = torch.tensor([[0.0, 0.3, -0.5, 0.2, 0.0], [0.4, 0.0, 0.0, -0.6, 0.5]])

    def reward(drawn, step):
        counts = made.productions.class_counts(drawn.tokens.numpy())
        return worth[counts[:, 2], counts[:, 3]]

    rewarded(
        made, reward, StructureSettings(steps=120, prior_weight=0.5, learning_rate=1e-2), seed=3
    )
    gibbs = np.array([[0.3 / 5], [0.7 / 5]]) * np.exp(worth.numpy() / 0.5)
    assert total_variation(car_counts(made), gibbs / gibbs.sum()) < 0.04


def test_draws_that_fail_are_made_anew_and_their_cost_makes_them_rarer():
    grammar = roads(require=[{"count": ["car"], "between": [4, 4]}])
    made = pretrained(roads())
    made = StructureGenerator(Productions(grammar), made.settings)
    made.load_state_dict(pretrained(roads()).state_dict())
    drawn = draw_scenes(grammar, made, range(200))
    assert all(len(scene.of_class("car")) == 4 for scene in drawn.scenes)
    # One of five draws is accepted: four fail before it in the mean.
    assert float(drawn.failures.mean()) == pytest.approx(4, abs=1)
    assert len(drawn.rejected) == len(drawn.rejected_of) == int(drawn.failures.sum())
    optimiser = torch.optim.Adam(made.parameters())
    for step in range(40):
        drawn = draw_scenes(grammar, made, range(1000 + 64 * step, 1064 + 64 * step))
        learn_from(
            made,
            drawn,
            torch.zeros(64),
            StructureSettings(rejection_penalty=1e-2, updates=1),
            MovingAverage(0.9),
            optimiser=optimiser,
            rate=1e-2,
        )
    assert float(draw_scenes(grammar, made, range(200)).failures.mean()) < 0.5


def test_a_scene_is_a_function_of_its_seed():
    grammar = load_grammar(SCENES / "aerial2d.yaml")
    torch.manual_seed(0)
    made = StructureGenerator(Productions(grammar))
    together = draw_scenes(grammar, made, [3, 1, 4, 15, 9]).scenes
    alone = [draw_scenes(grammar, made, [seed], alone=True).scenes[0] for seed in (3, 1, 4, 15, 9)]
    assert together == alone
    assert [scene.seed for scene in together] == [3, 1, 4, 15, 9]


def test_conditions_that_no_draw_meets_are_said():
    grammar = roads(require=[{"count": ["car"], "between": [2, 3]}])
    made = network(grammar, longest=1)
    with pytest.raises(GrammarError, match="200 tries"):
        draw_scenes(grammar, made, [0])
    with pytest.raises(GrammarError, match="longer"):
        prior_derivations(made.productions, 10, 1, 0)
    tokens = prior_derivations(made.productions, 500, 8, 0)
    cars = made.productions.class_counts(tokens.numpy())[:, 3]
    assert len(tokens) == 500 and set(cars.tolist()) == {2, 3}
    assert math.isfinite(made.productions.log_probabilities(tokens.numpy()).sum())

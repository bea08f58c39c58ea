"""The task phase's step is REINFORCE on exactly what was rendered."""

from types import SimpleNamespace

import pytest
import torch
from blob_world import GRAMMAR, SIZE, BlobRenderer

from blender_addon.contract.frames import RenderSettings
from metasim_backend.distances.mmd import MMD
from metasim_backend.grammar import grammar_from_dict
from metasim_backend.settings import TaskSettings
from metasim_backend.training.matching import Matcher
from metasim_backend.training.reward import MovingAverage
from metasim_backend.training.scene_generator import SceneGenerator
from metasim_backend.training.task_optimisation import optimise_task

SCORES = (0.2, 0.5, 0.1)
RATE = 1e-3


class RecordingRenderer(BlobRenderer):
    def __init__(self):
        super().__init__()
        self.rendered = []

    def render(self, scenes, settings, progress=None):
        self.rendered += scenes
        return super().render(scenes, settings, progress)


class PlainTask:
    """A task network that only remembers what it was trained on."""

    def __init__(self):
        self.frames = []
        self.scores = iter(SCORES)

    def train(self, frames, steps, generator, progress=None):
        self.frames.append(frames)
        return {"total": 0.0}

    def score(self, labelled):
        assert labelled == "validation"
        return SimpleNamespace(value=next(self.scores))

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass

    def influence(self, frames, labelled):
        return torch.arange(len(frames), dtype=torch.float32).square()


class Flatten(torch.nn.Module):
    name = "pixels"

    def forward(self, images):
        return images.flatten(1)


def run(epochs, match_weight=0.0, reward="score"):
    """Parameters before each epoch and after the last, what was rendered, and the task network."""
    scenes = SceneGenerator(grammar_from_dict(GRAMMAR), seed=0)
    scenes.transformer.fit_prior(scenes.propose(range(50)).batch)
    renderer, task = RecordingRenderer(), PlainTask()
    settings = RenderSettings(SIZE, SIZE)
    real = BlobRenderer().render(scenes.prior(range(100, 108)), [settings] * 8)
    images = torch.stack([torch.from_numpy(f.image) for f in real]).permute(0, 3, 1, 2)
    states = [clone(scenes)]
    measured = []
    for _, values, _ in optimise_task(
        scenes,
        renderer,
        Matcher(renderer, settings, "full", Flatten(), MMD(images.flatten(1))),
        task,
        "validation",
        TaskSettings(
            epochs=epochs, scenes=5, match_weight=match_weight, momentum=0.5, reward=reward
        ),
        batch=2,  # so that an epoch has batches of different sizes
        seed=7,
        optimiser=torch.optim.SGD(scenes.transformer.parameters(), lr=RATE),
        baseline=MovingAverage(0.5),
        first_epoch=0,
        clip=1e9,
    ):
        states.append(clone(scenes))
        measured.append(values)
    return scenes, states, renderer, task, measured


def clone(scenes):
    return {k: v.clone() for k, v in scenes.transformer.state_dict().items()}


def test_each_step_is_the_advantage_times_the_log_probability_of_the_rendered_scenes():
    scenes, states, renderer, task, measured = run(3)
    assert len(renderer.rendered) == 15 and [len(f) for f in task.frames] == [5, 5, 5]
    assert [m["reward"] for m in measured] == pytest.approx([0.0, 0.3, 0.1 - 0.35])
    originals = {}
    for epoch in (1, 2):
        scenes.transformer.load_state_dict(states[epoch])
        scenes.transformer.zero_grad()
        total = 0.0
        for scene in renderer.rendered[5 * epoch : 5 * epoch + 5]:
            proposal, values = as_drawn(scenes, scene)
            originals[scene.seed] = scene
            total = total + scenes.distribution(proposal).log_prob(values).sum()
        (-measured[epoch]["reward"] * total / 5).backward()
        for name, parameter in scenes.transformer.named_parameters():
            step = states[epoch + 1][name] - states[epoch][name]
            expected = -RATE * parameter.grad
            torch.testing.assert_close(step, expected, rtol=2e-2, atol=2e-6, msg=name)
    assert len(originals) == 10


def test_the_first_epoch_has_no_baseline_and_takes_no_step():
    _, states, _, _, _ = run(1)
    for name, value in states[0].items():
        assert torch.equal(value, states[1][name]), name


def test_with_mmd_in_the_step_the_first_epoch_moves_too():
    _, states, _, _, measured = run(1, match_weight=1.0)
    assert any(not torch.equal(v, states[1][k]) for k, v in states[0].items())
    assert "mmd2" in measured[0]


def test_the_task_network_sees_bytes():
    _, _, _, task, _ = run(1)
    assert all(frame.image.dtype.name == "uint8" for frame in task.frames[0])


def as_drawn(scenes, scene):
    """The proposal and the values of a scene that was rendered, read back from it."""
    return scenes.encode(scenes.prior([scene.seed])), scenes.encoding.encode(scene)["values"]


def score_gradient(scenes, state, rendered, weights):
    """Gradient of -1/B Σ w_b log p(s_b) at a state, of scenes as they were rendered."""
    scenes.transformer.load_state_dict(state)
    scenes.transformer.zero_grad()
    total = 0.0
    for scene, weight in zip(rendered, weights, strict=True):
        proposal, values = as_drawn(scenes, scene)
        total = total - weight * scenes.distribution(proposal).log_prob(values).sum()
    (total / len(rendered)).backward()
    return {name: p.grad for name, p in scenes.transformer.named_parameters()}


def test_with_influence_each_scene_has_its_own_reward():
    scenes, states, renderer, _, _ = run(1, reward="influence")
    rewards = torch.arange(5.0).square()
    others = (rewards.sum() - rewards) / 4
    weights = (rewards - others) / rewards.std(unbiased=False)
    gradient = score_gradient(scenes, states[0], renderer.rendered, weights)
    for name, value in gradient.items():
        step = states[1][name] - states[0][name]
        torch.testing.assert_close(step, -RATE * value, rtol=2e-2, atol=2e-6, msg=name)


def test_noise_as_a_reward_does_not_look_at_the_score():
    _, states, _, _, measured = run(3, reward="noise")
    # The first epoch has no baseline, and yet it moves.
    assert any(not torch.equal(v, states[1][k]) for k, v in states[0].items())
    drawn = [m["reward"] for m in measured]
    assert len(set(drawn)) == 3 and all(abs(r) < 5 for r in drawn)
    assert drawn != pytest.approx([0.0, 0.3, 0.1 - 0.35])

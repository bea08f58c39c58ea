"""Phase 3: REINFORCE on the task network's score on labelled real images (section 3.5).

A meta-epoch renders scenes, trains the task network on the frames, scores it, and takes one step
of the transformer: the advantage of the score over earlier scores, times the log-probability of
exactly the values that were rendered; MMD² may be part of the same step. In the place of the one
score, each scene can be rewarded with its own influence on the loss on the labelled images.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from blender_addon.contract.frames import Frame
from metasim_backend.rendering.renderer import Renderer
from metasim_backend.settings import TaskSettings
from metasim_backend.tasks.task import InfluenceNetwork, TaskNetwork
from metasim_backend.training.matching import Matcher, matching_loss
from metasim_backend.training.reward import MovingAverage, leave_one_out, reinforce_loss
from metasim_backend.training.scene_generator import SceneGenerator, noise_seeds
from metasim_backend.training.seeds import derive_seed, generator


def bytes_frame(frame: Frame) -> Frame:
    """The frame with its image as uint8, as a task network and a file see it."""
    if frame.image.dtype == np.uint8:
        return frame
    return replace(frame, image=np.rint(frame.image * 255).astype(np.uint8))


def optimise_task(
    scenes: SceneGenerator,
    renderer: Renderer,
    matcher: Matcher,
    task: TaskNetwork,
    validation: Sequence[Any],
    settings: TaskSettings,
    batch: int,
    seed: int,
    *,
    optimiser: torch.optim.Optimizer,
    baseline: MovingAverage,
    first_epoch: int,
    clip: float,
    progress: Callable[[int], object] = lambda done: None,
) -> Iterator[tuple[int, dict[str, float], MovingAverage]]:
    """Run meta-epochs from `first_epoch` on.

    Args:
        validation: what the task network is scored on.
        batch: scenes that are rendered, and compared by MMD², together.
        progress: is told how many more scenes have been rendered.

    Yields:
        Each epoch, what was measured, and the new baseline.
    """
    parameters = [p for p in scenes.transformer.parameters() if p.requires_grad]
    for epoch in range(first_epoch, settings.epochs):
        optimiser.zero_grad()
        frames: list[Frame] = []
        log_probabilities = []
        mmd2 = []
        for start in range(0, settings.scenes, batch):
            count = min(batch, settings.scenes - start)
            proposal = scenes.propose(
                [derive_seed(seed, "task", epoch, start + i) for i in range(count)]
            )
            distribution = scenes.distribution(proposal)
            values = distribution.rsample(generator(seed, "task-sample", epoch, start))
            if settings.match_weight > 0 and count > 1:
                loss, measured, tape = matching_loss(
                    scenes,
                    matcher,
                    proposal,
                    distribution,
                    values,
                    fraction=1.0,
                    category_weight=1.0,
                    source=generator(seed, "task-coordinates", epoch, start),
                )
                share = settings.match_weight * count / settings.scenes
                (share * loss).backward(retain_graph=True)
                mmd2.append(measured["mmd2"])
                frames += tape.frames
            else:
                decoded = [
                    scenes.encoding.decode(scene, part)
                    for scene, part in zip(
                        proposal.scenes, proposal.split(values.detach()), strict=True
                    )
                ]
                frames += renderer.render(decoded, noise_seeds(matcher.render_settings, decoded))
            log_probabilities.append(proposal.per_scene(distribution.log_prob(values)))
            progress(count)
        seen = [bytes_frame(frame) for frame in frames]
        # A scene's influence is that of a step on it from where the network stands now.
        influence = None
        if settings.reward == "influence":
            assert isinstance(task, InfluenceNetwork)
            influence = task.influence(seen, validation)
        trained = task.train(seen, settings.network_steps, generator(seed, "task-network", epoch))
        value = task.score(validation).value
        reward: float
        if influence is not None:
            advantage: Tensor | float = leave_one_out(influence)
            reward = float(influence.mean())
        elif settings.reward == "noise":
            source = generator(seed, "task-noise", epoch)
            advantage = reward = float(torch.randn((), generator=source))
        else:
            advantage = reward = baseline.advantage(value)
        loss = settings.weight * reinforce_loss(torch.cat(log_probabilities), advantage)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(parameters, clip)
        if not torch.isfinite(norm):
            raise FloatingPointError(f"The gradient of meta-epoch {epoch} is not finite.")
        optimiser.step()
        measured = {
            "score": value,
            "baseline": value if baseline.value is None else baseline.value,
            "reward": reward,
            "gradient_norm": float(norm),
        }
        if mmd2:
            measured["mmd2"] = sum(mmd2) / len(mmd2)
        measured |= {f"task_{name}": float(loss) for name, loss in trained.items()}
        baseline = baseline.updated(value)
        yield epoch, measured, baseline

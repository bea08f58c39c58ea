r"""REINFORCE on a reward per scene: the structure generator learns (Meta-Sim2, section 3.3).

A step draws scenes, has each rewarded, and goes along

    1/N Σ_n (r_n - b_n) ∇ log q(T_n)

with a baseline b that does not depend on T_n. Where r = log p_real - log q the fixed point is
q = p_real. The same scenes may serve several optimiser steps, since pictures are dear: later ones
weigh each scene by q_now / q_drawn, cut off where that leaves [1 - c, 1 + c] (as PPO does). Draws
that were rejected cost λ each above one a scene.

With a weight β on the divergence from the grammar's prior p, which is not in the paper, a scene
earns r - β log(q / p); of a reward that does not depend on q the fixed point is p exp(r / β) / Z.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from metasim_backend.models.structure_generator import StructureGenerator
from metasim_backend.settings import StructureSettings
from metasim_backend.training.reward import MovingAverage
from metasim_backend.training.structure_draws import Drawn

RATIO_CUT = 0.2


def learn_from(
    structure: StructureGenerator,
    drawn: Drawn,
    rewards: Tensor,
    settings: StructureSettings,
    baseline: MovingAverage,
    *,
    optimiser: torch.optim.Optimizer,
    rate: float,
) -> tuple[dict[str, float], MovingAverage]:
    """The optimiser steps on one batch of rewarded scenes.

    Args:
        drawn: N scenes of this generator.
        rewards: [N].
        baseline: of earlier batches; used when the settings ask for a moving average.
        rate: learning rate.

    Returns:
        what was measured, and the next baseline.

    Raises:
        FloatingPointError: when a gradient is not finite.
    """
    excess = _excess(structure, drawn.tokens)
    rewards = rewards - settings.prior_weight * excess
    if settings.baseline == "moving_average":
        known = float(rewards.mean()) if baseline.value is None else baseline.value
        advantage = rewards - known
    else:
        advantage = rewards - (rewards.sum() - rewards) / max(len(rewards) - 1, 1)
    cost = settings.rejection_penalty * (drawn.failures - 1).clamp_min(0)
    # All draws of a scene share its cost; of what its picture earns the rejected ones know nothing.
    blame = cost - cost.mean()
    costly = bool((cost > 0).any())
    before: Tensor | None = None
    measured: dict[str, float] = {}
    for _ in range(settings.updates):
        for group in optimiser.param_groups:
            group["lr"] = rate
        log_q, entropy = structure.log_prob_and_entropy(drawn.tokens)
        if before is None:
            before = log_q.detach()
        ratio = (log_q - before).exp()
        cut = ratio.clamp(1 - RATIO_CUT, 1 + RATIO_CUT)
        gain = torch.minimum(ratio * advantage, cut * advantage).mean()
        loss = -gain - settings.entropy * entropy.mean() + (blame * log_q).mean()
        if costly:
            failed = structure.log_prob(drawn.rejected)
            loss = loss + (blame[drawn.rejected_of] * failed).sum() / len(rewards)
        optimiser.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(list(structure.parameters()), settings.clip)
        if not torch.isfinite(norm):
            raise FloatingPointError("The gradient of a structure step is not finite.")
        optimiser.step()
        measured = {
            "reward": float(rewards.mean()),
            "reward_spread": float(rewards.std()) if len(rewards) > 1 else 0.0,
            "from_prior": float(excess.mean()),
            "entropy": float(entropy.detach().mean()),
            "rejected": float(drawn.failures.mean()),
            "gradient_norm": float(norm),
        }
    return measured, baseline.updated(float(rewards.mean()))


@torch.no_grad()
def _excess(structure: StructureGenerator, tokens: Tensor) -> Tensor:
    """[N] nats by which the generator finds derivations likelier than the grammar does."""
    prior = structure.productions.log_probabilities(tokens.cpu().numpy())
    log_q = structure.log_prob(tokens)
    return log_q - torch.from_numpy(prior).to(log_q)


def falling_rate(base: float, step: int, steps: int) -> float:
    """A learning rate that stays for half of the steps and then falls to a twentieth along a half
    cosine: the noise of the reward is what is left at the end."""
    progress = max(0.0, 2 * step / max(steps, 1) - 1)
    return base * (0.05 + 0.475 * (1 + math.cos(math.pi * progress)))


def learn_structure(
    structure: StructureGenerator,
    draw: Callable[[int], Drawn],
    reward: Callable[[Drawn, int], Tensor],
    settings: StructureSettings,
    baseline: MovingAverage,
    *,
    optimiser: torch.optim.Optimizer,
    first_step: int,
    part: tuple[int, int],
) -> Iterator[tuple[int, dict[str, float], MovingAverage]]:
    """Steps from `first_step` to the end of a part of all steps.

    Args:
        draw: the scenes of a step.
        reward: what they earn, [N].
        part: first step, and the step after the last; the learning rate falls within it.

    Yields:
        Each step, what was measured, and the new baseline.
    """
    begin, end = part
    for step in range(first_step, end):
        drawn = draw(step)
        measured, baseline = learn_from(
            structure,
            drawn,
            reward(drawn, step),
            settings,
            baseline,
            optimiser=optimiser,
            rate=falling_rate(settings.learning_rate, step - begin, end - begin),
        )
        yield step, measured, baseline

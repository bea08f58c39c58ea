"""Phase 2: bring the rendered pictures' distribution to the target's by MMD (section 3.4)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from blender_addon.contract.frames import RenderSettings
from metasim_backend.distances.mmd import MMD
from metasim_backend.features.extractor import FeatureExtractor
from metasim_backend.grammar.priors import Constant
from metasim_backend.models.attribute_distribution import AttributeDistribution
from metasim_backend.rendering import differentiate
from metasim_backend.rendering.renderer import DifferenceRenderer
from metasim_backend.settings import MatchSettings
from metasim_backend.training.reward import reinforce_loss
from metasim_backend.training.scene_generator import Proposal, SceneGenerator, noise_seeds
from metasim_backend.training.seeds import derive_seed, generator


@dataclass(frozen=True, eq=False)
class Matcher:
    """What a matching step compares with: renderer, feature space and the target's features.

    ``behind_features``: take finite differences behind φ and not in front of it. ``seen``: [A]
    bool, the slots that φ can see; the others are held where the proposal has them. None: all.
    ``held``: [A] bool, the slots whose values are only moved all alike: their spread is held too.
    None: none.
    """

    renderer: DifferenceRenderer
    render_settings: RenderSettings
    method: str
    features: FeatureExtractor
    mmd: MMD
    behind_features: bool = False
    seen: Tensor | None = None
    held: Tensor | None = None


def random_coordinates(mutable: Tensor, fraction: float, source: torch.Generator) -> np.ndarray:
    """[N, A] weights: a random share of the mutable slots, each at 1 / share; 0 elsewhere."""
    if fraction >= 1:
        return mutable.cpu().numpy().astype(np.float64)
    chosen = torch.rand(mutable.shape, generator=source) < fraction
    return (chosen & mutable.cpu()).numpy() / fraction


def matching_loss(
    scenes: SceneGenerator,
    matcher: Matcher,
    proposal: Proposal,
    distribution: AttributeDistribution,
    values: Tensor,
    *,
    fraction: float,
    category_weight: float,
    source: torch.Generator,
) -> tuple[Tensor, dict[str, float], differentiate.Tape]:
    """MMD² of a batch of rendered scenes, differentiable in the transformer's parameters.

    Numeric attributes get their gradient through the renderer; categorical ones, which have
    none, a score-function term: each scene's own part of MMD² times its log-probability.
    """
    numeric = distribution.numeric
    if matcher.seen is not None:
        numeric = numeric & matcher.seen
    mutable = proposal.split(numeric)
    out, tape = differentiate.render(
        matcher.renderer,
        scenes.encoding,
        proposal.scenes,
        proposal.split(values),
        mutable,
        noise_seeds(matcher.render_settings, proposal.scenes),
        method=matcher.method,
        chosen=[random_coordinates(m, fraction, source) for m in mutable],
        features=matcher.features if matcher.behind_features else None,
    )
    features = out if matcher.behind_features else matcher.features(out)
    mmd2 = matcher.mmd(features)
    loss = mmd2
    if distribution.categorical.any() and category_weight > 0:
        witness = matcher.mmd.witness(features.detach())
        others = (witness.sum() - witness) / (len(witness) - 1)
        log_p = torch.where(distribution.categorical, distribution.log_prob(values), 0.0)
        score_term = reinforce_loss(proposal.per_scene(log_p), others - witness)
        loss = loss + category_weight * score_term
    unseen = distribution.numeric & ~numeric
    if unseen.any():
        loss = loss + staying_loss(scenes, distribution, unseen)
    if matcher.held is not None and (held := numeric & matcher.held).any():
        loss = loss + spreading_loss(scenes, distribution, held, kinds_of_nodes(scenes, proposal))
    return loss, {"mmd2": float(mmd2.detach())}, tape


def staying_loss(
    scenes: SceneGenerator, distribution: AttributeDistribution, slots: Tensor
) -> Tensor:
    """How far means and spreads of some slots, [N, A] bool, are from leaving a value as it is; in
    the prior's deviations, squared. What φ cannot see would drift with the layers that it shares
    with what φ sees."""
    move = distribution.mean - distribution.source
    move = torch.where(distribution.circular, move - move.detach().round(), move)
    deviations = (move / scenes.transformer.scale).square()
    return (deviations + widening(scenes, distribution).square())[slots].mean()


def kinds_of_nodes(scenes: SceneGenerator, proposal: Proposal) -> Tensor:
    """[N] long: equal for nodes that play one part, which may be expected to move alike.

    Those are nodes of one class whose fixed categories are the same, as far as rules set them (such
    as the cars of one lane). What a prior draws at random, such as a digit's label, does not count.
    """
    fixed = [
        slot.index
        for slot in scenes.encoding.slots
        if slot.kind == "categorical"
        and not slot.attribute.mutable
        and isinstance(slot.attribute.prior, Constant)
    ]
    batch = proposal.batch
    rows = torch.cat([batch.node_class[:, None].to(batch.values), batch.values[:, fixed]], dim=1)
    return torch.unique(rows, dim=0, return_inverse=True)[1]


def spreading_loss(
    scenes: SceneGenerator, distribution: AttributeDistribution, slots: Tensor, kinds: Tensor
) -> Tensor:
    """How far some slots, [N, A] bool, are from being moved all alike with the noise left as it is:
    the variance of each slot's moves within a kind of nodes ([N] long), in the prior's deviations,
    and the noise's widening."""
    move = (distribution.mean - distribution.source) / scenes.transformer.scale
    count = _sums(slots.to(move), kinds)
    middle = _sums(torch.where(slots, move, 0.0), kinds) / count.clamp_min(1)
    apart = torch.where(slots, move - middle[kinds], 0.0).square().sum(0) / count.sum(0).clamp_min(
        1
    )
    used = slots.any(0)
    return apart[used].mean() + widening(scenes, distribution).square()[slots].mean()


def _sums(rows: Tensor, kinds: Tensor) -> Tensor:
    """[kinds, A]: the sums of [N, A] rows by kind."""
    totals = rows.new_zeros(int(kinds.max()) + 1, rows.shape[1])
    return totals.index_add(0, kinds, rows)


def widening(scenes: SceneGenerator, distribution: AttributeDistribution) -> Tensor:
    """[N, A]: log of the noise's spread over what it was at the beginning."""
    return distribution.spread.log() - math.log(scenes.transformer.settings.spread)


def cosine_rate(base: float, step: int, steps: int) -> float:
    """A learning rate that falls from base to a tenth of it along a half cosine."""
    return base * (0.1 + 0.45 * (1 + math.cos(math.pi * step / max(steps, 1))))


def match(
    scenes: SceneGenerator,
    matcher: Matcher,
    settings: MatchSettings,
    seed: int,
    *,
    optimiser: torch.optim.Optimizer,
    first_step: int,
    part: tuple[int, int],
) -> Iterator[tuple[int, dict[str, float]]]:
    """Descend MMD² from `first_step` to the end of a part of all steps; the learning rate falls
    within the part. Yields each step and what was measured."""
    begin, end = part
    parameters = [p for p in scenes.transformer.parameters() if p.requires_grad]
    for step in range(first_step, end):
        for group in optimiser.param_groups:
            group["lr"] = cosine_rate(settings.learning_rate, step - begin, end - begin)
        proposal = scenes.propose(
            [derive_seed(seed, "match", step, i) for i in range(settings.batch)]
        )
        distribution = scenes.distribution(proposal)
        values = distribution.rsample(generator(seed, "match-sample", step))
        loss, measured, tape = matching_loss(
            scenes,
            matcher,
            proposal,
            distribution,
            values,
            fraction=settings.fraction,
            category_weight=settings.category_weight,
            source=generator(seed, "match-coordinates", step),
        )
        optimiser.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(parameters, settings.clip)
        if not torch.isfinite(norm):
            raise FloatingPointError(f"The gradient of matching step {step} is not finite.")
        optimiser.step()
        measured |= {"gradient_norm": float(norm), "differences": float(tape.steps)}
        yield step, measured

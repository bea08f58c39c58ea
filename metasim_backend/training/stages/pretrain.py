"""The transformer learns to leave scenes as they are (Meta-Sim, section 3.3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch_geometric.data import Batch

from blender_addon.contract.phases import LABELS
from metasim_backend.models.attribute_distribution import AttributeDistribution
from metasim_backend.settings import PretrainSettings, TrainSettings
from metasim_backend.training.scene_generator import Proposal, SceneGenerator
from metasim_backend.training.seeds import derive_seed, generator
from metasim_backend.training.services import Services
from metasim_backend.training.stages.stage import Stage
from metasim_backend.training.state import State


@dataclass(frozen=True)
class Pretrain(Stage):
    """The auto-encoder of attributes."""

    name: ClassVar[str] = "pretrain"
    phase: ClassVar[str] = "pretrain"
    label: ClassVar[str] = LABELS["pretrain"]
    shown: ClassVar[str] = "l1"

    @classmethod
    def planned(cls, settings: TrainSettings, turns: int) -> list[Sequence[Stage]]:
        return [[cls(0, settings.pretrain.steps)]]

    def run(self, state: State, services: Services) -> None:
        settings, scenes = services.settings, state.scenes
        scenes.transformer.freeze_encoder(False)
        done = state.steps[self.name]
        with self.work(services, self.end, done) as work:
            optimiser = state.transformer_optimiser(self.name, settings.pretrain.learning_rate)
            for step, values in pretrain(
                scenes, settings.pretrain, settings.seed, optimiser=optimiser, first_step=done
            ):
                self.note(state, services, work, step, values)
                work.update()
        seeds = [derive_seed(settings.seed, "identity", i) for i in range(50)]
        errors = identity_error(scenes, scenes.propose(seeds))
        services.folder.write_json("identity_error.json", errors)


def reconstruction_loss(
    distribution: AttributeDistribution, initial_spread: float
) -> dict[str, Tensor]:
    """L1 on the means of numeric attributes (circular ones along the shorter way), cross-entropy
    on categorical ones, and a pull of the spreads towards their initial value."""
    source = distribution.source
    difference = distribution.mean - source
    difference = torch.where(
        distribution.circular, difference - difference.detach().round(), difference
    )
    numeric = distribution.numeric
    losses = {
        "l1": difference[numeric].abs().mean() if numeric.any() else source.new_zeros(()),
        "spread": (
            (distribution.spread[numeric].log() - torch.tensor(initial_spread).log())
            .square()
            .mean()
            if numeric.any()
            else source.new_zeros(())
        ),
    }
    entropies = [
        torch.nn.functional.cross_entropy(logits[rows], source[rows, slot].round().long())
        for slot, logits in distribution.logits.items()
        if (rows := distribution.categorical[:, slot]).any()
    ]
    losses["cross_entropy"] = torch.stack(entropies).mean() if entropies else source.new_zeros(())
    return losses


@torch.no_grad()
def identity_error(scenes: SceneGenerator, proposal: Proposal) -> dict[str, float]:
    """Mean |μ(v) - v| of each mutable attribute as a share of its range or period; for a
    categorical one the share of nodes whose likeliest category is another."""
    distribution = scenes.distribution(proposal)
    difference = distribution.mode() - distribution.source
    difference = torch.where(distribution.circular, difference - difference.round(), difference)
    errors = {}
    for slot in scenes.encoding.slots:
        rows = (proposal.batch.present & proposal.batch.mutable)[:, slot.index]
        if rows.any():
            error = difference[rows, slot.index].abs()
            if slot.attribute.kind == "categorical":
                error = (error > 0.5).float()
            errors[f"{slot.class_name}.{slot.attribute.name}"] = float(error.mean())
    return errors


def pretrain(
    scenes: SceneGenerator,
    settings: PretrainSettings,
    seed: int,
    *,
    optimiser: torch.optim.Optimizer,
    first_step: int,
) -> Iterator[tuple[int, dict[str, float]]]:
    """Train the auto-encoder from `first_step` on; each step and what was measured."""
    proposals = scenes.propose([derive_seed(seed, "pretrain", i) for i in range(settings.scenes)])
    data = proposals.batch.to_data_list()
    for step in range(first_step, settings.steps):
        chosen = torch.randperm(
            len(data), generator=generator(seed, "pretrain-batch", step)
        ).tolist()[: settings.batch]
        proposal = Proposal(
            [proposals.scenes[i] for i in chosen], Batch.from_data_list([data[i] for i in chosen])
        )
        for group in optimiser.param_groups:
            group["lr"] = settings.learning_rate * (1 - step / settings.steps) + 1e-5
        losses = reconstruction_loss(
            scenes.distribution(proposal), scenes.transformer.settings.spread
        )
        loss = losses["l1"] + 0.1 * losses["cross_entropy"] + 0.01 * losses["spread"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        yield step, {name: float(value.detach()) for name, value in losses.items()}

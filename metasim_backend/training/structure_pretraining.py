"""Before the structure is learned: maximum likelihood on derivations of the prior.

Without it REINFORCE does not converge (Meta-Sim2, section 3.4): the generator has to begin with
structures that the grammar proposes.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from metasim_backend.grammar import GrammarError
from metasim_backend.grammar.derivation import Productions
from metasim_backend.models.structure_generator import StructureGenerator
from metasim_backend.settings import StructureSettings
from metasim_backend.training.seeds import derive_seed

MOST_PARTS = 200
MEASURED = 4000


def prior_derivations(productions: Productions, count: int, longest: int, seed: int) -> Tensor:
    """[count, T] derivations of the grammar that end in time and meet its conditions on counts.

    Raises:
        GrammarError: when hardly any does.
    """
    rng = np.random.default_rng(seed)
    found: list[np.ndarray] = []
    kept = 0
    for _ in range(MOST_PARTS):
        tokens, finished = productions.sample(count, rng, longest)
        right = finished & productions.meets_conditions(productions.class_counts(tokens))
        found.append(tokens[right])
        kept += int(right.sum())
        if kept >= count:
            break
    else:
        raise GrammarError(
            f"{productions.grammar.source}: {kept} of {MOST_PARTS * count} derivations end within "
            f"{longest} choices and meet the conditions on counts; loosen them, or allow longer "
            "ones (structure.longest)."
        )
    width = max(part.shape[1] for part in found)
    padded = [np.pad(p, ((0, 0), (0, width - p.shape[1])), constant_values=-1) for p in found]
    return torch.from_numpy(np.concatenate(padded)[:count])


def pretrain_structure(
    structure: StructureGenerator,
    settings: StructureSettings,
    seed: int,
    *,
    optimiser: torch.optim.Optimizer,
    first_step: int,
) -> Iterator[tuple[int, dict[str, float]]]:
    """Maximise log q of fresh derivations of the prior from `first_step` on.

    Yields each step, and ``excess``: how much less likely, in nats a derivation, the generator
    finds them than the grammar, which is their Kullback-Leibler divergence (less the logarithm of
    the share that conditions reject).
    """
    productions = structure.productions
    parameters = list(structure.parameters())
    for step in range(first_step, settings.pretrain_steps):
        for group in optimiser.param_groups:
            share = 1 - step / settings.pretrain_steps
            group["lr"] = settings.pretrain_rate * max(share, 0.02)
        tokens = prior_derivations(
            productions,
            settings.pretrain_batch,
            structure.settings.longest,
            derive_seed(seed, "structure-pretrain", step),
        )
        log_q = structure.log_prob(tokens)
        loss = -log_q.mean()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        prior = float(productions.log_probabilities(tokens.numpy()).mean())
        yield step, {"log_q": -float(loss.detach()), "excess": prior + float(loss.detach())}


@torch.no_grad()
def divergence_from_prior(structure: StructureGenerator, seed: int, count: int = MEASURED) -> float:
    """Kullback-Leibler divergence, nats a derivation, of the generator from the prior as its
    conditions on counts leave it, estimated from that many derivations."""
    productions = structure.productions
    rng = np.random.default_rng(derive_seed(seed, "structure-divergence"))
    tokens, finished = productions.sample(count, rng, structure.settings.longest)
    right = finished & productions.meets_conditions(productions.class_counts(tokens))
    own = tokens[right]
    log_p = productions.log_probabilities(own).mean() - np.log(right.mean())
    parts = torch.from_numpy(own).split(256)
    log_q = torch.cat([structure.log_prob(part) for part in parts]).mean()
    return float(log_p) - float(log_q)

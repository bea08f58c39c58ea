r"""What a scene can be expected to earn, given its structure alone.

The reward of one scene is mostly its attributes' and the renderer's luck. The gradient of the mean
reward depends on E[r | T] alone, so r may be replaced by an estimate of that (Rao and Blackwell),
which needs no picture: derivations are drawn by the thousand where scenes are rendered by the
hundred. This is an actor with a critic; Meta-Sim2 has none.

The estimate is a ridge regression of the last steps' rewards on how often each token is taken, how
many nodes of each class there are, and the squares of these numbers. What it cannot express is not
learned from: the price is bias, and what is bought is a gradient almost without noise.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from metasim_backend.grammar.derivation import Productions

RIDGES = 10.0 ** np.arange(-2.0, 4.25, 0.25)  # in units of the mean square singular value


class StructureCritic:
    """Learns from rewarded scenes what their structures earn.

    Args:
        productions: of the derivations.
        memory: how many steps' scenes it learns from.
    """

    def __init__(self, productions: Productions, memory: int) -> None:
        self._productions = productions
        self._memory = memory
        self._seen: list[tuple[np.ndarray, np.ndarray]] = []
        self._weights = np.zeros(0)
        self._mean = self._scale = np.zeros(0)
        self._offset = 0.0

    def learn(self, tokens: Tensor, rewards: Tensor) -> float:
        """Learn from one more step's scenes, [N, T] derivations and their [N] rewards.

        Returns:
            the share of the rewards' variance that is explained, of scenes that are left out
            (by generalised cross-validation).
        """
        given = (self._traits(tokens), rewards.double().cpu().numpy())
        self._seen = [*self._seen, given][-self._memory :]
        return self._fit()

    def expect(self, tokens: Tensor) -> Tensor:
        """[N] what derivations [N, T], padded with -1, are expected to earn."""
        traits = (self._traits(tokens) - self._mean) / self._scale
        return torch.from_numpy(self._offset + traits @ self._weights).float().to(tokens.device)

    def state(self) -> dict:
        """What a checkpoint keeps."""
        return {"seen": [(torch.from_numpy(x), torch.from_numpy(r)) for x, r in self._seen]}

    def restore(self, state: Mapping) -> None:
        """Go on from what :meth:`state` gave."""
        self._seen = [(x.numpy(), r.numpy()) for x, r in state["seen"]]

    def _traits(self, tokens: Tensor) -> np.ndarray:
        rows = tokens.cpu().numpy()
        used = self._productions.token_counts(rows).astype(np.float64)
        nodes = self._productions.class_counts(rows).astype(np.float64)
        return np.concatenate([used, nodes, nodes**2], axis=1)

    def _fit(self) -> float:
        traits = np.concatenate([x for x, _ in self._seen])
        rewards = np.concatenate([r for _, r in self._seen])
        self._mean, spread = traits.mean(0), traits.std(0)
        self._scale = np.where(spread > 0, spread, np.inf)  # what never varies tells nothing
        self._offset = float(rewards.mean())
        centred = rewards - self._offset
        left, singular, right = np.linalg.svd(
            (traits - self._mean) / self._scale, full_matrices=False
        )
        projected = left.T @ centred
        power = singular**2
        best = (np.inf, np.zeros(len(power)))
        for ridge in RIDGES * max(power.mean(), 1e-12):
            kept = power / (power + ridge)
            rest = centred @ centred - ((2 * kept - kept**2) * projected**2).sum()
            # Golub, Heath and Wahba (1979); the mean takes one degree of freedom too.
            free = max(len(rewards) - 1 - kept.sum(), 1e-9)
            error = len(rewards) * rest / free**2
            if error < best[0]:
                best = (error, singular / (power + ridge) * projected)
        self._weights = right.T @ best[1]
        variance = float(centred @ centred) / max(len(rewards) - 1, 1)
        return 1.0 - float(best[0]) / variance if variance > 0 else 0.0

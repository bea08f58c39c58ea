"""One gradient, estimated in several ways: of a distance of mean readings, in shifts of attributes.

The loss is half the squared distance of the mean of φ (the packaged reader's numbers of a scene) to
that of the hidden truth of the demo. Its parameters are common shifts, in the prior's standard
deviations, of each mutable number of the driving grammar: the coordinates in which matching moves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.grammar import load_grammar, sample_scene
from metasim_backend.grammar.encoded_scenes import encode_scenes
from metasim_backend.rendering import differentiate
from metasim_backend.rendering.renderer import DifferenceRenderer
from metasim_backend.settings import TrainSettings
from metasim_backend.training.estimators.kept_reader import new_reader
from metasim_backend.training.estimators.pretrained_reader import PretrainedReader, chosen_file
from metasim_backend.training.estimators.round_networks import new_surrogate
from metasim_backend.training.evaluation import images_of
from metasim_backend.training.run_config import resolve_settings
from metasim_backend.training.scene_generator import SceneGenerator, noise_seeds
from metasim_backend.training.seeds import derive_seed, generator

SCENES = Path(__file__).resolve().parents[2] / "scenes"
SIZE = {"rendering": {"width": 320, "height": 192}}
STEP = 0.25
"""Half width of differences, and of simultaneous perturbations, in standard deviations."""
NOISE = 0.25
"""Of the score function, likewise."""
TARGETS, AROUND = 100, 100
TOGETHER = 100


@dataclass(frozen=True, eq=False)
class Estimate:
    """What one estimator makes of one scene, or of one draw.

    Attributes:
        gradient: [A].
        renders: whole frames that it took.
        seconds: of renders and readings.
    """

    gradient: Tensor
    renders: float
    seconds: float


@dataclass(eq=False)
class Probe:
    """The loss about the prior, and its estimators. `slots` are the A parameters."""

    renderer: DifferenceRenderer
    settings: TrainSettings = field(init=False)

    def __post_init__(self) -> None:
        grammar = load_grammar(SCENES / "driving.yaml")
        self.settings = resolve_settings(grammar, (), SIZE)
        self.generator = SceneGenerator(grammar, seed=0)
        self.encoding = self.generator.encoding
        proposal = self.generator.propose([derive_seed(0, "probe-prior", i) for i in range(200)])
        self.generator.transformer.fit_prior(proposal.batch)
        path = chosen_file(self.settings, self.encoding)
        assert path is not None, "the packaged reader does not fit"
        kept = PretrainedReader.load(path)
        self.reader = new_reader(self.settings, self.encoding)
        self.reader.load_state_dict(kept.reader)
        self.reader.eval()
        self.surrogate = new_surrogate(self.encoding, self.reader.names)
        self.surrogate.load_state_dict(kept.surrogate)
        self.surrogate.eval().requires_grad_(False)
        self.numbers = len(self.reader.names.scene)
        self.slots = [
            slot.index
            for slot in self.encoding.slots
            if slot.attribute.mutable and slot.kind != "categorical"
        ]
        self.scale = self.generator.transformer.scale[self.slots]
        hidden = load_grammar(SCENES / "demo_target.yaml")
        target = [sample_scene(hidden, derive_seed(1, "probe-target", i)) for i in range(TARGETS)]
        around = self.scenes("probe-around", AROUND)
        self.adjoint = self.read(around).mean(0) - self.read(target).mean(0)

    def scenes(self, name: str, count: int) -> list[SceneGraph]:
        return self.generator.prior([derive_seed(1, name, i) for i in range(count)])

    def read(self, scenes: Sequence[SceneGraph]) -> Tensor:
        """[N, T]: φ of the scenes' renders."""
        plain = self.settings.rendering.render_settings()
        out = []
        for start in range(0, len(scenes), TOGETHER):
            some = scenes[start : start + TOGETHER]
            out.append(self.phi(images_of(self.renderer.render(some, noise_seeds(plain, some)))))
        return torch.cat(out)

    @torch.no_grad()
    def phi(self, images: Tensor) -> Tensor:
        """[N, T] of pictures [N, 3, H, W] in [0, 1]."""
        seen = self.reader.see((images.clamp(0, 1) * 255).round().to(torch.uint8))
        return torch.cat([self.reader.look(part)[0] for part in seen.split(64)])

    def moved(self, scene: SceneGraph, shifts: Tensor) -> SceneGraph:
        """A scene whose attributes are shifted, [A] in standard deviations."""
        data = self.encoding.encode(scene)
        values = data.values.clone()
        changing = (data.mutable & data.present)[:, self.slots]
        values[:, self.slots] += torch.where(changing, shifts * self.scale, 0.0)
        return self.encoding.decode(scene, values)

    def _timed(self, scenes: Sequence[SceneGraph]) -> tuple[Tensor, float]:
        started = time.monotonic()
        losses = self.read(scenes) @ self.adjoint
        return losses, time.monotonic() - started

    # Estimators: one estimate a scene, or a draw --------------------------------------------

    def shift_differences(self, scenes: Sequence[SceneGraph]) -> list[Estimate]:
        """Each parameter up and down, in whole frames; the reference, on many scenes."""
        steps = torch.eye(len(self.slots)) * STEP
        moved = [self.moved(s, sign * row) for s in scenes for row in steps for sign in (1, -1)]
        losses, seconds = self._timed(moved)
        gradients = losses.reshape(len(scenes), len(self.slots), 2) @ torch.tensor([0.5, -0.5])
        each = seconds / len(scenes)
        return [Estimate(g / STEP, 2.0 * len(self.slots), each) for g in gradients]

    def node_differences(
        self, scenes: Sequence[SceneGraph], method: str, fraction: float = 1.0
    ) -> list[Estimate]:
        """Each node's attribute by itself, as matching does with finite differences: in whole
        frames or in windows, all or a random part of them."""
        out = []
        plain = self.settings.rendering.render_settings()
        for number, scene in enumerate(scenes):
            data = self.encoding.encode(scene)
            source = generator(1, "probe-coordinates", number)
            chosen = (torch.rand(data.mutable.shape, generator=source) < fraction).numpy()
            values = data.values.clone().requires_grad_()
            started = time.monotonic()
            read, tape = differentiate.render(
                self.renderer,
                self.encoding,
                [scene],
                [values],
                [data.mutable & data.present],
                noise_seeds(plain, [scene]),
                method=method,
                chosen=[chosen / fraction],
                features=self.phi,
            )
            (read @ self.adjoint).sum().backward()
            seconds = time.monotonic() - started
            gradient = values.grad[:, self.slots].sum(0) * self.scale
            out.append(Estimate(gradient, 2.0 * tape.steps, seconds))
        return out

    def simultaneous(self, scenes: Sequence[SceneGraph]) -> list[Estimate]:
        """All parameters at once, up or down at random (Spall 1992)."""
        source = generator(1, "probe-signs")
        signs = torch.randint(0, 2, (len(scenes), len(self.slots)), generator=source) * 2.0 - 1
        moved = [
            self.moved(s, sign * STEP * row)
            for s, row in zip(scenes, signs, strict=True)
            for sign in (1, -1)
        ]
        losses, seconds = self._timed(moved)
        slopes = (losses[::2] - losses[1::2]) / (2 * STEP)
        each = seconds / len(scenes)
        return [Estimate(s * row, 2.0, each) for s, row in zip(slopes, signs, strict=True)]

    def score_function(
        self, scenes: Sequence[SceneGraph]
    ) -> tuple[list[Estimate], list[Estimate], list[Estimate]]:
        """Rewards of scenes with normal noise, less the mean of the others' rewards; then the same
        with the surrogate as a control variate, whose gradient is added; and the surrogate alone.
        """
        source = generator(1, "probe-noise")
        noise = torch.randn(len(scenes), len(self.slots), generator=source)
        noisy = [self.moved(s, NOISE * row) for s, row in zip(scenes, noise, strict=True)]
        rewards, seconds = self._timed(noisy)
        started = time.monotonic()
        predicted, slopes = self.predicted(noisy)
        quick = (time.monotonic() - started) / len(scenes)
        each = seconds / len(scenes)

        def estimates(values: Tensor, extra: Tensor | float, cost: float) -> list[Estimate]:
            others = (values.sum() - values) / (len(values) - 1)
            gradients = (values - others)[:, None] * noise / NOISE + extra
            return [Estimate(g, 1.0, cost) for g in gradients]

        return (
            estimates(rewards, 0.0, each),
            estimates(rewards - predicted, slopes, each + quick),
            [Estimate(slope, 0.0, quick) for slope in slopes],
        )

    def predicted(self, scenes: Sequence[SceneGraph]) -> tuple[Tensor, Tensor]:
        """[N] and [N, A]: the surrogate's loss of each scene, and its gradient."""
        encoded = encode_scenes(self.encoding, scenes)
        losses, slopes = [], []
        for rows in torch.arange(len(encoded)).split(64):
            batch = encoded.batch(rows)
            values = batch.values.clone().requires_grad_()
            loss = self.surrogate(batch, values).scene[:, : self.numbers] @ self.adjoint
            (own,) = torch.autograd.grad(loss.sum(), values)
            own = torch.where(batch.mutable & batch.present, own, 0.0)[:, self.slots] * self.scale
            out = torch.zeros(batch.num_graphs, len(self.slots)).index_add(0, batch.batch, own)
            losses.append(loss.detach())
            slopes.append(out)
        return torch.cat(losses), torch.cat(slopes)


def cosine(first: Tensor, second: Tensor) -> float:
    return float(first @ second / (first.norm() * second.norm()).clamp_min(1e-12))


def at_budgets(
    estimates: Sequence[Estimate],
    reference: Tensor,
    budgets: Sequence[float],
    cost_of: Callable[[Estimate], float],
    draws: int = 200,
) -> dict[str, float | None]:
    """Mean cosine to the reference of estimates that cost a budget together; None where one alone
    costs more, or all together less."""
    source = np.random.default_rng(0)
    cost = float(np.mean([cost_of(one) for one in estimates]))
    out: dict[str, float | None] = {}
    for budget in budgets:
        count = int(budget / cost) if cost else len(estimates)
        if not 1 <= count <= len(estimates):
            out[f"{budget:g}"] = None
            continue
        found = []
        for _ in range(draws):
            rows = source.choice(len(estimates), count, replace=False)
            mean = torch.stack([estimates[row].gradient for row in rows]).mean(0)
            found.append(cosine(mean, reference))
        out[f"{budget:g}"] = float(np.mean(found))
    return out

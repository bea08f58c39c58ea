"""A generator that learns structure: with each reward, how near its counts are to the target's."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.datasets.readers.mnist import read_mnist, split_test_digits
from metasim_backend.experiments.experiment import Measurement, Options, Tell
from metasim_backend.experiments.hidden_target import HiddenTargetExperiment, scenes_of
from metasim_backend.experiments.quiet_clock import QuietClock
from metasim_backend.experiments.seed_result import SeedResult, open_or_begin, trained
from metasim_backend.features.count_histograms import Quantity, histogram
from metasim_backend.grammar import Grammar
from metasim_backend.rendering.renderer import DifferenceRenderer
from metasim_backend.rendering.sprites import SpriteRenderer
from metasim_backend.run_files.run_folder import RunFolder
from metasim_backend.statistics.histograms import Histogram, total_variation
from metasim_backend.training.evaluation import pictures
from metasim_backend.training.run_config import RunConfig, load_generator
from metasim_backend.training.seeds import derive_seed
from metasim_backend.training.structure_features import KEPT
from metasim_backend.training.target import Target
from metasim_backend.worlds.mnist_sprites import MnistWorld
from metasim_backend.worlds.registry import open_renderer, world_of

COUNTED, TRUTH, UNSEEN = 4000, 8000, 200
TEST_DIGITS = 5000  # for the learner's target; the others are for the report
RESULT = "result.json"
ROWS = {
    "prior": "prior (the grammar alone)",
    "density": "learned, density reward",
    "mmd": "learned, MMD reward (ablation)",
    "target": "target (other scenes of it)",
}


@dataclass(frozen=True, kw_only=True)
class StructureExperiment(HiddenTargetExperiment):
    """Rows are the prior, a generator for each reward, and as many other scenes of the target.

    Attributes:
        quantities: whose histograms are compared.
        pictures: of the target that the learner sees; 200 others are for the report.
    """

    metric: str = "total variation distance to the target"
    rows: Mapping[str, str] = field(default_factory=lambda: ROWS)
    differences: Sequence[tuple[str, str]] = (("density", "prior"), ("density", "mmd"))
    digits: int = 3
    quantities: tuple[Quantity, ...]
    pictures: int = 1000

    @property
    def rewards(self) -> tuple[str, ...]:
        """What is learned with: ``density``, the paper's, and ``mmd``, its ablation."""
        return tuple(row for row in self.rows if row in ("density", "mmd"))

    def depends_on(self, options: Options) -> dict[str, Any]:
        return super().depends_on(options) | {
            "pictures": self.pictures,
            "quantities": [asdict(quantity) for quantity in self.quantities],
        }

    def measure(self, seed: int, folder: Path, options: Options, tell: Tell) -> dict[str, Any]:
        """``histograms`` and ``distances`` (total variation to the target) by row and quantity;
        ``readings``, how well the count network reads; ``mmd2`` and ``seconds`` by row."""
        grammar, hidden = self.grammars()
        kept = SeedResult(folder / RESULT)
        truth = self._counted(scenes_of(hidden, seed, "truth", TRUTH))

        def note(row: str, scenes: Sequence[SceneGraph], **more: object) -> None:
            counts = self._counted(scenes)
            far = {name: _distance(shares, truth[name]) for name, shares in counts.items()}
            for name, value in {**more, "histograms": counts, "distances": far}.items():
                kept.put_in(name, row, value)
            told = ", ".join(f"{name} {distance:.3f}" for name, distance in far.items())
            tell(f"seed {seed}: {row} {told}")

        folder.mkdir(parents=True, exist_ok=True)
        if "target" not in kept.content.get("distances", {}):
            note("prior", scenes_of(grammar, seed, "counted-prior", COUNTED))
            note("target", scenes_of(hidden, seed, "counted-target", COUNTED))
        for reward in self.rewards:
            config = self.run_config(seed, options, f"structure.reward={reward}")
            if reward in kept.content["distances"]:
                if RunFolder.exists(folder / reward):
                    open_or_begin(folder / reward, config)  # refuses what was begun otherwise
                continue
            tell(f"seed {seed}: learning with the reward {reward}")
            # Blender works in processes of its own.
            clock = time.monotonic if world_of(hidden.domain).in_depth else QuietClock()
            started = clock()
            run = _begun(folder, reward, config)
            with _target(hidden, config, seed, self.pictures, options.data) as (renderer, target):
                _, state = trained(run, config, target, renderer, clock)
            seconds = {**state.seconds, "whole": clock() - started}
            scenes = load_generator(run, config)
            note(
                reward,
                scenes.proposed([derive_seed(seed, "counted", i) for i in range(COUNTED)]),
                seconds={name: round(spent, 1) for name, spent in seconds.items()},
                mmd2=run.read_json("summary.json")["mmd2"],
                readings=run.read_json("structure_readings.json"),
            )
        return kept.content

    def measurement(self, content: Mapping[str, Any]) -> Measurement:
        histograms = content["histograms"]
        rows = [row for row in self.rows if row in content["distances"]]
        return Measurement(
            rows={row: content["distances"][row] for row in rows},
            seconds={row: spent["whole"] for row, spent in content["seconds"].items()},
            histograms={q.name: {r: histograms[r][q.name] for r in rows} for q in self.quantities},
        )

    def runs(self, folder: Path) -> dict[str, Path]:
        return {self.rows[reward]: folder / reward for reward in self.rewards}

    def highlights(self, record: Mapping[str, Any]) -> str:
        prior, learned = record["rows"]["prior"], record["rows"]["density"]
        moved = [f"{n} {prior[n]['mean']:.3f} → {learned[n]['mean']:.3f}" for n in learned]
        return f"{', '.join(moved)} (prior → learned, mean total variation to the target)"

    def _counted(self, scenes: Sequence[SceneGraph]) -> dict[str, Histogram]:
        return {quantity.name: histogram(quantity, scenes) for quantity in self.quantities}


def _distance(shares: Histogram, truth: Histogram) -> float:
    """Total variation; 1, the largest, where no scene has what is counted."""
    return total_variation(shares, truth) if shares else 1.0


def _begun(folder: Path, reward: str, config: RunConfig) -> RunFolder:
    """The run's folder, made or gone on with. What counts is the same network for all rewards."""
    is_new = not RunFolder.exists(folder / reward)
    run = open_or_begin(folder / reward, config)
    if is_new and reward != "density" and RunFolder.exists(folder / "density"):
        counting = RunFolder.open(folder / "density").load_checkpoint(KEPT)
        if counting is not None:
            run.save_checkpoint(counting, KEPT)
    return run


@contextmanager
def _target(
    hidden: Grammar, config: RunConfig, seed: int, count: int, data: Path | None
) -> Iterator[tuple[DifferenceRenderer, Target]]:
    """The learner's renderer and the target. No digit or texture of the report is in what the
    learner sees.

    Raises:
        DatasetError, RendererSetupError: what it needs is not there.
    """
    with closing(open_renderer(hidden.domain, data=data)) as renderer:
        seen: DifferenceRenderer = renderer
        unseen: DifferenceRenderer = renderer
        if hidden.domain == "mnist":
            parts = split_test_digits(
                read_mnist("test", data),
                derive_seed(seed, "test-digits"),
                match=TEST_DIGITS,
                reward=0,
            )
            seen, unseen = (SpriteRenderer(MnistWorld(p)) for p in (parts.match, parts.report))
        elif not world_of(hidden.domain).in_depth:
            seen = unseen = open_renderer(hidden.domain, part="test")

        def shown(shows: DifferenceRenderer, name: str, number: int) -> Tensor:
            settings = config.settings.rendering.render_settings()
            scenes = scenes_of(hidden, seed, name, number)
            parts = [scenes[start : start + 100] for start in range(0, number, 100)]
            return torch.cat([pictures(shows, settings, part) for part in parts])

        yield (
            renderer,
            Target(shown(seen, "target-match", count), shown(unseen, "target-report", UNSEEN)),
        )

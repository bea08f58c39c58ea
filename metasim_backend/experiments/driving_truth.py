"""Hidden settings of the driving world: which attributes are found, by which estimator."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.experiments.experiment import Experiment, Measurement, Options, Tell
from metasim_backend.experiments.hidden_target import scenes_of
from metasim_backend.experiments.nearness import nearness
from metasim_backend.experiments.seed_result import SeedResult, open_or_begin, trained
from metasim_backend.experiments.shown_light import SHOWN, as_set, as_shown, with_shown_light
from metasim_backend.grammar import Grammar, attribute_samples, load_grammar
from metasim_backend.grammar.encoding import Encoding
from metasim_backend.rendering.renderer import DifferenceRenderer
from metasim_backend.run_files.atomic_files import write_tensors
from metasim_backend.run_files.run_folder import RunFolder
from metasim_backend.settings import merged, without_younger
from metasim_backend.shipped_files.folders import SCENES
from metasim_backend.statistics.differences import differs
from metasim_backend.training.estimators.pretrained_reader import reader_digest
from metasim_backend.training.evaluation import pictures
from metasim_backend.training.run_config import RunConfig, load_generator, resolve_settings
from metasim_backend.training.scene_generator import SceneGenerator
from metasim_backend.training.seeds import derive_seed
from metasim_backend.training.target import Target
from metasim_backend.worlds.registry import open_renderer

RESULT = "result.json"
MATCHED, UNSEEN = 320, 80
COUNTED = 1000
SEEN = 0.1
"""Share of the target's scenes in which a class must be for its attributes to count."""
FOUND, HALFWAY = 0.25, 0.5
DEVIATION_ERROR = 0.25
OFF, BOUND = "off", "bound"
"""Rows that need no training: the prior, and the matched pictures' true attributes. The latter say
how near so few pictures can come."""


@dataclass(frozen=True, kw_only=True)
class DrivingTruth(Experiment):
    """Rows are estimators; each learns every hidden truth from its pictures alone.

    Attributes:
        grammar: the learner's, below ``scenes/``.
        truths: hidden grammars by name.
        settings: of all trainings; row_settings: more of them by row.
    """

    grammar: str
    truths: Mapping[str, str]
    settings: Mapping[str, object] = field(default_factory=dict)
    row_settings: Mapping[str, Mapping[str, object]]

    def depends_on(self, options: Options) -> dict[str, Any]:
        grammar = load_grammar(SCENES / self.grammar)
        rows = {r: self._config(grammar, r, 0, options).settings for r in self.row_settings}
        return {
            "grammar": grammar.to_dict(),
            "truths": {n: load_grammar(SCENES / file).to_dict() for n, file in self.truths.items()},
            "settings": {row: without_younger(settings) for row, settings in rows.items()},
            "readers": {row: reader_digest(settings, grammar) for row, settings in rows.items()},
            "pictures": [MATCHED, UNSEEN],
        }

    def measure(self, seed: int, folder: Path, options: Options, tell: Tell) -> dict[str, Any]:
        """``attributes`` by ``truth/row``: by name the nearness to the truth and the share of
        scenes that have its class; ``mmd2`` and ``seconds`` likewise."""
        grammar = load_grammar(SCENES / self.grammar)
        kept = SeedResult(folder / RESULT)
        folder.mkdir(parents=True, exist_ok=True)
        for name, file in self.truths.items():
            hidden = load_grammar(SCENES / file)
            for row in self.rows:
                part = f"{name}/{row}"
                if part in kept.content.get("attributes", {}):
                    continue
                tell(f"seed {seed}: {name}, {row}")
                started = time.monotonic()
                if row == OFF:
                    counted = scenes_of(grammar, seed, "counted-learned", COUNTED)
                elif row == BOUND:
                    counted = hidden_scenes(hidden, seed)[:MATCHED]
                else:
                    with closing(open_renderer(grammar.domain)) as renderer:
                        run, learned = self.learn(name, row, seed, folder, options, renderer)
                    kept.put_in("mmd2", part, run.read_json("summary.json")["mmd2"])
                    counted = scenes_of(grammar, seed, "counted-learned", COUNTED)
                    counted = learned.transform_all(counted, derive_seed(seed, "counted"))
                kept.put_in("attributes", part, attributes_of(grammar, counted, hidden, seed))
                kept.put_in("seconds", part, round(time.monotonic() - started, 1))
        return kept.content

    def learn(
        self,
        truth: str,
        row: str,
        seed: int,
        folder: Path,
        options: Options,
        renderer: DifferenceRenderer,
    ) -> tuple[RunFolder, SceneGenerator]:
        """The finished run of a row that is trained, in a seed's folder, and what it learned."""
        grammar, hidden = (load_grammar(SCENES / f) for f in (self.grammar, self.truths[truth]))
        config = self._config(grammar, row, seed, options)
        (folder / truth).mkdir(parents=True, exist_ok=True)
        run = open_or_begin(folder / truth / row, config)
        target = hidden_pictures(folder / truth, hidden, renderer, config, seed)
        trained(run, config, target, renderer)
        return run, load_generator(run, config)

    def measurement(self, content: Mapping[str, Any]) -> Measurement:
        rows: dict[str, dict[str, float | None]] = {}
        for row in self.rows:
            of_truths = {t: content["attributes"][f"{t}/{row}"] for t in self.truths}
            rows[row] = summary([as_set(table) for table in of_truths.values()])
            for truth, table in of_truths.items():
                rows[row][f"{truth}: median ratio"] = summary([as_set(table)])["median ratio"]
            shown = summary([as_shown(table) for table in of_truths.values()])
            rows[row] |= {f"light as shown: {name}": value for name, value in shown.items()}
        best = list(self.rows)[-1]
        return Measurement(
            rows=rows,
            seconds=content["seconds"],
            attributes={
                f"{truth} {name}": item["nearness"]
                for truth in self.truths
                for name, item in content["attributes"][f"{truth}/{best}"].items()
                if other_than_prior(item)
            },
        )

    def runs(self, folder: Path) -> dict[str, Path]:
        return {f"{t}, {r}": folder / t / r for t in self.truths for r in self.row_settings}

    def highlights(self, record: Mapping[str, Any]) -> str:
        medians = [f"{r} {record['rows'][r]['median ratio']['mean']:.2f}" for r in record["rows"]]
        return f"{', '.join(medians)} (median W1 to the truth as a share of the prior's)"

    def _config(self, grammar: Grammar, row: str, seed: int, options: Options) -> RunConfig:
        defaults = merged(self.settings, self.row_settings[row])
        settings = resolve_settings(grammar, options.overrides, {**defaults, "seed": seed})
        return RunConfig(grammar, settings, None, None, options.command)


def hidden_pictures(
    folder: Path, hidden: Grammar, renderer: DifferenceRenderer, config: RunConfig, seed: int
) -> Target:
    """Pictures of a hidden grammar, rendered once a size; the learner is told no truth."""
    settings = config.settings.rendering.render_settings()
    path = folder / f"target_{settings.width}x{settings.height}.pt"
    if not path.exists():
        images = pictures(renderer, settings, hidden_scenes(hidden, seed))
        write_tensors(path, images)
    images = torch.load(path, weights_only=True)
    return Target(images[:MATCHED], images[MATCHED:])


def hidden_scenes(hidden: Grammar, seed: int) -> list[SceneGraph]:
    """What the target's pictures show: first those that are matched."""
    return scenes_of(hidden, seed, "hidden-target", MATCHED + UNSEEN)


def attributes_of(
    grammar: Grammar,
    learned: Sequence[SceneGraph],
    hidden: Grammar,
    seed: int,
    count: int = COUNTED,
) -> dict[str, dict[str, Any]]:
    """Each mutable number's nearness to the truth, and how often its class is seen; light as shown
    too.

    Args:
        count: scenes of prior and truth.
    """
    prior = scenes_of(grammar, seed, "counted-prior", count)
    target = scenes_of(hidden, seed, "counted-truth", count)
    before, after, truth = (
        with_shown_light(attribute_samples(grammar, some)) for some in (prior, learned, target)
    )
    slots = {
        slot.name: slot
        for slot in Encoding(grammar).slots
        if slot.attribute.mutable and slot.kind != "categorical"
    }
    table = {}
    for name in truth:
        slot = slots.get(name) or slots.get(name.removesuffix(SHOWN))
        if slot is None or min(len(some[name]) for some in (before, after, truth)) < 2:
            continue
        period = slot.attribute.period if slot.kind == "circular" else None
        near = nearness(before[name], after[name], truth[name], period)
        table[name] = {
            "nearness": near.to_dict(),
            "seen": _share(target, slot.class_name),
            "counted": min(len(some[name]) for some in (before, truth)),
        }
    return table


def other_than_prior(item: Mapping[str, Any]) -> bool:
    """Whether a hidden attribute is another than the prior's, of a class that is seen."""
    near = item["nearness"]
    return item["seen"] >= SEEN and differs(near["w1_prior"], near["target"][1], item["counted"])


def summary(tables: Sequence[Mapping[str, Mapping[str, Any]]]) -> dict[str, float | None]:
    """What share of the attributes that differ was found, and how far others went astray."""
    counted = [item for table in tables for item in table.values() if other_than_prior(item)]
    ratios = np.array([item["nearness"]["w1_share"] for item in counted])
    spreads = np.array([item["nearness"]["spread_error"] for item in counted])
    still = [
        (item["nearness"]["w1_learned"] - item["nearness"]["w1_prior"])
        / item["nearness"]["prior"][1]
        for table in tables
        for item in table.values()
        if item["seen"] >= SEEN and not other_than_prior(item)
    ]

    def share(chosen: np.ndarray) -> float:
        return 100 * float(chosen.mean())

    return {
        "median ratio": float(np.median(ratios)),
        f"ratio ≤ {FOUND}, %": share(ratios <= FOUND),
        f"ratio ≤ {HALFWAY}, %": share(ratios <= HALFWAY),
        "nearer, %": share(ratios < 1),
        "deviation found, %": share(spreads <= DEVIATION_ERROR),
        "worst drift of others": float(max(still)) if still else None,
    }


def _share(scenes: Sequence[SceneGraph], class_name: str) -> float:
    return float(np.mean([any(n.class_name == class_name for n in s.nodes) for s in scenes]))

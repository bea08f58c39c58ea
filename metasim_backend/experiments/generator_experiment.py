"""A generator that learns attributes: how near they come, and task networks on its pictures."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from blender_addon.contract.frames import RenderSettings
from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.experiments.benches import Bench, Budget, open_bench
from metasim_backend.experiments.experiment import Measurement, Options, Tell
from metasim_backend.experiments.goals import Goal
from metasim_backend.experiments.hidden_target import HiddenTargetExperiment, scenes_of
from metasim_backend.experiments.nearness import nearness
from metasim_backend.experiments.quiet_clock import QuietClock
from metasim_backend.experiments.record import summaries
from metasim_backend.experiments.seed_result import SeedResult, open_or_begin, trained
from metasim_backend.grammar import Grammar, attribute_samples
from metasim_backend.run_files.run_folder import RunFolder
from metasim_backend.training.run_config import load_generator
from metasim_backend.training.scene_generator import SceneGenerator
from metasim_backend.training.seeds import derive_seed

TRUTH_SCENES = 4000
RESULT, LONG_RESULT = "result.json", "long_result.json"
NETWORK = "task network on "
GENERATOR_PARTS = ("features", "pretrain", "match")
ROWS = {
    "prior": "prior (the grammar alone)",
    "matched": "matched (task phase off)",
    "learned": "learned (task phase on)",
    "oracle": "oracle (target's own data)",
}
DIFFERENCES = (("learned", "oracle"), ("learned", "matched"), ("learned", "prior"))


@dataclass(frozen=True, kw_only=True)
class GeneratorExperiment(HiddenTargetExperiment):
    """Rows are the generators whose pictures a task network is trained on.

    Attributes:
        budget: of the task networks; None: there are none, and attributes alone are compared.
        long_budget: of the variant with larger networks; None: there is no such variant.
        long_goals: that variant's figures to reach.
    """

    metric: str = ""
    rows: Mapping[str, str] = field(default_factory=lambda: ROWS)
    differences: Sequence[tuple[str, str]] = DIFFERENCES
    budget: Budget | None = None
    long_budget: Budget | None = None
    long_goals: tuple[Goal, ...] = ()

    def longer(self) -> Self:
        if self.long_budget is None:
            return super().longer()
        return replace(self, long=True, budget=self.long_budget, goals=self.long_goals)

    def depends_on(self, options: Options) -> dict[str, Any]:
        budget = None if self.budget is None else asdict(self.budget)
        return {**super().depends_on(options), "budget": budget}

    def measure(self, seed: int, folder: Path, options: Options, tell: Tell) -> dict[str, Any]:
        """``rows`` (scores in per cent by row and name), ``attributes`` (nearness to the target by
        name), ``mmd2``, and ``seconds`` by part, of :class:`QuietClock`.

        Short and long trainings of task networks share the generator.
        """
        _, hidden = self.grammars()
        config = self.run_config(seed, options)
        shape = RenderSettings(config.settings.rendering.width, config.settings.rendering.height)
        clock = QuietClock()
        bench = open_bench(hidden, shape, seed, options.data)  # may be refused: before a folder is
        run = open_or_begin(folder, config)
        kept = SeedResult(folder / RESULT)
        kept.note_seconds("data", clock())
        truth = attribute_samples(hidden, scenes_of(hidden, seed, "truth", TRUTH_SCENES))
        if "generator" not in kept.content:
            tell(f"seed {seed}: generator")
            target = replace(bench.target, truth=truth)
            _, state = trained(run, config, target, bench.renderer, clock)
            for part, seconds in state.seconds.items():
                kept.note_seconds(part, seconds)
            kept.put("mmd2", run.read_json("summary.json")["mmd2"])
            kept.put("generator", "trained")
        scenes = load_generator(run, config)
        if "attributes" not in kept.content:
            kept.put("attributes", _attributes(scenes, truth, seed))
        if self.long:
            kept = _of_longer_networks(kept, folder / LONG_RESULT)
        if self.budget is not None:
            fit_rows(kept, bench, run, scenes, hidden, self.budget, seed, tell)
        return kept.content

    def measurement(self, content: Mapping[str, Any]) -> Measurement:
        rows = content.get("rows", {})
        asked = rows if self.budget is None else self.budget.rows
        return Measurement(
            rows={row: rows[row] for row in asked if row in rows},
            seconds=content.get("seconds", {}),
            attributes=content.get("attributes", {}),
        )

    def label(self, row: str, measurements: Sequence[Measurement]) -> str:
        if row != "learned":
            return self.rows[row]
        if self.long:
            return "learned"
        with_task = any("task" in one.seconds for one in measurements)
        return self.rows[row] if with_task else "learned (no task phase)"

    def more(
        self, contents: Sequence[Mapping[str, Any]], record: dict[str, Any], options: Options
    ) -> dict[str, Any]:
        mmd2 = {
            part: summaries([(one.get("mmd2") or {}).get(part) or {} for one in contents])
            for part in ("prior", "learned")
        }
        return {"mmd2": {part: numbers for part, numbers in mmd2.items() if numbers}}

    def highlights(self, record: Mapping[str, Any]) -> str:
        details = []
        learned = record["rows"].get("learned", {})
        for name in (name for name in learned if learned[name]["mean"] is not None):
            claims = [check["claim"] for check in record["checks"]]
            if any(claim.startswith(f"{name} of the learned") for claim in claims):
                paper = record["paper"].get("Meta-Sim", {}).get(name)
                beside = "" if paper is None else f" (paper {paper:.1f} %)"
                details.append(f"{name} {learned[name]['mean']:.2f} %{beside}")
        if not details and record["attributes"] and record["checks"]:
            details = [
                f"{record['checks'][-1]['value']:.0f} of {len(record['seeds'])} seeds match the "
                f"target's mean and spread in all {len(record['attributes'])} attributes"
            ]
        return ", ".join(details)


def fit_rows(
    kept: SeedResult,
    bench: Bench,
    folder: RunFolder,
    scenes: SceneGenerator,
    hidden: Grammar,
    budget: Budget,
    seed: int,
    tell: Tell,
) -> None:
    """Score a task network for each of the budget's rows that is not scored yet.

    Args:
        kept: gets ``rows``; scores of another budget are put away.
        scenes: the learned generator; its parameters are overwritten.
    """
    wanted = json.loads(json.dumps(asdict(budget)))
    if kept.content.get("budget") != wanted:  # scores of another budget are not comparable
        kept.content.pop("rows", None)
        kept.content["seconds"] = _without_networks(kept.content.get("seconds", {}))
        kept.put("budget", wanted)
    matched = folder.load_checkpoint("after_match")
    # Copies: a state dict refers to the parameters, which loading another one overwrites.
    states = {"learned": copy.deepcopy(scenes.transformer.state_dict())}
    if matched is not None:
        states["matched"] = matched["transformer"]
    drawn: dict[str, list[SceneGraph]] = {}  # of the prior, which three rows share
    for name in budget.rows:
        if name == "matched" and (matched is None or not folder.has_checkpoint("after_task")):
            continue  # the task phase is off: it would be the learned one
        if name in kept.content.get("rows", {}):
            continue
        tell(f"seed {seed}: task network on {name}")
        clock = QuietClock()
        if name == "oracle":
            shown = bench.scenes(hidden, budget.pictures)
        else:
            if "prior" not in drawn:
                drawn["prior"] = bench.scenes(scenes.grammar, budget.pictures)
            shown = drawn["prior"]
        if name in states:
            scenes.transformer.load_state_dict(states[name])
            shown = scenes.transform_all(shown, derive_seed(seed, "task-pictures"))
        scores = bench.fit(shown, budget)
        kept.note_seconds(f"{NETWORK}{name}", clock())
        kept.put_in("rows", name, scores)
        tell(f"seed {seed}: {name} {', '.join(f'{k} {v:.2f}' for k, v in scores.items())}")


def _attributes(
    scenes: SceneGenerator, truth: Mapping[str, Any], seed: int
) -> dict[str, dict[str, Any]]:
    """Each mutable attribute's distribution, prior and learned, against the target's."""
    prior = scenes.prior([derive_seed(seed, "nearness", i) for i in range(TRUTH_SCENES)])
    learned = scenes.transform_all(prior, derive_seed(seed, "nearness"))
    before = attribute_samples(scenes.grammar, prior)
    after = attribute_samples(scenes.grammar, learned)
    attributes = {}
    for slot in scenes.encoding.slots:
        if slot.attribute.mutable and slot.kind != "categorical":
            period = slot.attribute.period if slot.kind == "circular" else None
            near = nearness(before[slot.name], after[slot.name], truth[slot.name], period)
            attributes[slot.name] = near.to_dict()
    return attributes


def _of_longer_networks(kept: SeedResult, path: Path) -> SeedResult:
    """The longer networks' file, with all of the other but the scores and times of its networks."""
    longer = SeedResult(path)
    shared = {n: value for n, value in kept.content.items() if n not in ("rows", "budget")}
    times = _without_networks(shared.pop("seconds", {})) | longer.content.get("seconds", {})
    longer.content = {**shared, **longer.content, "seconds": times}
    return longer


def _without_networks(seconds: Mapping[str, float]) -> dict[str, float]:
    return {part: s for part, s in seconds.items() if not part.startswith(NETWORK)}

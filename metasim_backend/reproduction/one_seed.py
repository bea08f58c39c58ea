"""One seed of an experiment: train the generator, then task networks on what it makes."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from blender_addon.contract.frames import RenderSettings
from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.grammar import Grammar, attribute_samples, load_grammar, sample_scene
from metasim_backend.reproduction.benches import Bench, open_bench
from metasim_backend.reproduction.experiments import Budget, Experiment, ExperimentError
from metasim_backend.reproduction.nearness import nearness
from metasim_backend.reproduction.quiet_clock import QuietClock
from metasim_backend.run_files.run_folder import RunFolder
from metasim_backend.training.loop import train
from metasim_backend.training.run_config import (
    RunConfig,
    load_generator,
    open_run,
    resolve_settings,
)
from metasim_backend.training.scene_generator import SceneGenerator
from metasim_backend.training.seeds import derive_seed
from metasim_backend.training.services import Services

TRUTH_SCENES = 4000
GENERATOR_RESULT = "result.json"
LONG_RESULT = "long_result.json"
NETWORK = "task network on "


def run_seed(
    experiment: Experiment,
    seed: int,
    folder: Path,
    *,
    long: bool = False,
    data: Path | None = None,
    overrides: Sequence[str] = (),
    command: Sequence[str] = (),
    tell: Callable[[str], object] = lambda text: None,
) -> dict:
    """Everything about one seed; what an earlier call finished is read and not done again.

    Args:
        folder: a run's folder; ``result.json`` in it (of long trainings ``long_result.json``)
            keeps what has been measured so far. Short and long share the generator.
        overrides: ``name=value`` for the training's settings.
        tell: is told what is going on.

    Returns:
        ``rows`` (scores in per cent by row and name), ``attributes`` (nearness to the target by
        name), ``mmd2``, and ``seconds`` by part (of :class:`QuietClock`).

    Raises:
        ExperimentError: when the folder was begun with other settings.
    """
    grammar, hidden = load_grammar(experiment.grammar_file), load_grammar(experiment.target_file)
    base = {**experiment.settings, "seed": seed}
    settings = resolve_settings(grammar, overrides, base)
    shape = RenderSettings(settings.rendering.width, settings.rendering.height)
    kept = _Kept(folder / GENERATOR_RESULT)
    clock = QuietClock()
    bench = open_bench(hidden, shape, seed, data)  # before a folder is made: it may be refused
    if RunFolder.exists(folder):
        run_folder, config = open_run(folder)
        if (config.settings, config.grammar) != (settings, grammar):
            raise ExperimentError(
                f"{folder} was begun with other settings or another grammar; choose another folder "
                "with --run, or remove it."
            )
    else:
        config = RunConfig(grammar, settings, None, None, tuple(command))
        run_folder = RunFolder.create(folder, config.to_dict())
    kept.seconds("data", clock())
    truth = attribute_samples(
        hidden, [sample_scene(hidden, derive_seed(seed, "truth", i)) for i in range(TRUTH_SCENES)]
    )
    if "generator" not in kept.content:
        tell(f"seed {seed}: generator")
        services = Services(
            run_folder,
            config.grammar,
            config.settings,
            replace(bench.target, truth=truth),
            bench.renderer,
            command=tuple(command),
            quiet=True,
            clock=clock,
        )
        for part, seconds in train(services).seconds.items():
            kept.seconds(part, seconds)
        summary = run_folder.read_json("summary.json")
        kept.put("mmd2", summary["mmd2"])
        kept.put("generator", "trained")
    scenes = load_generator(run_folder, config)
    if "attributes" not in kept.content:
        kept.put("attributes", _nearness(scenes, truth, seed))
    budget = experiment.long_budget if long else experiment.budget
    if long:
        kept = kept.apart(folder / LONG_RESULT)
    if budget is not None:
        _fit_rows(kept, bench, run_folder, scenes, hidden, budget, seed, tell)
    return kept.content


def _fit_rows(
    kept: _Kept,
    bench: Bench,
    folder: RunFolder,
    scenes: SceneGenerator,
    hidden: Grammar,
    budget: Budget,
    seed: int,
    tell: Callable[[str], object],
) -> None:
    """A task network for each row: prior, matched, learned, oracle."""
    wanted = json.loads(json.dumps(asdict(budget)))
    if kept.content.get("budget") != wanted:  # scores of another budget are not comparable
        kept.forget_networks()
        kept.put("budget", wanted)
    rows = dict(kept.content.get("rows", {}))
    matched = folder.load_checkpoint("after_match")
    # Copies: a state dict refers to the parameters, which loading another one overwrites.
    states = {"learned": copy.deepcopy(scenes.transformer.state_dict())}
    if matched is not None:
        states["matched"] = matched["transformer"]
    drawn: dict[str, list[SceneGraph]] = {}  # of the prior, which three rows share
    for name in budget.rows:
        if name == "matched" and (matched is None or not folder.has_checkpoint("after_task")):
            continue  # the task phase is off: it would be the learned one
        if name in rows:
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
        rows[name] = bench.fit(shown, budget)
        kept.seconds(f"{NETWORK}{name}", clock())
        kept.put("rows", rows)
        tell(f"seed {seed}: {name} {', '.join(f'{k} {v:.2f}' for k, v in rows[name].items())}")


def _nearness(scenes: SceneGenerator, truth: dict, seed: int) -> dict[str, dict]:
    """Each mutable attribute's distribution, prior and learned, against the target's."""
    prior: list[SceneGraph] = scenes.prior(
        [derive_seed(seed, "nearness", i) for i in range(TRUTH_SCENES)]
    )
    learned = scenes.transform_all(prior, derive_seed(seed, "nearness"))
    before = attribute_samples(scenes.grammar, prior)
    after = attribute_samples(scenes.grammar, learned)
    found = {}
    for slot in scenes.encoding.slots:
        if slot.attribute.mutable and slot.kind != "categorical":
            period = slot.attribute.period if slot.kind == "circular" else None
            near = nearness(before[slot.name], after[slot.name], truth[slot.name], period)
            found[slot.name] = near.to_dict()
    return found


class _Kept:
    """What has been measured, in a file that is written whole after each part."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.content: dict = json.loads(path.read_text()) if path.exists() else {}

    def put(self, name: str, value: object) -> None:
        from metasim_backend.run_files.atomic_files import write_text

        self.content[name] = value
        write_text(self.path, json.dumps(self.content, indent=1))

    def apart(self, path: Path) -> _Kept:
        """Another file, with what it had kept already and all but the scores of this one."""
        other = _Kept(path)
        mine = {n: value for n, value in self.content.items() if n not in ("rows", "budget")}
        known = mine.pop("seconds", {})
        times = {n: s for n, s in known.items() if not n.startswith(NETWORK)}
        other.content = {**mine, **other.content}
        other.content["seconds"] = times | other.content.get("seconds", {})
        return other

    def forget_networks(self) -> None:
        """Put away the scores and times of task networks."""
        self.content.pop("rows", None)
        for part in [n for n in self.content.get("seconds", {}) if n.startswith(NETWORK)]:
            del self.content["seconds"][part]

    def seconds(self, part: str, seconds: float) -> None:
        """Note a part's time; of a part that was done before the first time counts."""
        known = self.content.setdefault("seconds", {})
        known.setdefault(part, round(seconds, 1))

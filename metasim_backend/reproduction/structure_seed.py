"""One seed of an experiment on structure: learn with each reward, and count."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.features.count_histograms import histogram
from metasim_backend.grammar import Grammar, load_grammar, sample_scene
from metasim_backend.reproduction.experiments import ExperimentError
from metasim_backend.reproduction.quiet_clock import QuietClock
from metasim_backend.reproduction.structure_experiments import REWARDS, StructureExperiment
from metasim_backend.reproduction.structure_target import structure_bench
from metasim_backend.run_files.atomic_files import write_text
from metasim_backend.run_files.run_folder import RunFolder
from metasim_backend.settings import TrainSettings
from metasim_backend.statistics.histograms import total_variation
from metasim_backend.training.loop import train
from metasim_backend.training.run_config import (
    RunConfig,
    load_generator,
    open_run,
    resolve_settings,
)
from metasim_backend.training.seeds import derive_seed
from metasim_backend.training.services import Services
from metasim_backend.training.structure_features import KEPT

COUNTED = 4000
TRUTH = 8000
RESULT = "result.json"


def run_structure_seed(
    experiment: StructureExperiment,
    seed: int,
    folder: Path,
    *,
    data: Path | None = None,
    overrides: Sequence[str] = (),
    command: Sequence[str] = (),
    tell: Callable[[str], object] = lambda text: None,
) -> dict:
    """Everything about one seed; what an earlier call finished is read and not done again.

    Args:
        folder: gets a run's folder for each reward, and ``result.json``.
        overrides: ``name=value`` for the training's settings.
        tell: is told what is going on.

    Returns:
        ``histograms`` and ``distances`` (total variation to the target), by row and quantity;
        ``readings``, how well the count network reads; ``mmd2`` and ``seconds`` by row. Rows are
        prior, the experiment's rewards and target, which is as many other scenes of its own.

    Raises:
        ExperimentError: when the folder was begun with other settings.
    """
    grammar, hidden = load_grammar(experiment.grammar_file), load_grammar(experiment.target_file)
    path = folder / RESULT
    content: dict = json.loads(path.read_text("utf-8")) if path.exists() else {}
    true_scenes = _scenes(hidden, seed, "truth", TRUTH)
    truth = {q.name: histogram(q, true_scenes) for q in experiment.quantities}

    def note(row: str, scenes: Sequence[SceneGraph], **more: object) -> None:
        found = {q.name: histogram(q, scenes) for q in experiment.quantities}
        far = {name: _distance(own, truth[name]) for name, own in found.items()}
        content.setdefault("histograms", {})[row] = found
        content.setdefault("distances", {})[row] = far
        for name, value in more.items():
            content.setdefault(name, {})[row] = value
        write_text(path, json.dumps(content, indent=1))
        tell(f"seed {seed}: {row} " + ", ".join(f"{name} {d:.3f}" for name, d in far.items()))

    folder.mkdir(parents=True, exist_ok=True)
    done = content.get("distances", {})
    if "prior" not in done:
        note("prior", _scenes(grammar, seed, "counted-prior", COUNTED))
        note("target", _scenes(hidden, seed, "counted-target", COUNTED))
    for reward in experiment.rewards:
        if reward in done:
            continue
        base = {**experiment.settings, "seed": seed}
        settings = resolve_settings(grammar, [*overrides, f"structure.reward={reward}"], base)
        config = RunConfig(grammar, settings, None, None, tuple(command))
        tell(f"seed {seed}: learning with the reward {reward}")
        # Blender works in processes of its own.
        clock = time.monotonic if hidden.domain == "driving" else QuietClock()
        started = clock()
        run_folder = _folder(folder, reward, config)
        seconds = _train(experiment, run_folder, config, hidden, seed, data, command, clock)
        seconds["whole"] = clock() - started
        scenes = load_generator(run_folder, config)
        drawn = scenes.proposed([derive_seed(seed, "counted", i) for i in range(COUNTED)])
        note(
            reward,
            drawn,
            seconds={name: round(spent, 1) for name, spent in seconds.items()},
            mmd2=run_folder.read_json("summary.json")["mmd2"],
            readings=run_folder.read_json("structure_readings.json"),
        )
    return content


def _scenes(grammar: Grammar, seed: int, name: str, count: int) -> list[SceneGraph]:
    return [sample_scene(grammar, derive_seed(seed, name, i)) for i in range(count)]


def _distance(found: dict[str, float], truth: dict[str, float]) -> float:
    """Total variation; 1, the largest, where no scene has what is counted."""
    return total_variation(found, truth) if found else 1.0


def _folder(folder: Path, reward: str, config: RunConfig) -> RunFolder:
    """The run's folder, made or gone on with. What counts is the same network for both rewards."""
    path = folder / reward
    if RunFolder.exists(path):
        run_folder, known = open_run(path)
        if (known.settings, known.grammar) != (config.settings, config.grammar):
            raise ExperimentError(
                f"{path} was begun with other settings or another grammar; choose another folder "
                "with --run, or remove it."
            )
        return run_folder
    run_folder = RunFolder.create(path, config.to_dict())
    first = folder / REWARDS[0]
    if reward != REWARDS[0] and RunFolder.exists(first):
        counting = RunFolder.open(first).load_checkpoint(KEPT)
        if counting is not None:
            run_folder.save_checkpoint(counting, KEPT)
    return run_folder


def _train(
    experiment: StructureExperiment,
    folder: RunFolder,
    config: RunConfig,
    hidden: Grammar,
    seed: int,
    data: Path | None,
    command: Sequence[str],
    clock: Callable[[], float],
) -> dict[str, float]:
    """Train to the end, from wherever an earlier call was interrupted; seconds by part."""
    settings: TrainSettings = config.settings
    shape = settings.rendering.render_settings()
    with structure_bench(hidden, shape, seed, experiment.pictures, data) as (renderer, target):
        services = Services(
            folder,
            config.grammar,
            settings,
            target,
            renderer,
            command=tuple(command),
            quiet=True,
            clock=clock,
        )
        return train(services).seconds

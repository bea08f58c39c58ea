"""What a finished run leaves for its report: pictures, attributes, distances, scores."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import TYPE_CHECKING

import numpy as np

from blender_addon.contract.frames import Frame
from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.grammar import NoCollision
from metasim_backend.grammar.footprints import collisions
from metasim_backend.matching.mmd import MMD
from metasim_backend.matching.picture_distances import picture_distances
from metasim_backend.rendering.differentiate import method_for
from metasim_backend.training import evaluation
from metasim_backend.training.seeds import derive_seed, generator
from metasim_backend.training.structure_report import structure_report
from metasim_backend.training.task_network import new_detector, task_of
from metasim_backend.training.task_optimisation import bytes_frame

if TYPE_CHECKING:
    from metasim_backend.training.loop import Run

ATTRIBUTE_SCENES = 200


def write_results(run: Run) -> None:
    """Measure prior against learned on the same seeds, and write ``report_data/``."""
    started = run.clock()
    settings = run.settings
    count = max(
        settings.evaluation.scenes,
        settings.evaluation.pictures,
        settings.detector.compare_scenes
        if settings.detector.compare_steps and run.target.validation is not None
        else 0,
    )
    seeds = [derive_seed(settings.seed, "report", i) for i in range(count)]
    with run.bar("report", 2 * count) as bar:
        samples = {
            name: evaluation.sample(run.renderer, run.render_settings, scenes, progress=bar.update)
            for name, scenes in (
                ("prior", run.scenes.prior(seeds)),
                ("learned", run.scenes.learned(seeds)),
            )
        }
    pictures = run.folder.report_data / "pictures"
    shown = settings.evaluation.pictures
    for name, sample in samples.items():
        evaluation.write_pictures(pictures / name, evaluation.pictures_of(sample.frames[:shown]))
    target = run.target.unseen[:shown].permute(0, 2, 3, 1).numpy()
    evaluation.write_pictures(pictures / "target", list(target))

    seeds = [derive_seed(settings.seed, "attributes", i) for i in range(ATTRIBUTE_SCENES)]
    attributes = evaluation.attribute_report(
        run.scenes, run.scenes.prior(seeds), run.scenes.learned(seeds), run.target.truth
    )
    run.folder.write_json("attributes.json", attributes)
    if run.structure is not None:
        images = {name: sample.images() for name, sample in samples.items()}
        run.folder.write_json("structure.json", structure_report(run, images))

    unseen = evaluation.features_in_batches(run.features, run.target.unseen.float() / 255)
    targets = {"matched": run.matcher.mmd, "unseen": MMD(unseen, run.matcher.mmd.bandwidths)}
    limit = settings.evaluation.scenes
    mmd2 = {
        name: evaluation.distances(
            run.features, evaluation.Sample(sample.scenes[:limit], sample.frames[:limit]), targets
        )
        for name, sample in samples.items()
    }
    apart = {
        name: picture_distances(run.features, sample.images()[:limit], run.target.unseen)
        for name, sample in samples.items()
        if min(limit, len(run.target.unseen)) > 1  # one picture has no spread
    }
    detectors = compare_detectors(run, {name: s.frames for name, s in samples.items()})
    run.seconds["report"] += run.clock() - started
    summary = {
        "title": f"{run.scenes.grammar.domain}: prior, learned, target",
        "command": " ".join(run.command),
        "phases": list(settings.phases),
        "switched_on": switched_on(run),
        "features": run.features.name,
        "mmd2": mmd2,
        "distances": {
            name: {found.frechet_name: found.frechet, found.kernel_name: found.kernel}
            for name, found in apart.items()
        },
        "detector": detectors,
        "collisions": collisions_a_scene(run, {name: s.scenes for name, s in samples.items()}),
        "pictures": {
            "matched": len(run.target.matched),
            "unseen": len(run.target.unseen),
            "validation": len(run.target.validation) if run.target.validation else 0,
        },
        "versions": versions(),
        "machine": machine(),
        "seconds": {k: round(v, 1) for k, v in run.seconds.items()},
    }
    run.folder.write_json("summary.json", summary)


def collisions_a_scene(
    run: Run, scenes: Mapping[str, Sequence[SceneGraph]]
) -> dict[str, float] | None:
    """How many things stand in another, in the mean over each generator's scenes.

    Only of the classes that the grammar's ``no_collision`` names; None without one.
    """
    conditions = [c for c in run.scenes.grammar.conditions if isinstance(c, NoCollision)]
    if not conditions:
        return None
    classes = {name for one in conditions for name in one.classes}
    return {
        name: float(np.mean([len(collisions(scene, classes)) for scene in some]))
        for name, some in scenes.items()
    }


def compare_detectors(run: Run, frames: Mapping[str, Sequence[Frame]]) -> dict | None:
    """Scores of two fresh detectors, alike but for the data that they were trained on."""
    wanted = run.settings.detector
    validation = run.target.validation
    driving = task_of(run.scenes.grammar.domain) == "detector"
    if not driving or validation is None or wanted.compare_steps == 0:
        return None
    scores: dict[str, object] = {}
    for name, some in frames.items():
        detector = new_detector(run.settings)
        with run.bar(f"detector {name}", wanted.compare_steps) as bar:
            detector.train(
                [bytes_frame(frame) for frame in some[: wanted.compare_scenes]],
                wanted.compare_steps,
                generator(run.settings.seed, "compare"),
                progress=lambda *_, bar=bar: bar.update(),
            )
        score = detector.score(validation)
        scores[name] = {
            "ap50": score.ap50,
            "easy": score.easy,
            "moderate": score.moderate,
            "hard": score.hard,
        }
    scores["weights"] = detector.weights
    return scores


def switched_on(run: Run) -> dict[str, object]:
    """The on/off row of the report."""
    settings = run.settings
    return {
        "auto-encoder pre-training": "pretrain" in settings.phases,
        **({"structure": settings.structure.reward} if "structure" in settings.phases else {}),
        "distribution matching": "match" in settings.phases,
        "task optimisation": "task" in settings.phases and run.target.validation is not None,
        "differences": method_for(run.renderer, settings.rendering.differences),
        "encoder frozen after pre-training": settings.freeze_encoder,
        "MMD in task optimisation": settings.task.match_weight > 0,
    }


def versions() -> dict[str, str]:
    """Versions of the packages that a result depends on."""
    found = {"python": platform.python_version()}
    for package in ("metasim-blender", "torch", "torchvision", "torch-geometric", "numpy", "bpy"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def machine() -> str:
    """The kind of machine, without its name."""
    import os

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{cores} CPU cores, {platform.machine()}, {sys.platform}"

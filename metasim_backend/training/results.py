"""What a finished run leaves for its report: pictures, attributes, distances, scores."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata

import numpy as np

from blender_addon.contract.frames import Frame
from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.distances.mmd import MMD
from metasim_backend.features.picture_distances import picture_distances
from metasim_backend.grammar import Grammar, NoCollision
from metasim_backend.grammar.footprints import collisions
from metasim_backend.rendering.differentiate import method_for
from metasim_backend.rendering.renderer import DifferenceRenderer
from metasim_backend.training import evaluation
from metasim_backend.training.read_target import write_read_target
from metasim_backend.training.seeds import derive_seed, generator
from metasim_backend.training.services import Services
from metasim_backend.training.state import State
from metasim_backend.training.structure_report import structure_report
from metasim_backend.training.task_network import new_detector, task_of
from metasim_backend.training.task_optimisation import bytes_frame


def write_results(state: State, services: Services) -> None:
    """Measure prior against learned on the same seeds, and write ``report_data/``."""
    started = services.clock()
    settings, target, folder = services.settings, services.target, services.folder
    count = max(
        settings.evaluation.scenes,
        settings.evaluation.pictures,
        settings.detector.compare_scenes
        if settings.detector.compare_steps and target.validation is not None
        else 0,
    )
    seeds = [derive_seed(settings.seed, "report", i) for i in range(count)]
    renderer = services.renderer(state.camera_model)
    with services.work("report", "Report", 2 * count) as work:
        work.measured("", 0, {}, services.moments.look(state.scenes, at_once=True))
        samples = {
            name: evaluation.sample(
                renderer, services.render_settings, scenes, progress=work.update
            )
            for name, scenes in (
                ("prior", state.scenes.prior(seeds)),
                ("learned", state.scenes.learned(seeds)),
            )
        }
    pictures = folder.report_data / "pictures"
    shown = settings.evaluation.pictures
    for name, sample in samples.items():
        evaluation.write_pictures(pictures / name, evaluation.pictures_of(sample.frames[:shown]))
    unseen = target.unseen[:shown].permute(0, 2, 3, 1).numpy()
    evaluation.write_pictures(pictures / "target", list(unseen))

    write_read_target(state, services)

    seeds = evaluation.attribute_seeds(settings.seed)
    attributes = evaluation.attribute_report(
        state.scenes, state.scenes.prior(seeds), state.scenes.learned(seeds), target.truth
    )
    folder.write_json("attributes.json", attributes)
    if state.structure is not None:
        images = {name: sample.images() for name, sample in samples.items()}
        folder.write_json("structure.json", structure_report(state, services, images))

    matched, features = state.matcher.mmd, state.matcher.features
    seen = evaluation.features_in_batches(features, target.unseen.float() / 255)
    targets = {"matched": matched, "unseen": MMD(seen, matched.bandwidths)}
    limit = settings.evaluation.scenes
    mmd2 = {
        name: evaluation.distances(
            features, evaluation.Sample(sample.scenes[:limit], sample.frames[:limit]), targets
        )
        for name, sample in samples.items()
    }
    apart = {
        name: picture_distances(features, sample.images()[:limit], target.unseen)
        for name, sample in samples.items()
        if min(limit, len(target.unseen)) > 1  # one picture has no spread
    }
    detectors = compare_detectors(services, {name: s.frames for name, s in samples.items()})
    state.seconds["report"] += services.clock() - started
    summary = {
        "title": f"{services.grammar.domain}: prior, learned, target",
        "command": " ".join(services.command),
        "phases": list(settings.phases),
        "switched_on": switched_on(services, renderer),
        "features": features.name,
        "mmd2": mmd2,
        "distances": {
            name: {found.frechet_name: found.frechet, found.kernel_name: found.kernel}
            for name, found in apart.items()
        },
        "detector": detectors,
        "collisions": collisions_a_scene(
            services.grammar, {name: s.scenes for name, s in samples.items()}
        ),
        "pictures": {
            "matched": len(target.matched),
            "unseen": len(target.unseen),
            "validation": len(target.validation) if target.validation else 0,
        },
        "skipped": list(target.skipped),
        "versions": versions(),
        "machine": machine(),
        "seconds": {k: round(v, 1) for k, v in state.seconds.items()},
    }
    folder.write_json("summary.json", summary)


def collisions_a_scene(
    grammar: Grammar, scenes: Mapping[str, Sequence[SceneGraph]]
) -> dict[str, float] | None:
    """How many things stand in another, in the mean over each generator's scenes.

    Only of the classes that the grammar's ``no_collision`` names; None without one.
    """
    conditions = [c for c in grammar.conditions if isinstance(c, NoCollision)]
    if not conditions:
        return None
    classes = {name for one in conditions for name in one.classes}
    return {
        name: float(np.mean([len(collisions(scene, classes)) for scene in some]))
        for name, some in scenes.items()
    }


def compare_detectors(services: Services, frames: Mapping[str, Sequence[Frame]]) -> dict | None:
    """Scores of two fresh detectors, alike but for the data that they were trained on."""
    wanted = services.settings.detector
    validation = services.target.validation
    driving = task_of(services.grammar.domain) == "detector"
    if not driving or validation is None or wanted.compare_steps == 0:
        return None
    scores: dict[str, object] = {}
    for name, some in frames.items():
        detector = new_detector(services.settings)
        label = f"Detector on {name}"
        with services.work("report", label, wanted.compare_steps) as work:
            detector.train(
                [bytes_frame(frame) for frame in some[: wanted.compare_scenes]],
                wanted.compare_steps,
                generator(services.settings.seed, "compare"),
                progress=lambda *_, work=work: work.update(),
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


def switched_on(services: Services, renderer: DifferenceRenderer) -> dict[str, object]:
    """The on/off row of the report."""
    settings = services.settings
    return {
        "auto-encoder pre-training": "pretrain" in settings.phases,
        **({"structure": settings.structure.reward} if "structure" in settings.phases else {}),
        "distribution matching": "match" in settings.phases,
        "task optimisation": "task" in settings.phases and services.target.validation is not None,
        "differences": method_for(renderer, settings.rendering.differences),
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

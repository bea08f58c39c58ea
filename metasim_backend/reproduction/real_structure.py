"""Structure learned from photographs: is the learned number of cars nearer to the real one?

A generator learns attributes from photographs, and then the structure too; what it was in between
is what attributes alone bring. The table of the photographs' boxes is looked at only afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from blender_addon.contract.frames import Frame
from metasim_backend.datasets.readers.pictures import list_pictures
from metasim_backend.datasets.targets import TargetImages
from metasim_backend.distances.resampled import InnerProducts
from metasim_backend.features.extractor import FeatureExtractor, build_features
from metasim_backend.features.picture_distances import distance_features, distance_names
from metasim_backend.grammar import load_grammar
from metasim_backend.rendering.renderer import DifferenceRenderer
from metasim_backend.rendering.worlds import open_renderer
from metasim_backend.reproduction.experiments import SCENES, ExperimentError
from metasim_backend.run_files.atomic_files import write_text
from metasim_backend.run_files.run_folder import RunFolder
from metasim_backend.statistics.histograms import count_shares, total_variation
from metasim_backend.statistics.intervals import percentile_interval
from metasim_backend.training import evaluation
from metasim_backend.training.loop import train
from metasim_backend.training.run_config import (
    RunConfig,
    load_generator,
    open_run,
    plan_run,
    read_target,
)
from metasim_backend.training.seeds import derive_seed
from metasim_backend.training.services import Services
from metasim_backend.training.state import State

NAME = "driving-structure-real"
PHASES = ("pretrain", "match", "structure")
RESULT = "result.json"
RESAMPLED = 500  # times, for an interval
MOST_UNSEEN = 200
LEAST_UNSEEN = 0.1
TRUTH = "total variation of the number of vehicles"
Chosen = Mapping[str, np.ndarray]
Measure = Callable[[Chosen, np.ndarray], dict[str, float]]
"""Distances by row, of chosen pictures of each row to chosen photographs."""


@dataclass(frozen=True)
class RealStructure:
    """What is trained and counted.

    Attributes:
        grammar: file below ``scenes/``.
        vehicles: classes that the table calls by :attr:`counted`.
        counted: classes of the table that are counted together.
        least_height: of a counted box, as a share of the picture's height (KITTI's evaluation
            begins at 25 of 375 pixels).
        scenes: rendered of each generator for the comparison.
        settings: of the training.
    """

    grammar: str = "driving_photographs.yaml"
    vehicles: tuple[str, ...] = ("car", "van", "truck", "bus")
    counted: tuple[str, ...] = ("Car",)
    least_height: float = 25 / 375
    scenes: int = 300
    settings: Mapping[str, object] = field(
        default_factory=lambda: {
            "rendering": {"width": 256, "height": 80},
            "target": {"most_alike": 0.9},
            "features": {"scenes": 600},
            "structure": {
                "feature_scenes": 1600,
                "feature_epochs": 16,
                # Colours and contrast of photographs are others than a renderer's.
                "disturbed": 2.0,
                "batch": 192,
                "steps": 14,
                "updates": 3,
                "reward_limit": 1.5,
                "prior_weight": 0.1,
                "picture_weight": 2.0,
                "readings": "labelled",
            },
            "match": {"steps": 16},
            "evaluation": {"scenes": 64},
        }
    )


def run_real_structure_seed(
    experiment: RealStructure,
    seed: int,
    folder: Path,
    target: Path,
    truth: np.ndarray | None,
    *,
    unseen: Path | None = None,
    weights: Path | None = None,
    matched: Path | None = None,
    overrides: Sequence[str] = (),
    command: Sequence[str] = (),
    tell: Callable[[str], object] = lambda text: None,
) -> dict:
    """Everything about one seed; what an earlier call finished is read and not done again.

    Args:
        folder: gets the run's folder and ``result.json``.
        target: the folder of photographs.
        truth: [frames] how many vehicles real frames of that kind show; None: nobody knows.
        unseen: a folder of photographs that pictures are compared with; None: those of the target
            that training does not see.
        weights: an ImageNet network's file, which counts are read with, and in whose features
            pictures are compared too.
        matched: the file of another, in whose features pictures are matched; None: a small network
            that is trained on the prior's renders.
        overrides: ``name=value`` for the training's settings.
        tell: is told what is going on.

    Returns:
        ``rows``: for prior, attributes and both the mean number of vehicles, the histogram, its
        total variation to the truth, and by features the kernel and the Fréchet distance to
        photographs that training did not see (``seen`` and ``unseen``: how many);
        ``gains``: how much lower the distances of ``both`` are than the prior's and than
        attributes', with 95 % intervals.

    Raises:
        ExperimentError: when the folder was begun with other settings.
        DatasetError, SettingsError, FeaturesError: the user's mistakes.
    """
    path = folder / RESULT
    content: dict = json.loads(path.read_text("utf-8")) if path.exists() else {}
    grammar_file = SCENES / experiment.grammar
    defaults = _defaults(experiment, seed, weights, matched, unseen)
    if "rows" in content:
        _begun(folder / "run", defaults, grammar_file, target, overrides)
        return content
    if unseen is not None:
        list_pictures(unseen, "folder of unseen photographs")  # said now, not after hours
    folder.mkdir(parents=True, exist_ok=True)
    counts: dict[str, np.ndarray] = {}
    pictures: dict[str, Tensor] = {}
    extractors: list[FeatureExtractor] = [] if weights is None else [build_features(weights)]
    seeds = [derive_seed(seed, "real-structure", i) for i in range(experiment.scenes)]
    with closing(open_renderer(load_grammar(grammar_file).domain)) as renderer:
        tell(f"seed {seed}: learning")
        services, state = _trained(
            folder / "run", defaults, grammar_file, target, renderer, overrides, command
        )
        extractors.append(state.matcher.features)
        photographs = _photographs(services, unseen)
        matching = load_generator(*open_run(folder / "run"), after="match")
        for row, scenes in (
            ("prior", state.scenes.prior(seeds)),
            ("attributes", matching.learned(seeds)),
            ("both", state.scenes.learned(seeds)),
        ):
            tell(f"seed {seed}: rendering {row}")
            counts[row], pictures[row] = _shown(experiment, services, state, scenes)
    if weights is not None:
        extractors[0].fit_scale(torch.cat([photographs, pictures["prior"][: len(photographs)]]))
    features = {
        extractor.name: (
            distance_names(extractor),
            distance_features(extractor, photographs),
            {row: distance_features(extractor, own) for row, own in pictures.items()},
        )
        for extractor in extractors
    }
    rng = np.random.default_rng(derive_seed(seed, "real-structure-intervals"))
    content = compared(counts, truth, features, rng)
    content |= {
        "seconds": {phase: round(took, 1) for phase, took in state.seconds.items()},
        "seen": len(services.target.matched),
        "unseen": len(photographs),
    }
    write_text(path, json.dumps(content, indent=1))
    return content


def compared(
    counts: Mapping[str, np.ndarray],
    truth: np.ndarray | None,
    features: Mapping[str, tuple[tuple[str, str], Tensor, Mapping[str, Tensor]]],
    rng: np.random.Generator,
) -> dict:
    """Rows, and gains with intervals by resampling pictures (percentile bootstrap).

    Only gains have intervals: a picture that is drawn twice is like itself, which raises a
    distance, but that of all rows alike.

    Args:
        counts: by row, vehicles in each picture.
        truth: vehicles in each real frame, or None.
        features: by name what the Fréchet and the kernel distance on them are called, those of
            photographs, and those of each row's pictures.
        rng: draws the samples.
    """
    rows: dict[str, dict] = {
        row: {
            "mean": float(own.mean()),
            "histogram": count_shares(own).tolist(),
            "distances": {},
        }
        for row, own in counts.items()
    }
    measures: dict[str, Measure] = {}
    if truth is not None:
        measures[TRUTH] = _number_measure(counts, truth)
    for name, (called, photographs, made) in features.items():
        products = {row: InnerProducts.of(own, photographs) for row, own in made.items()}
        mmd2 = partial(InnerProducts.mmd2, bandwidths=next(iter(products.values())).bandwidths())
        distances: tuple[Callable[[InnerProducts], float], ...] = (
            InnerProducts.frechet_distance,
            InnerProducts.kernel_distance,
            mmd2,
        )
        for kind, distance in zip((*called, "MMD²"), distances, strict=True):
            measures[f"{kind} on {name}"] = _feature_measure(distance, products)
    photographed = max((len(own) for _, own, _ in features.values()), default=1)
    whole = {row: np.arange(len(own)) for row, own in counts.items()}
    gains: dict[str, dict] = {}
    for name, measure in measures.items():
        found = measure(whole, np.arange(photographed))
        again = [
            measure(
                {row: rng.integers(len(own), size=len(own)) for row, own in counts.items()},
                rng.integers(photographed, size=photographed),
            )
            for _ in range(RESAMPLED)
        ]
        for row, value in found.items():
            rows[row]["distances"][name] = value
        gains[name] = {
            against: {
                "value": found[against] - found["both"],
                "interval": percentile_interval([one[against] - one["both"] for one in again]),
            }
            for against in found
            if against != "both"
        }
    return {"rows": rows, "gains": gains}


def _number_measure(counts: Mapping[str, np.ndarray], truth: np.ndarray) -> Measure:
    shares = count_shares(truth)

    def measure(chosen: Chosen, _: np.ndarray) -> dict[str, float]:
        return {
            row: total_variation(count_shares(own[chosen[row]]), shares)
            for row, own in counts.items()
        }

    return measure


def _feature_measure(
    distance: Callable[[InnerProducts], float], products: Mapping[str, InnerProducts]
) -> Measure:
    def measure(chosen: Chosen, real: np.ndarray) -> dict[str, float]:
        return {row: distance(own.chosen(chosen[row], real)) for row, own in products.items()}

    return measure


def vehicles_in(frame: Frame, classes: Sequence[str], least_height: float) -> int:
    """How many things of some classes show whose boxes are high enough."""
    height = frame.size[1]
    found = 0
    for label in frame.labels:
        if label.class_name in classes and label.visible_box and label.amodal_box:
            top, bottom = max(label.amodal_box[1], 0.0), min(label.amodal_box[3], height)
            found += bottom - top >= least_height * height
    return found


def _shown(
    experiment: RealStructure, services: Services, state: State, scenes: list
) -> tuple[np.ndarray, Tensor]:
    """Vehicles in each scene's picture, and the pictures."""
    renderer = services.renderer(state.camera_model)
    sample = evaluation.sample(renderer, services.render_settings, scenes)
    numbers = [
        vehicles_in(frame, experiment.vehicles, experiment.least_height) for frame in sample.frames
    ]
    return np.array(numbers, dtype=np.int64), sample.images()


def _photographs(services: Services, unseen: Path | None) -> Tensor:
    """[N, 3, H, W] in [0, 1]: what the rows are compared with."""
    images = services.target.unseen
    if unseen is not None:
        sizes = services.settings.rendering
        images = TargetImages.read(unseen, sizes.width, sizes.height, MOST_UNSEEN).images
    return images[:MOST_UNSEEN].float() / 255


def _defaults(
    experiment: RealStructure,
    seed: int,
    weights: Path | None,
    matched: Path | None,
    unseen: Path | None,
) -> dict[str, object]:
    """Settings of the training. Where other photographs are compared with, the target's serve
    learning, but for the few that the run's own report looks at."""
    defaults: dict[str, Any] = {**experiment.settings, "seed": seed, "phases": list(PHASES)}
    if weights is not None:
        defaults["structure"] = {**defaults["structure"], "network": str(weights)}
    if matched is not None:
        defaults["features"] = {**defaults["features"], "network": str(matched)}
    if unseen is not None:
        defaults["evaluation"] = {**defaults["evaluation"], "unseen": LEAST_UNSEEN}
    return defaults


def _trained(
    path: Path,
    defaults: Mapping[str, object],
    grammar: Path,
    target: Path,
    renderer: DifferenceRenderer,
    overrides: Sequence[str],
    command: Sequence[str],
) -> tuple[Services, State]:
    """A run, trained to the end from wherever an earlier call was interrupted."""
    if RunFolder.exists(path):
        folder, config = _begun(path, defaults, grammar, target, overrides)
        images = read_target(config)
    else:
        config, images = plan_run(
            path,
            grammar=grammar,
            target=target,
            validation=None,
            overrides=overrides,
            defaults=defaults,
            command=command,
        )
        folder = RunFolder.create(path, config.to_dict())
    services = Services(
        folder, config.grammar, config.settings, images, renderer, tuple(command), quiet=True
    )
    return services, train(services)


def _begun(
    path: Path,
    defaults: Mapping[str, object],
    grammar: Path,
    target: Path,
    overrides: Sequence[str],
) -> tuple[RunFolder, RunConfig]:
    """A run that an earlier call began, with the same settings."""
    if RunFolder.exists(path):
        folder, config = open_run(path)
        again, _ = plan_run(
            path.with_name(f"{path.name} again"),
            grammar=grammar,
            target=target,
            validation=None,
            overrides=overrides,
            defaults=defaults,
        )
        if (config.settings, config.grammar, config.target) == (
            again.settings,
            again.grammar,
            again.target,
        ):
            return folder, config
    raise ExperimentError(
        f"{path.parent} was begun with other settings, another grammar or another target; choose "
        "another folder with --run, or remove it."
    )

"""Structure learned from photographs: is the learned number of cars nearer to the real one?

A generator learns attributes from photographs, and then the structure too; what it was in between
is what attributes alone bring. The table of the photographs' boxes is looked at only afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from blender_addon.contract.frames import Frame
from metasim_backend.datasets.box_table import counts_in_table
from metasim_backend.datasets.readers.pictures import list_pictures
from metasim_backend.datasets.targets import TargetImages
from metasim_backend.experiments.experiment import (
    Experiment,
    Measurement,
    Options,
    Tell,
)
from metasim_backend.experiments.record import direction
from metasim_backend.experiments.row_distances import RowFeatures, compared
from metasim_backend.experiments.seed_result import (
    SeedResult,
    begun_otherwise,
    open_or_begin,
    trained,
)
from metasim_backend.features.extractor import build_features
from metasim_backend.features.picture_distances import distance_features, distance_names
from metasim_backend.grammar import load_grammar
from metasim_backend.run_files.run_folder import RunFolder
from metasim_backend.shipped_files.folders import SCENES
from metasim_backend.statistics.histograms import count_shares, total_variation
from metasim_backend.training import evaluation
from metasim_backend.training.run_config import RunConfig, load_generator, plan_run
from metasim_backend.training.seeds import derive_seed
from metasim_backend.training.services import Services
from metasim_backend.training.state import State
from metasim_backend.worlds.registry import open_renderer

PHASES = ("pretrain", "match", "structure")
MOST_UNSEEN, LEAST_UNSEEN = 200, 0.1
DRAWN = 2000  # samples of real frames
NUMBER = "mean number of vehicles"
OVER = ("prior", "attributes")


@dataclass(frozen=True, kw_only=True)
class PhotographExperiment(Experiment):
    """Rows are the prior, attributes learned, and attributes and structure learned.

    Attributes:
        grammar: file below ``scenes/``.
        vehicles: classes that the table calls by :attr:`counted`.
        counted: classes of the table that are counted together.
        least_height: of a counted box, as a share of the picture's height (KITTI's evaluation
            begins at 25 of 375 pixels).
        scenes: rendered of each generator for the comparison.
        settings: of the training.
    """

    grammar: str
    settings: Mapping[str, Mapping[str, object]]
    vehicles: tuple[str, ...] = ("car", "van", "truck", "bus")
    counted: tuple[str, ...] = ("Car",)
    least_height: float = 25 / 375
    scenes: int = 300

    def depends_on(self, options: Options) -> dict[str, Any]:
        names = ("grammar", "vehicles", "counted", "least_height", "scenes", "settings")
        truth = self._truth(options)

        def name_of(path: Path | None) -> str | None:
            return None if path is None else path.name

        return {
            "grammar": load_grammar(SCENES / self.grammar).to_dict(),
            "settings": {name: getattr(self, name) for name in names},
            "overrides": list(options.overrides),
            "features": name_of(options.features),
            "matched": name_of(options.match_features),
            "unseen": name_of(options.unseen),
            "truth": None if truth is None else truth.tolist(),
        }

    def measure(self, seed: int, folder: Path, options: Options, tell: Tell) -> dict[str, Any]:
        """``rows`` and ``gains`` of :func:`compared`; ``seconds`` by phase; how many photographs
        were ``seen`` and ``unseen``."""
        kept, path = SeedResult(folder / "result.json"), folder / "run"
        if "rows" in kept.content and not RunFolder.exists(path):
            raise begun_otherwise(path)
        if options.unseen is not None:
            list_pictures(options.unseen, "folder of unseen photographs")  # now, not after hours
        config, images = self._plan(seed, folder, options)
        run = open_or_begin(path, config)
        if "rows" in kept.content:
            return kept.content
        seeds = [derive_seed(seed, "real-structure", i) for i in range(self.scenes)]
        extractors = [] if options.features is None else [build_features(options.features)]
        counts: dict[str, np.ndarray] = {}
        pictures: dict[str, Tensor] = {}
        with closing(open_renderer(config.grammar.domain)) as renderer:
            tell(f"seed {seed}: learning")
            services, state = trained(run, config, images, renderer)
            matching = load_generator(run, config, after="match")
            for row, scenes in (
                ("prior", state.scenes.prior(seeds)),
                ("attributes", matching.learned(seeds)),
                ("both", state.scenes.learned(seeds)),
            ):
                tell(f"seed {seed}: rendering {row}")
                counts[row], pictures[row] = self._shown(services, state, scenes)
        photographs = _photographs(services, options.unseen)
        for extractor in extractors:
            extractor.fit_scale(torch.cat([photographs, pictures["prior"][: len(photographs)]]))
        features = {
            extractor.name: RowFeatures(
                distance_names(extractor),
                distance_features(extractor, photographs),
                {row: distance_features(extractor, made) for row, made in pictures.items()},
            )
            for extractor in (*extractors, state.matcher.features)
        }
        rng = np.random.default_rng(derive_seed(seed, "real-structure-intervals"))
        kept.content |= compared(counts, self._truth(options), features, "both", rng)
        kept.content["seconds"] = {p: round(took, 1) for p, took in state.seconds.items()}
        kept.content["seen"] = len(images.matched)
        kept.put("unseen", len(photographs))
        return kept.content

    def measurement(self, content: Mapping[str, Any]) -> Measurement:
        rows = content["rows"]
        shares = {
            row: {str(number): share for number, share in enumerate(rows[row]["histogram"])}
            for row in self.rows
        }
        return Measurement(
            rows={row: {NUMBER: rows[row]["mean"], **rows[row]["distances"]} for row in self.rows},
            seconds=content["seconds"],
            histograms={"number of vehicles": shares},
        )

    def runs(self, folder: Path) -> dict[str, Path]:
        return {"": folder / "run"}

    def more(
        self, contents: Sequence[Mapping[str, Any]], record: dict[str, Any], options: Options
    ) -> dict[str, Any]:
        """``photographs`` and ``truth`` (how many frames, and what they show), and ``gains`` of
        each seed, with intervals over its pictures."""
        seen, truth = contents[0]["seen"], self._truth(options)
        more: dict[str, Any] = {
            "photographs": {"learned from": seen, "unseen": contents[0]["unseen"]},
            "gains": {
                name: [content["gains"][name] for content in contents]
                for name in contents[0]["gains"]
            },
            "notes": [],
        }
        if truth is not None:
            few = sampling_distance(truth, seen)
            more["truth"] = {
                "frames": len(truth),
                "mean": float(truth.mean()),
                "histogram": count_shares(truth).tolist(),
                "total variation of as few": few,
            }
            more["notes"] += [
                f"{len(truth)} real frames show {truth.mean():.4g} vehicles in the mean",
                f"{seen} of them, as many as were learned from, are {few:.4g} from all by chance",
            ]
        for name, gains in more["gains"].items():
            for seed, gain in zip(record["seeds"], gains, strict=True):
                told = " and ".join(
                    f"{gain[row]['value']:+.4f} [{gain[row]['interval'][0]:+.4f}, "
                    f"{gain[row]['interval'][1]:+.4f}] than {row}"
                    for row in gain
                )
                more["notes"].append(f"{_short(name)}, seed {seed}: lower by {told}")
        return more

    def highlights(self, record: Mapping[str, Any]) -> str:
        words = ("not clearly nearer or further", "nearer", "further")
        changes = [
            f"{_short(name)} {words[direction(gains[name])]} than {row}"
            for row, gains in zip(OVER, record["differences"].values(), strict=True)
            for name in gains
            if name != NUMBER
        ]
        return "; ".join(changes)

    def _truth(self, options: Options) -> np.ndarray | None:
        """[frames] how many vehicles real frames show; None where no table is given."""
        if options.boxes is None:
            return None
        return counts_in_table(options.boxes, self.counted, self.least_height)

    def _plan(self, seed: int, folder: Path, options: Options) -> tuple[RunConfig, Any]:
        """A seed's training and its photographs, whether it was begun or not.

        Where other photographs are compared with, the target's serve learning, but for the few
        that the run's own report looks at.
        """
        defaults: dict[str, Any] = {**self.settings, "seed": seed, "phases": list(PHASES)}
        # What it was measured with: the settings are those of the gradient.
        defaults["match"] = {"estimator": "gradient", **defaults.get("match", {})}
        for group, name, path, value in (
            ("structure", "network", options.features, str(options.features)),
            ("features", "network", options.match_features, str(options.match_features)),
            ("evaluation", "unseen", options.unseen, LEAST_UNSEEN),
        ):
            if path is not None:
                defaults[group] = {**defaults[group], name: value}
        begun = RunFolder.exists(folder / "run")
        return plan_run(
            folder / ("run again" if begun else "run"),
            grammar=SCENES / self.grammar,
            target=options.target,
            validation=None,
            overrides=options.overrides,
            defaults=defaults,
            command=options.command,
        )

    def _shown(
        self, services: Services, state: State, scenes: list[Any]
    ) -> tuple[np.ndarray, Tensor]:
        """Vehicles in each scene's picture, and the pictures."""
        renderer = services.renderer(state.camera_model)
        sample = evaluation.sample(renderer, services.render_settings, scenes)
        numbers = [vehicles_in(frame, self.vehicles, self.least_height) for frame in sample.frames]
        return np.array(numbers, dtype=np.int64), sample.images()


def vehicles_in(frame: Frame, classes: Sequence[str], least_height: float) -> int:
    """How many things of some classes show whose boxes are high enough."""
    height = frame.size[1]
    number = 0
    for label in frame.labels:
        if label.class_name in classes and label.visible_box and label.amodal_box:
            top, bottom = max(label.amodal_box[1], 0.0), min(label.amodal_box[3], height)
            number += bottom - top >= least_height * height
    return number


def sampling_distance(truth: np.ndarray, count: int) -> float:
    """Total variation, in the mean over samples, of that many real frames to all of them: what
    somebody who could read every photograph without error, and knew nothing else, would come to."""
    rng = np.random.default_rng(0)
    samples = (rng.choice(truth, count, replace=False) for _ in range(DRAWN))
    shares = count_shares(truth)
    return float(np.mean([total_variation(count_shares(sample), shares) for sample in samples]))


def _short(name: str) -> str:
    """A distance's name without the weights of its network."""
    return name.partition(" with ")[0]


def _photographs(services: Services, unseen: Path | None) -> Tensor:
    """[N, 3, H, W] in [0, 1]: what the rows are compared with."""
    images = services.target.unseen
    if unseen is not None:
        sizes = services.settings.rendering
        images = TargetImages.read(unseen, sizes.width, sizes.height, MOST_UNSEEN).images
    return images[:MOST_UNSEEN].float() / 255


EXPERIMENTS = (
    PhotographExperiment(
        name="driving-structure-real",
        title="Driving: structure learned from photographs",
        about="Does learning the structure from photographs bring their number of vehicles nearer?",
        metric="vehicles in a picture, distances to photographs",
        rows={
            "prior": "prior (the grammar alone)",
            "attributes": "attributes learned",
            "both": "attributes and structure learned",
        },
        differences=tuple((row, "both") for row in OVER),
        takes=("target", "unseen", "boxes", "features", "match_features"),
        needs=("target",),
        digits=4,
        grammar="driving_photographs.yaml",
        settings={
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
        },
    ),
)

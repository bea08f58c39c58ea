"""A run, its checkpoints and a detector, mutated as bytes, as text and as tensors."""

from __future__ import annotations

import io
import json
import random
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from hostile_files import Kind, put
from hostile_messages import flipped, mutated, text_of
from hostile_pictures import odd_png
from hostile_text import odd_bytes, odd_json


def odd_tensors(value: Any, source: random.Random) -> Any:
    """A state with one of its parts of another shape, kind, or gone."""
    if isinstance(value, dict) and value and source.random() < 0.9:
        changed = dict(value)
        key = source.choice(sorted(changed, key=str))
        if source.random() < 0.2:
            del changed[key]
        else:
            changed[key] = odd_tensors(changed[key], source)
        return changed
    if isinstance(value, list) and value and source.random() < 0.8:
        changed_list = list(value)
        at = source.randrange(len(changed_list))
        changed_list[at] = odd_tensors(changed_list[at], source)
        return changed_list
    if isinstance(value, torch.Tensor):
        return source.choice(
            (
                value.flatten(),
                value[..., None],
                value.double(),
                value.to(torch.int8),
                torch.full_like(value.float(), float("nan")),
                torch.zeros(0),
                None,
                "weights",
            )
        )
    return source.choice((None, "x", -1, 10**400, float("nan"), {}, [], {"x": 1}, True))


class Damaged:
    """A finished run, and other files of tensors, of which one at a time is damaged.

    Args:
        run: its folder.
        made: what a detector's file holds.
    """

    def __init__(self, run: Path, made: Mapping[str, Any]) -> None:
        self.run = run
        self.files = {
            path.name: torch.load(path, weights_only=True)
            for path in (run / "checkpoints").glob("*.pt")
        }
        self.detector = made

    def _tensors(self, content: Any, source: random.Random) -> bytes:
        if source.random() < 0.7:
            for _ in range(source.choice((1, 1, 3))):
                content = odd_tensors(content, source)
        buffer = io.BytesIO()
        torch.save(content, buffer)
        data = buffer.getvalue()
        return flipped(data, source) if source.random() < 0.5 else data

    def mutate_checkpoint(self, folder: Path, source: random.Random) -> None:
        shutil.copytree(self.run, folder / "run")
        name = source.choice(sorted(self.files))
        put(folder, f"run/checkpoints/{name}", self._tensors(self.files[name], source))

    def read_checkpoint(self, folder: Path) -> None:
        """All that is read of a run's checkpoints, up to where it would go on."""
        from metasim_backend.features.extractor import build_features
        from metasim_backend.training.checkpoint import restore_state
        from metasim_backend.training.dataset_generation import draw
        from metasim_backend.training.plan import make_plan
        from metasim_backend.training.run_config import load_camera, load_generator, open_run
        from metasim_backend.training.services import Services
        from metasim_backend.training.state import new_state
        from metasim_backend.training.target import Target
        from metasim_backend.worlds.registry import open_renderer

        opened, config = open_run(folder / "run")
        load_camera(opened, config)
        scenes = load_generator(opened, config)
        draw(scenes, [1])
        empty = torch.zeros(0, 3, 64, 64, dtype=torch.uint8)
        renderer = open_renderer(config.grammar.domain)
        services = Services(opened, config.grammar, config.settings, Target(empty, empty), renderer)
        plan = make_plan(config.settings)
        restore_state(new_state(services, [s.name for s in plan if s.has_steps]), services)
        renderer.close()
        kept = opened.load_checkpoint("features")
        features = build_features(str(folder / "run/checkpoints/prior_network.pt"))
        with opened.used("features"):
            features.load_state_dict(kept["state"])

    def mutate_run(self, folder: Path, source: random.Random) -> None:
        """Text files of a run."""
        shutil.copytree(self.run, folder / "run", ignore=shutil.ignore_patterns("tensorboard"))
        path = source.choice(
            sorted(
                one
                for one in (folder / "run").rglob("*")
                if one.suffix in (".json", ".jsonl", ".yaml", ".png")
            )
        )
        data = path.read_bytes()
        if path.suffix == ".png":
            path.write_bytes(odd_png(data, source))
        elif path.suffix == ".json":
            path.write_bytes(odd_json(json.loads(data), source))
        elif path.suffix == ".yaml" and source.random() < 0.5:
            content = mutated(mutated(yaml.safe_load(data), source), source)
            path.write_text(yaml.safe_dump(json.loads(text_of(content))), errors="replace")
        else:
            path.write_bytes(odd_bytes(data.decode(), source))

    def read_run(self, folder: Path) -> None:
        from metasim_backend.reporting.report import write_report
        from metasim_backend.run_files.metrics import Metrics
        from metasim_backend.serving.run_state import describe_run
        from metasim_backend.training.run_config import load_generator, open_run

        opened, config = open_run(folder / "run")
        load_generator(opened, config)
        Metrics(opened.metrics).keep_until({"pretrain": 1, "match": 1})
        describe_run({"run": str(folder / "run")})
        write_report(folder / "run")

    def mutate_detector(self, folder: Path, source: random.Random) -> None:
        put(folder, "d.pt", self._tensors(self.detector, source))

    def read_detector(self, folder: Path) -> None:
        from metasim_backend.training.detector_file import load_detector

        trained = load_detector(folder / "d.pt")
        trained.detector.predict([np.zeros((32, 48, 3), np.uint8)])

    def kinds(self) -> dict[str, Kind]:
        """The kinds of file that a run leaves, by name."""
        return {
            "checkpoint": Kind(self.mutate_checkpoint, self.read_checkpoint),
            "run": Kind(self.mutate_run, self.read_run),
            "detector": Kind(self.mutate_detector, self.read_detector),
        }

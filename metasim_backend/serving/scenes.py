"""Requests about grammars and scenes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from blender_addon.contract import scene_graph
from blender_addon.contract.scene_graph import SceneGraph
from blender_addon.contract.street_classes import STREETS
from metasim_backend.grammar import Grammar, check_scene, load_grammar, sample_scene
from metasim_backend.grammar.separation import separated
from metasim_backend.serving.users_paths import RequestError, existing_file, existing_run
from metasim_backend.shipped_files.folders import SCENES
from metasim_backend.shipped_files.grammars import shipped_grammars, title

if TYPE_CHECKING:
    from metasim_backend.training.scene_generator import SceneGenerator

MOST_KEPT = 32
"""Grammars; the one that was read first goes first."""
_MAX_SEED = 2**53


class Scenes:
    """Reads grammars and generators, and keeps those it has read while their files stay as they
    are. For one thread."""

    def __init__(self) -> None:
        self._grammars: dict[Path, tuple[object, Grammar]] = {}
        self._generator: tuple[tuple[Path, int], SceneGenerator] | None = None

    def grammars(self, body: Mapping[str, object]) -> dict:
        """The shipped grammars. Hidden truths of experiments are no worlds to begin with."""
        found = []
        for name, path in shipped_grammars().items():
            if name.endswith("_target"):
                continue
            domain = self.read(path).domain
            found.append({"name": name, "path": str(path), "domain": domain, "title": title(path)})
        if not found:
            raise RequestError(
                f"There are no shipped grammars in {SCENES}; choose a grammar file of your own."
            )
        found.sort(key=lambda item: item["domain"] != STREETS)
        return {"grammars": found}

    def grammar(self, body: Mapping[str, object]) -> dict:
        grammar = self.read(existing_file(body["path"], "grammar file"))
        return {"grammar": grammar.to_dict(), "domain": grammar.domain}

    def sample(self, body: Mapping[str, object]) -> dict:
        seed = _seed(body["seed"])
        if (body["run"] is None) == (body["grammar"] is None):
            raise RequestError("A scene is drawn from a run or from a grammar; choose one of them.")
        if body["run"] is not None:
            generator = self._generator_of(existing_run(body["run"]))
            scene = generator.proposed([seed], alone=True)[0]
        else:
            grammar = self.read(existing_file(body["grammar"], "grammar file"))
            scene = sample_scene(grammar, seed)
        return {"scene": scene_graph.to_dict(scene)}

    def transform(self, body: Mapping[str, object]) -> dict:
        scene = scene_graph.from_dict(body["scene"])
        generator = self._generator_of(existing_run(body["run"]))
        check_scene(generator.grammar, scene)
        drawn = scene if body["seed"] is None else replace(scene, seed=_seed(body["seed"]))
        moved: SceneGraph = generator.transform(drawn)
        if body["separate"]:
            moved = separated(generator.grammar, drawn, moved)
        return {"scene": scene_graph.to_dict(replace(moved, seed=scene.seed))}

    def read(self, path: Path) -> Grammar:
        """A grammar file, read again when any grammar beside it has changed (``extends``)."""
        stamp = [(p.name, p.stat().st_mtime_ns) for p in sorted(path.parent.glob("*.y*ml"))]
        known = self._grammars.get(path)
        if known is None or known[0] != stamp:
            self._grammars.pop(path, None)
            known = self._grammars[path] = stamp, load_grammar(path)
            if len(self._grammars) > MOST_KEPT:
                del self._grammars[next(iter(self._grammars))]
        return known[1]

    def _generator_of(self, run: Path) -> SceneGenerator:
        from metasim_backend.training.run_config import load_generator, open_run

        checkpoint = run / "checkpoints" / "last.pt"
        if not checkpoint.is_file():
            raise RequestError(f"{run} has learned nothing yet; train it first.")
        key = run, checkpoint.stat().st_mtime_ns
        if self._generator is None or self._generator[0] != key:
            self._generator = key, load_generator(*open_run(run))
        return self._generator[1]


def _seed(value: object) -> int:
    assert isinstance(value, int)
    if not 0 <= value < _MAX_SEED:
        raise RequestError(f"The seed {value} is not from 0 to 2^53 - 1; choose another.")
    return value

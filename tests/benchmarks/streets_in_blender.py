"""Times one street after the other in one process of Blender, and saves one for BlenderProc.

Reads a JSON request on standard input, writes one JSON answer to the file named by the argument.
A program of its own, since bpy and torch crash in one process; it needs only bpy and numpy.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from blender_addon.few_cores import few_cores  # noqa: E402

with few_cores(1):  # as a worker does, so that processor time holds no idle thread's
    import bpy  # noqa: E402
import numpy as np  # noqa: E402

from blender_addon.capture import picture  # noqa: E402
from blender_addon.contract.frames import RenderSettings  # noqa: E402
from blender_addon.contract.scene_graph import SceneGraph, from_dict  # noqa: E402
from blender_addon.world.stage import Stage  # noqa: E402


def main() -> None:
    request = json.load(sys.stdin)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Blender writes lines there at every render
    bpy.ops.wm.read_factory_settings(use_empty=True)
    stage = Stage()
    answer: dict = {"blender": bpy.app.version_string}
    if "save" in request:
        answer["view"] = saved(stage, **request["save"])
    if "changes" in request:
        settings = RenderSettings.from_dict(request["settings"])
        answer["changes"] = [
            changes(stage, settings, _scenes(own["warm"]), _scenes(own["timed"]))
            for own in request["changes"]
        ]
    if "labelled" in request:
        answer["labelled"] = [labelled(stage, **own) for own in request["labelled"]]
    Path(sys.argv[1]).write_text(json.dumps(answer))


def _scenes(found: Sequence[dict]) -> list[SceneGraph]:
    return [from_dict(scene) for scene in found]


def changes(
    stage: Stage, settings: RenderSettings, warm: list[SceneGraph], timed: list[SceneGraph]
) -> dict[str, list[float]]:
    """Milliseconds of processor time: showing and rendering each scene after the one before it,
    and rendering it once more as it stands.

    Args:
        warm: what is shown and rendered first, untimed.
    """

    def change(scene: SceneGraph) -> None:
        stage.show(scene)
        picture.prepare(stage, settings, threads=1)
        picture.render_window(stage, settings, None)

    found: dict[str, list[float]] = {"changed": [], "bare": []}
    for scene in warm:
        change(scene)
    for scene in timed:
        found["changed"].append(_timed(lambda: change(scene)))  # noqa: B023
        found["bare"].append(_timed(lambda: picture.render_window(stage, settings, None)))
    return found


def labelled(
    stage: Stage, scenes: list[dict], settings: dict, many: dict, turns: int, pictures: str | None
) -> dict[str, list[float]]:
    """Milliseconds of processor time of each street's labelled frame, where another stood before.

    The process has seen each street once.

    Args:
        settings, many: render settings as dicts, with few and with many samples.
        turns: how often each street is timed.
        pictures: files for the pictures with few and many samples, up to the street's number.
    """
    few = RenderSettings.from_dict(settings)
    graphs = _scenes(scenes)

    def frame(scene: SceneGraph) -> np.ndarray:
        stage.show(scene)
        return picture.render(stage, few, threads=1).image

    times: list[list[float]] = [[] for _ in graphs]
    for turn in range(turns + 1):
        for number, scene in enumerate(graphs):
            begun = time.process_time()
            image = frame(scene)
            if turn:
                times[number].append(1e3 * (time.process_time() - begun))
            elif pictures:
                reference = picture.render(stage, RenderSettings.from_dict(many), threads=1).image
                np.save(f"{pictures}{number}.npy", np.stack([image, reference]))
    return {"ms": [float(np.median(own)) for own in times]}


def saved(stage: Stage, scene: dict, path: str, settings: dict) -> dict:
    """Save a street as it is set up for these settings, traced light's; what its camera sees."""
    stage.show(from_dict(scene))
    traced = RenderSettings.from_dict(settings)
    frame = picture.render(stage, traced, threads=1)
    np.save(Path(path).with_suffix(".npy"), frame.image)
    bpy.ops.wm.save_as_mainfile(filepath=path, copy=True)
    return {"pose": frame.pose.tolist()}


def _timed(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return 1e3 * (time.process_time() - begun)


if __name__ == "__main__":
    main()
    os._exit(0)  # bpy's own end can hang

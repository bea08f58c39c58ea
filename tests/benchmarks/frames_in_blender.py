"""Times labelled frames of one street in which things move, in one process of Blender.

Reads a JSON request on standard input, writes one JSON answer to the file named by the argument.
A program of its own, since bpy and torch crash in one process; it needs only bpy and numpy.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
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

KINDS = ("objects", "meshes", "materials", "images", "lights", "cameras", "collections")


def main() -> None:
    request = json.load(sys.stdin)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Blender writes lines there at every render
    bpy.ops.wm.read_factory_settings(use_empty=True)
    stage = Stage()
    answer: dict = {"blender": bpy.app.version_string}
    scenes = [from_dict(scene) for scene in request["scenes"]]
    if "moved" in request:
        answer["moved"] = [
            moved(stage, scenes[0], RenderSettings(**settings), request["moved"])
            for settings in request["settings"]
        ]
    if "blend" in request:
        stage.show(scenes[0])
        bpy.ops.wm.save_as_mainfile(filepath=request["blend"], copy=True)
        answer["view"] = {
            "pose": stage.camera_pose().tolist(),
            "objects": len(stage.objects()),
        }
    if "loop" in request:
        answer["loop"] = loop(stage, scenes, RenderSettings(**request["settings"][0]),
                              request["loop"])  # fmt: skip
    if "many" in request:
        answer["many"] = many(stage, scenes, RenderSettings(**request["settings"][0]),
                              request["many"])  # fmt: skip
    Path(sys.argv[1]).write_text(json.dumps(answer))


def moved(stage: Stage, scene: SceneGraph, settings: RenderSettings, repeats: int) -> dict:
    """Median milliseconds of processor time: the bare render call, and labelled frames of scenes
    that differ by moved cars."""
    cars = [node.id for node in scene.of_class("car")]
    rng = np.random.default_rng(0)

    def next_scene() -> SceneGraph:
        changes = {
            name: {"along": float(scene.node(name).attributes["along"] + rng.uniform(-0.3, 0.3))}
            for name in cars
        }
        return scene.with_attributes(changes)

    stage.show(scene)
    found: dict[str, list[float]] = {"bare": [], "moved": [], "labelled": []}
    for turn in range(repeats + 2):
        picture.prepare(stage, settings, threads=1)
        bare = _timed(lambda: picture.render_window(stage, settings, None))
        changed = next_scene()

        def update() -> None:
            stage.show(changed)  # noqa: B023
            picture.render_window(stage, settings, None)

        update_and_render = _timed(update)
        picture.render(stage, settings, threads=1)
        again = next_scene()

        def labelled() -> None:
            stage.show(again)  # noqa: B023
            picture.render(stage, settings, threads=1)

        with_labels = _timed(labelled)
        if turn >= 2:
            found["bare"].append(bare)
            found["moved"].append(update_and_render)
            found["labelled"].append(with_labels)
    return {name: float(np.median(values)) for name, values in found.items()} | {"cars": len(cars)}


def loop(stage: Stage, scenes: list[SceneGraph], settings: RenderSettings, count: int) -> float:
    """Wall seconds a labelled frame in a plain loop, once everything is warm."""
    for i in range(8):
        stage.show(scenes[i % len(scenes)])
        picture.render(stage, settings, threads=1)
    begun = time.monotonic()
    for i in range(count):
        stage.show(scenes[i % len(scenes)])
        picture.render(stage, settings, threads=1)
    return (time.monotonic() - begun) / count


def many(stage: Stage, scenes: list[SceneGraph], settings: RenderSettings, count: int) -> list:
    """Memory, data-blocks and time along many different scenes, ten times."""
    marks = []
    part = max(1, count // 10)
    begun = time.process_time()
    for i in range(count):
        stage.show(scenes[i % len(scenes)])
        picture.render(stage, settings, threads=1)
        if (i + 1) % part == 0:
            marks.append(
                {
                    "scenes": i + 1,
                    "megabytes": _resident(),
                    "data_blocks": sum(len(getattr(bpy.data, kind)) for kind in KINDS),
                    "ms_a_frame": 1e3 * (time.process_time() - begun) / part,
                }
            )
            begun = time.process_time()
    return marks


def _timed(work) -> float:
    begun = time.process_time()
    work()
    return 1e3 * (time.process_time() - begun)


def _resident() -> float:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


if __name__ == "__main__":
    main()
    os._exit(0)  # bpy's own end can hang

"""Times one scene after the other in one process of Blender: the bare picture against labels.

Reads a JSON request on standard input, writes one JSON answer to the file named by the argument.
A program of its own, since bpy and torch crash in one process.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from blender_addon.few_cores import few_cores  # noqa: E402

with few_cores(1):  # as a worker does, so that processor time holds no idle thread's
    import bpy  # noqa: E402
import numpy as np  # noqa: E402

from blender_addon.capture import picture  # noqa: E402
from blender_addon.contract.frames import RenderSettings  # noqa: E402
from blender_addon.contract.scene_graph import from_dict  # noqa: E402
from blender_addon.world.stage import Stage  # noqa: E402


def main() -> None:
    request = json.load(sys.stdin)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Blender writes lines there at every render
    bpy.ops.wm.read_factory_settings(use_empty=True)
    stage = Stage()
    answer = [
        [measure(stage, scene, RenderSettings(**settings), request["repeats"])
         for scene in request["scenes"]]
        for settings in request["settings"]
    ]  # fmt: skip
    Path(sys.argv[1]).write_text(json.dumps({"blender": bpy.app.version_string, "sizes": answer}))


def measure(stage: Stage, scene: dict, settings: RenderSettings, repeats: int) -> dict:
    """Least milliseconds of processor time of one picture, bare and with labels.

    The least of many: other programs on the machine can only add to it. The two take turns in
    short series, so that switching Blender's passes on and off is paid by neither.
    """
    stage.show(from_dict(scene))

    def bare() -> None:
        picture.prepare(stage, settings, threads=1)
        picture.to_uint8(picture.render_window(stage, settings, None))

    def labelled() -> None:
        picture.render(stage, settings, threads=1)

    times: dict[Callable[[], None], list[float]] = {bare: [], labelled: []}
    for _ in range(repeats):
        for render in (bare, labelled):
            render()
            for _ in range(4):
                begun = time.process_time()
                render()
                times[render].append(1e3 * (time.process_time() - begun))
    objects = [item for item in stage.objects() if item.index]
    return {
        "labelled_objects": len(objects),
        "labelled_triangles": sum(len(item.triangles) for item in objects),
        "bare_ms": float(np.min(times[bare])),
        "labelled_ms": float(np.min(times[labelled])),
    }


if __name__ == "__main__":
    main()
    os._exit(0)  # bpy's own end can hang

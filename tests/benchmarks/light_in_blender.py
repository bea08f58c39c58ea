"""Renders streets in both kinds of light at several sample counts, and times the bare picture.

Reads a JSON request on standard input, writes one JSON answer to the file named by the argument
and the pictures of each street to a file in the folder that the request names.
A program of its own, since bpy and torch crash in one process; it needs only bpy and numpy.
"""

from __future__ import annotations

import json
import os
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
from blender_addon.contract.scene_graph import from_dict  # noqa: E402
from blender_addon.world.stage import Stage  # noqa: E402


def main() -> None:
    request = json.load(sys.stdin)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Blender writes lines there at every render
    bpy.ops.wm.read_factory_settings(use_empty=True)
    stage = Stage()
    shots = {
        light: [RenderSettings.from_dict(settings) for settings in own]
        for light, own in request["shots"].items()
    }
    times = []
    for number, scene in enumerate(request["scenes"]):
        stage.show(from_dict(scene))
        times.append(bare_times(stage, [own[0] for own in shots.values()], request["repeats"]))
        pictures = {}
        for light, own in shots.items():
            frames = [picture.render(stage, settings, threads=1) for settings in own]
            pictures[light] = np.stack([frame.image for frame in frames])
            pictures[f"{light} sky"] = np.isinf(frames[-1].depth)
        np.savez(Path(request["folder"]) / f"{number}.npz", **pictures)
    answer = {"blender": bpy.app.version_string, "bare_ms": times}
    Path(sys.argv[1]).write_text(json.dumps(answer))


def bare_times(stage: Stage, kinds: list[RenderSettings], repeats: int) -> list[float]:
    """Median milliseconds of processor time of one picture of the street now shown, by settings.

    They take turns, and each is rendered once before it is timed, so that none pays for the other.
    """
    times: list[list[float]] = [[] for _ in kinds]
    for _ in range(repeats):
        for own, settings in zip(times, kinds, strict=True):
            picture.prepare(stage, settings, threads=1)
            picture.render_window(stage, settings, None)
            begun = time.process_time()
            picture.render_window(stage, settings, None)
            own.append(1e3 * (time.process_time() - begun))
    return [float(np.median(own)) for own in times]


if __name__ == "__main__":
    main()
    os._exit(0)  # bpy's own end can hang

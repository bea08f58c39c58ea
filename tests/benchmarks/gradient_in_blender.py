"""Times scene-gradients in one process of Blender: local windows against full frames.

Reads a JSON request on standard input, writes one JSON answer to the file named by the argument.
A program of its own, since bpy and torch crash in one process.
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

from blender_addon.capture import differences as windows  # noqa: E402
from blender_addon.capture.differences import differences  # noqa: E402
from blender_addon.capture.picture import prepare, render_window  # noqa: E402
from blender_addon.contract.frames import AttributeStep, RenderSettings  # noqa: E402
from blender_addon.contract.scene_graph import from_dict  # noqa: E402
from blender_addon.world.stage import Stage  # noqa: E402


def main() -> None:
    request = json.load(sys.stdin)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Blender writes lines there at every render
    bpy.ops.wm.read_factory_settings(use_empty=True)
    stage = Stage()
    answer = {
        "blender": bpy.app.version_string,
        "settings": [
            [measure(stage, job, settings, request["repeats"]) for job in request["jobs"][:count]]
            for settings, count in request["settings"]
        ],
    }
    Path(sys.argv[1]).write_text(json.dumps(answer))


def measure(stage: Stage, job: dict, settings_dict: dict, repeats: int) -> dict:
    """Seconds (wall and processor) and gradients of one scene, both ways."""
    settings = RenderSettings(**settings_dict)
    scene = from_dict(job["scene"])
    steps = [AttributeStep(**step) for step in job["steps"]]
    widths = np.array(job["widths"])
    stage.show(scene)
    local = [n for n, s in enumerate(steps) if stage.affected_by(s.node, s.attribute) == "local"]
    rest = [n for n in range(len(steps)) if n not in local]

    def timed(numbers: list[int], full_frame: bool) -> tuple[np.ndarray, list]:
        wall, processor = time.perf_counter(), time.process_time()
        found = differences(stage, scene, [steps[n] for n in numbers], settings, full_frame, 1)
        return np.array([time.perf_counter() - wall, time.process_time() - processor]), found

    timed(local[:4], False)  # warm up: persistent data, materials
    areas: list[int] = []

    def counted(stage: Stage, settings: RenderSettings, window: windows.Window | None):
        x0, y0, x1, y1 = window or (0, 0, settings.width, settings.height)
        areas.append((x1 - x0) * (y1 - y0))
        return render_window(stage, settings, window)

    windows.render_window = counted
    ours = [timed(local, False)]
    windows.render_window = render_window
    call = least_call(stage, scene, [steps[n] for n in local], settings)
    full_local, full_found = timed(local, True)
    # Steps of the camera, the light and the road take the full frame either way: timed once.
    rest_time, rest_found = timed(rest, False)
    ours += [timed(local, False) for _ in range(repeats - 1)]
    window_local = np.median([seconds for seconds, _ in ours], axis=0)
    order = [*local, *rest]
    window, full = [*ours[0][1], *rest_found], [*full_found, *rest_found]
    return {
        "calls": len(areas),
        "pixels": sum(areas),
        "call_seconds": call,
        "steps": {"local": len(local), "all": len(order)},
        "full": {"local": list(full_local), "all": list(full_local + rest_time)},
        "window": {"local": list(window_local), "all": list(window_local + rest_time)},
        "gradients": {
            name: {
                "window": list(gradient(window, adjoint, widths[order])),
                "full": list(gradient(full, adjoint, widths[order])),
            }
            for name, adjoint in adjoints(settings.width, settings.height).items()
        },
    }


def least_call(stage: Stage, scene, steps: list[AttributeStep], settings: RenderSettings) -> float:
    """Seconds of processor time for a render of one pixel after a move: what a call costs, however
    little it renders."""
    prepare(stage, settings, threads=1)
    seconds = []
    for step in steps:
        stage.show(scene.with_attributes({step.node: {step.attribute: step.plus}}))
        started = time.process_time()
        render_window(stage, settings, (0, 0, 1, 1))
        seconds.append(time.process_time() - started)
    stage.show(scene)
    return float(np.median(seconds))


def adjoints(width: int, height: int) -> dict[str, np.ndarray]:
    """Derivatives of two imagined losses by the picture, H x W x 3."""
    rows, columns = np.mgrid[:height, :width] / height
    smooth = np.sin(4.1 * columns + 5 * rows) + 0.3 * np.cos(3 * columns)
    return {
        "smooth": smooth[..., None] * [1.0, 0.8, 0.6],
        "white noise": np.random.default_rng(0).normal(size=(height, width, 3)),
    }


def gradient(found: list, adjoint: np.ndarray, widths: np.ndarray) -> np.ndarray:
    products = []
    for difference in found:
        x0, y0, x1, y1 = difference.window
        products.append(np.vdot(adjoint[y0:y1, x0:x1], difference.values.astype(np.float64)))
    return np.array(products) / widths


if __name__ == "__main__":
    main()
    os._exit(0)  # bpy's own end can hang

"""Speed of the driving world: moved objects, labels, the socket, workers, long runs, BlenderProc.

Ratios of times taken in one run. BlenderProc takes part when ``BLENDERPROC`` names its checkout
and ``BLENDERPROC_PYTHON`` a Python with bpy 4.2 and what it needs; both then run on that bpy.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from test_scene_gradient import processor, rounded

from blender_addon.contract.frames import RenderSettings
from blender_addon.contract.scene_graph import SceneGraph, to_dict
from metasim_backend.grammar.reading import load_grammar
from metasim_backend.grammar.sampling import sample_scene
from metasim_backend.rendering.blender import BlenderRenderer
from metasim_backend.rendering.workers import WorkerSettings

ROOT = Path(__file__).resolve().parents[2]
RESULT = ROOT / "docs" / "results" / "world_speed.json"
SIZES = (RenderSettings(160, 96, 1, seed=9), RenderSettings(414, 125, 1, seed=9))
CARS = 8
REPEATS = 21
LONG = 2000
ROUNDS = 5

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.skipif(importlib.util.find_spec("bpy") is None, reason="bpy is not installed"),
]


@pytest.fixture(scope="module")
def result():
    """What the tests of this file found; written down in the end, beside what was there."""
    found: dict = {}
    yield found
    before = json.loads(RESULT.read_text()) if RESULT.is_file() else {}
    head = {
        "measures": "processor time in one process with one render thread where nothing else is "
        "said; medians; a street with 8 cars of scenes/driving.yaml",
        "command": "make benchmark",
        "machine": {
            "system": platform.system(),
            "architecture": platform.machine(),
            "processor": processor(),
            "cores": os.cpu_count(),
            "load_at_end": round(os.getloadavg()[0], 1),
        },
    }
    draft = RESULT.with_suffix(".json.tmp")
    draft.write_text(json.dumps({**before, **head, **found}, indent=2) + "\n")
    draft.replace(RESULT)


def prior_scenes(count: int) -> list[SceneGraph]:
    grammar = load_grammar(ROOT / "scenes" / "driving.yaml", assets=())
    return [sample_scene(grammar, seed) for seed in range(count)]


@pytest.fixture(scope="module")
def street() -> SceneGraph:
    return next(scene for scene in prior_scenes(200) if len(scene.of_class("car")) == CARS)


def in_blender(request: dict, folder: Path, python: str = sys.executable) -> dict:
    answer = folder / "answer.json"
    program = Path(__file__).with_name("frames_in_blender.py")
    subprocess.run(
        [python, str(program), str(answer)],
        input=json.dumps(request), text=True, check=True, cwd=ROOT, timeout=900,
    )  # fmt: skip
    return json.loads(answer.read_text())


def request_of(scenes: Sequence[SceneGraph], **more: object) -> dict:
    return {
        "scenes": [to_dict(scene) for scene in scenes],
        "settings": [settings.to_dict() for settings in SIZES],
        **more,
    }


def test_moving_the_cars_costs_little_more_than_rendering(street, result, tmp_path):
    answer = in_blender(request_of([street], moved=REPEATS), tmp_path)
    result["moved_cars"] = [
        {
            "size": f"{settings.width}x{settings.height}",
            "bare_render_ms": rounded(found["bare"]),
            "moved_and_rendered": rounded(found["moved"] / found["bare"]),
            "moved_and_labelled": rounded(found["labelled"] / found["bare"]),
        }
        for settings, found in zip(SIZES, answer["moved"], strict=True)
    ]
    print(result["moved_cars"])
    assert result["moved_cars"][0]["moved_and_rendered"] <= 1.3


def test_two_thousand_scenes_leave_memory_and_time_flat(result, tmp_path):
    scenes = prior_scenes(100)
    answer = in_blender(request_of(scenes, many=LONG), tmp_path)
    marks = answer["many"]
    # The first tenth meets each scene, and so each model, for the first time.
    first, last = marks[1], marks[-1]
    result["two_thousand_scenes"] = {
        "megabytes": [rounded(mark["megabytes"]) for mark in marks],
        "data_blocks": [mark["data_blocks"] for mark in marks],
        "ms_a_frame": [rounded(mark["ms_a_frame"]) for mark in marks],
        "memory_growth": rounded(last["megabytes"] / first["megabytes"] - 1),
    }
    print(result["two_thousand_scenes"])
    assert last["megabytes"] <= 1.03 * first["megabytes"]
    assert last["data_blocks"] == first["data_blocks"]
    times = [mark["ms_a_frame"] for mark in marks[1:]]
    assert np.mean(times[-3:]) <= 1.15 * np.mean(times[:3])


def seconds_a_frame(scenes: Sequence[SceneGraph], settings: RenderSettings, count: int) -> float:
    """Wall seconds a labelled frame through the socket, by workers of one thread each."""
    with BlenderRenderer(WorkerSettings(count=count, threads=1)) as renderer:
        renderer.render(scenes[: 4 * count], [settings] * 4 * count)  # warm
        begun = time.monotonic()
        renderer.render(scenes, [settings] * len(scenes))
        return (time.monotonic() - begun) / len(scenes)


def seconds_in_loops(scenes: Sequence[SceneGraph], count: int, folder: Path) -> float:
    """Wall seconds a labelled frame by plain loops in processes that know nothing of each other."""
    with ThreadPoolExecutor(count) as pool:
        folders = [folder / str(i) for i in range(count)]
        for own in folders:
            own.mkdir(parents=True)
        request = request_of(scenes, loop=len(scenes))
        answers = pool.map(lambda own: in_blender(request, own)["loop"], folders)
        return float(np.mean(list(answers))) / count


def test_two_workers_render_nearly_twice_as_fast_as_one(street, result, tmp_path):
    cars = [node.id for node in street.of_class("car")]
    rng = np.random.default_rng(0)
    scenes = [
        street.with_attributes({name: {"yaw": float(rng.normal(0, 5))} for name in cars})
        for _ in range(200)
    ]
    rounds = []
    for turn in range(3):  # in turn, since the machine's speed changes
        folder = tmp_path / str(turn)
        loops = [seconds_in_loops(scenes, count, folder / f"{count}") for count in (1, 2)]
        workers = [seconds_a_frame(scenes, SIZES[0], count) for count in (1, 2)]
        rounds.append((*loops, *workers))
    one_loop, two_loops, one, two = np.transpose(rounds)
    ratios = {
        "two_workers_against_one": one / two,
        # The same frames by one worker and by a loop: the rest is messages, socket and waiting.
        "through_the_socket_against_a_plain_loop": one / one_loop,
        # What the machine has to give: nothing passes between these, and nothing waits.
        "two_plain_loops_against_one": one_loop / two_loops,
        "two_workers_against_two_plain_loops": two_loops / two,
    }
    result.update({name: rounded(np.median(values)) for name, values in ratios.items()})
    print({name: value for name, value in result.items() if name.startswith(("two_", "through"))})
    # The goal is 1.6; this much holds on a busy machine.
    assert result["two_workers_against_one"] >= 1.3


def in_blenderproc(
    request: dict, ours: dict, blend: Path, folder: Path, checkout: str, python: str
) -> dict:
    asked = folder / "request.json"
    asked.write_text(
        json.dumps(
            {
                "blend": str(blend),
                "pose": ours["view"]["pose"],
                "settings": request["settings"],
                "repeats": REPEATS,
            }
        )
    )
    answer = folder / "theirs.json"
    subprocess.run(
        [python, str(Path(__file__).with_name("frames_in_blenderproc.py")),
         str(asked), str(answer)],
        env={**os.environ, "USE_EXTERNAL_BPY_MODULE": "1", "PYTHONPATH": checkout},
        check=True, timeout=600, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return json.loads(answer.read_text())


def test_labelled_frames_are_faster_than_blenderprocs(street, result, tmp_path):
    checkout, python = (os.environ.get(n) for n in ("BLENDERPROC", "BLENDERPROC_PYTHON"))
    if not checkout or not python:
        pytest.skip("name BlenderProc's checkout in BLENDERPROC, its Python in BLENDERPROC_PYTHON")
    blend = tmp_path / "street.blend"
    request = request_of([street], moved=REPEATS, blend=str(blend))
    rounds = []
    for _ in range(ROUNDS):  # in turn, since the machine's speed changes
        ours = in_blender(request, tmp_path, python)
        rounds.append((ours, in_blenderproc(request, ours, blend, tmp_path, checkout, python)))
    ratios = np.median(
        [
            [other["labelled"] / own["labelled"]
             for own, other in zip(ours["moved"], theirs["sizes"], strict=True)]
            for ours, theirs in rounds
        ],
        axis=0,
    )  # fmt: skip
    shares = np.median(
        [[own["bare"] / own["labelled"] for own in ours["moved"]] for ours, _ in rounds], axis=0
    )
    beside = {
        "ours": [[own["labelled"] - own["bare"] for own in ours["moved"]] for ours, _ in rounds],
        "theirs": [
            [other["labelled"] - own["bare"]
             for own, other in zip(ours["moved"], theirs["sizes"], strict=True)]
            for ours, theirs in rounds
        ],
    }  # fmt: skip
    result["blenderproc"] = {
        "blender": rounds[0][0]["blender"],
        "rounds": ROUNDS,
        "labelled_frames_a_second_against_theirs": {
            f"{s.width}x{s.height}": rounded(r) for s, r in zip(SIZES, ratios, strict=True)
        },
        "bare_render_share_of_our_frame": [rounded(share) for share in shares],
        # What the software itself takes: moving things, passes, files, labels.
        "ms_a_frame_beside_the_bare_render": {
            who: [rounded(value) for value in np.median(values, axis=0)]
            for who, values in beside.items()
        },
    }
    print(result["blenderproc"])
    assert ratios[0] >= 1.6 and ratios[1] >= 1.1  # the goals are 2 and 1.4

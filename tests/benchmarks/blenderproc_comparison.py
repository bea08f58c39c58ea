"""New streets by us and by BlenderProc at equal noise; see test_new_streets.py for what counts."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from noise_pictures import rmse, smooth
from street_programs import in_blender, in_blenderproc
from test_scene_gradient import rounded

from blender_addon.contract.frames import RenderSettings
from blender_addon.contract.scene_graph import SceneGraph, to_dict

SIZES = ((160, 96), (414, 125))
SAMPLES = (1, 2, 4, 8, 16, 32, 64)
OURS_MANY, THEIRS_MANY = 64, 256
TURNS = 5
# RMSE of their picture with many samples to our traced one: the street must be the same there.
MOST_APART = 12.0


def at_equal_noise(lighting: str, scenes: Sequence[SceneGraph], folder: Path) -> dict:
    before = ours(lighting, scenes, folder, pictures=True)
    theirs = [their_street(scene, folder) for scene in scenes]
    after = ours(
        lighting, scenes, folder, pictures=False
    )  # again, since the machine's speed changes
    found = {}
    for number, (width, height) in enumerate(SIZES):
        rows = [
            row(
                np.load(folder / f"ours_{number}_{street}.npy"),
                np.load(folder / f"theirs_{number}_{scene.seed}.npz"),
                (before[number]["ms"][street] + after[number]["ms"][street]) / 2,
                theirs[street]["sizes"][number]["ms"],
                theirs[street]["load_ms"],
            )
            for street, scene in enumerate(scenes)
        ]
        table = {name: [own[name] for own in rows] for name in rows[0]}
        found[f"{width}x{height}"] = {
            "frames_a_second_against_theirs": rounded(float(np.median(table["against_theirs"]))),
            "with_their_loading": rounded(float(np.median(table["with_their_loading"]))),
            "each_street": {name: [rounded(v) for v in own] for name, own in table.items()},
        }
    apart = [street["apart"] for street in theirs]
    assert max(apart) <= MOST_APART, f"BlenderProc's streets are not ours: RMSE {apart}"
    return {
        "lighting": lighting,
        "streets": [scene.seed for scene in scenes],
        "cap_of_their_samples": SAMPLES[-1],
        "their_picture_against_our_traced_one_rmse": [rounded(value) for value in apart],
        "their_loading_ms": rounded(float(np.median([street["load_ms"] for street in theirs]))),
        "sizes": found,
    }


def row(ours: np.ndarray, theirs, ms: float, their_ms: dict, load_ms: float) -> dict[str, float]:
    """One street at one size.

    Args:
        ours: our pictures with few and with many samples.
        theirs: BlenderProc's pictures by sample count as text, "0" for many.
        ms, their_ms: milliseconds a frame, theirs by sample count as text.
    """
    few, many = (image.astype(float) for image in ours)
    noise = rmse(few, many, smooth(many))
    reference = theirs["0"].astype(float)
    flat = smooth(reference)
    errors = {count: rmse(theirs[str(count)], reference, flat) for count in SAMPLES}
    enough = next((count for count in SAMPLES if errors[count] <= noise), SAMPLES[-1])
    return {
        "our_noise": noise,
        "their_noise": errors[enough],
        "their_samples": enough,
        "our_ms": ms,
        "their_ms": their_ms[str(enough)],
        "their_ms_with_one_sample": their_ms["1"],
        "against_theirs": their_ms[str(enough)] / ms,
        "with_their_loading": (their_ms[str(enough)] + load_ms) / ms,
    }


def ours(lighting: str, scenes: Sequence[SceneGraph], folder: Path, pictures: bool) -> list[dict]:
    """Times of our labelled frames by size, and perhaps pictures in the folder."""
    jobs = []
    for number, (width, height) in enumerate(SIZES):
        few = RenderSettings(width, height, 1, seed=9, lighting=lighting)
        jobs.append({
            "scenes": [to_dict(scene) for scene in scenes], "settings": few.to_dict(),
            "many": replace(few, samples=OURS_MANY, seed=10).to_dict(), "turns": TURNS,
            "pictures": str(folder / f"ours_{number}_") if pictures else None,
        })  # fmt: skip
    return in_blender({"labelled": jobs}, folder, os.environ["BLENDERPROC_PYTHON"])["labelled"]


def their_street(scene: SceneGraph, folder: Path) -> dict:
    """Save one street, have BlenderProc load and render it; how far its picture is from ours."""
    blend = folder / f"{scene.seed}.blend"
    width, height = SIZES[0]
    traced = RenderSettings(width, height, OURS_MANY, seed=9, lighting="traced")
    save = {"scene": to_dict(scene), "path": str(blend), "settings": traced.to_dict()}
    view = in_blender({"save": save}, folder, os.environ["BLENDERPROC_PYTHON"])["view"]
    request = {
        "blend": str(blend),
        "pose": view["pose"],
        "samples": SAMPLES,
        "many": THEIRS_MANY,
        "sizes": [
            {
                "width": width,
                "height": height,
                "intrinsics": intrinsics(scene, width, height),
                "pictures": str(folder / f"theirs_{number}_{scene.seed}.npz"),
            }
            for number, (width, height) in enumerate(SIZES)
        ],
    }
    found = in_blenderproc(request, folder)
    with np.load(folder / f"theirs_0_{scene.seed}.npz") as pictures:
        traced_picture = np.load(blend.with_suffix(".npy"))
        found["apart"] = rmse(pictures["0"], traced_picture.astype(float))
    return found


def intrinsics(scene: SceneGraph, width: int, height: int) -> list[list[float]]:
    """K of the scene's camera, whose field of view is the width's."""
    (camera,) = scene.of_class("camera")
    focal = width / 2 / math.tan(math.radians(float(camera.attributes["fov"])) / 2)
    return [[focal, 0.0, width / 2], [0.0, focal, height / 2], [0.0, 0.0, 1.0]]

"""An artist's hour in a real window: what is seen, moved by hand, saved and rendered."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from blender_window import in_blender
from PIL import Image
from street_scenes import make_street

from blender_addon.contract import scene_graph

pytestmark = pytest.mark.slow  # minutes of a window that no graphics card draws
SIZE = (800, 600)  # of the window: without a graphics card each drawing costs as much as it has
STEPS = ["daylight", "reopen", "hands", "pictures"]


def happenings(steps: list[str], display: str, scripts: Path, work: Path, **more: object) -> dict:
    """What came of some of ``artist_steps``, one after the other in one window."""
    folder = Path(os.environ.get("METASIM_SCREENSHOTS", work / "artist"))
    folder.mkdir(parents=True, exist_ok=True)
    scene_graph.save(street(), work / "street.json")
    plan = {
        "folder": str(folder),
        "python": sys.executable,
        "press": False,
        "do": steps,
        "scene": str(work / "street.json"),
        "work": str(work),
        **more,
    }
    return in_blender(plan, work, display, scripts, "--enable-event-simulate", size=SIZE) | {
        "folder": folder
    }


def street() -> scene_graph.SceneGraph:
    """One of everything, and a camera whose exposure can be changed."""
    nodes = [
        replace(node, attributes={**node.attributes, "exposure": 0.0})
        if node.class_name == "camera"
        else node
        for node in make_street().nodes
    ]
    return scene_graph.SceneGraph(tuple(nodes))


@pytest.fixture(scope="module")
def artist(display: str, scripts: Path, tmp_path_factory: pytest.TempPathFactory) -> dict:
    """One hour in one window."""
    return happenings(STEPS, display, scripts, tmp_path_factory.mktemp("artist"))


def noted(found: dict, step: str, what: str) -> dict:
    """What a step has noted; it must not have failed."""
    assert step not in found["failed"], found["failed"][step]
    return next(one for one in found["steps"] if one["what"] == what)


def brightness(found: dict, picture: str) -> tuple[float, float]:
    """Mean sRGB, in [0, 1], of the top and the bottom third of the camera's frame."""
    at = noted(found, "daylight", "daylight")
    left, bottom, right, top = at["frame"]
    pixels = np.asarray(Image.open(found["folder"] / f"{picture}.png").convert("RGB")) / 255.0
    x, y = at["region"]
    low, high = len(pixels) - y - top, len(pixels) - y - bottom
    inside = pixels[int(low) : int(high), int(x + left) : int(x + right)]
    third = len(inside) // 3
    return float(inside[:third].mean()), float(inside[-third:].mean())


def test_the_first_street_stands_in_daylight(artist: dict):
    sky, road = brightness(artist, "daylight")
    assert sky > 0.6 and road > 0.3  # Blender's own grey view: 0.25 and 0.15


def test_exposure_and_sky_show_at_once(artist: dict):
    usual, more, less = (
        brightness(artist, name) for name in ("daylight", "daylight_exposed", "daylight_dim")
    )
    assert more[1] > 1.2 * usual[1]
    assert less[0] < 0.8 * usual[0] and less[1] < 0.8 * usual[1]


def test_the_camera_s_frame_lies_between_the_bars_in_the_panel_s_size(artist: dict):
    first = noted(artist, "daylight", "daylight")
    assert first["size"] == first["asked"]
    for one in (first, noted(artist, "daylight", "another size")):
        frame, visible = one["frame"], one["visible"]
        assert visible[0] <= frame[0] < frame[2] <= visible[2]
        assert visible[1] <= frame[1] < frame[3] <= visible[3]
        sides = [frame[i + 2] - frame[i] for i in (0, 1)]
        room = [visible[i + 2] - visible[i] for i in (0, 1)]
        assert max(side / most for side, most in zip(sides, room, strict=True)) > 0.9
    assert first["frame"][2] - first["frame"][0] == pytest.approx(
        (first["frame"][3] - first["frame"][1]) * 640 / 384, rel=0.01
    )


def test_the_user_s_own_view_is_put_back_in_the_user_s_scene(artist: dict):
    noted(artist, "daylight", "the user's view was put back")


def test_a_reopened_file_keeps_view_selection_and_the_user_s_work(artist: dict):
    noted(artist, "reopen", "reopened as it was saved")


@pytest.mark.parametrize(
    "what",
    ["moved by hand", "turned by hand", "one undo takes it back", "copied by hand",
     "deleted by hand", "refused in words"],
)  # fmt: skip
def test_what_hands_do_with_mouse_and_keys_is_in_the_scene_graph(artist: dict, what: str):
    noted(artist, "hands", what)


def test_a_render_shows_its_picture_in_a_window_with_a_switch(artist: dict):
    written = noted(artist, "pictures", "the picture is shown")["written"]
    assert written.endswith("frames/000000.png")
    for channel in ("boxes", "classes", "depth"):
        assert (artist["folder"] / f"picture_{channel}.png").stat().st_size > 5000


def test_with_a_graphics_card_the_view_is_material_preview_in_the_scene_s_light(
    display: str, scripts: Path, tmp_path: Path
):
    found = happenings(["daylight_preview"], display, scripts, tmp_path)
    noted(found, "daylight_preview", "previewed")
    pictures = [
        np.asarray(Image.open(found["folder"] / f"{name}.png").convert("RGB"), np.float32)
        for name in ("preview", "preview_exposed", "preview_dim")
    ]
    assert pictures[0].mean() > pictures[2].mean() + 10
    assert pictures[1].mean() > pictures[2].mean() + 10

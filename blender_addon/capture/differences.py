"""Central differences of the picture by a scene's attributes, rendering only what can change.

A step of a local attribute changes its node's objects and their shadows, so only the few windows
that cover them are rendered, at both values and with the same noise seed; windows that no other
step touches share one render. Steps of the camera, the light or the road need the full frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from ..contract.frames import AttributeStep, Difference, RenderSettings
from ..contract.scene_graph import Changes, SceneGraph
from .picture import prepare, render_window
from .staging import Stage, StagedObject
from .touched_pixels import View, outlines, touched
from .windows import Window, area, cover, group, union

FULL_FRAME_FROM = 0.9  # steps that touch more than this share of the frame get the full frame
CALL_PIXELS = (
    1500  # a render's fixed cost in pixels at one sample: 1.5 ms at 1 us a pixel, measured
)


def differences(
    stage: Stage,
    scene: SceneGraph,
    steps: Sequence[AttributeStep],
    settings: RenderSettings,
    full_frame: bool = False,
    threads: int = 0,
) -> list[Difference]:
    """``image(plus) - image(minus)`` for each step, in the steps' order.

    The stage shows ``scene`` again afterwards, whatever happens. Pixels are unrounded sRGB.

    Args:
        stage: any stage; it need not show the scene yet.
        scene: the scene that the steps leave from.
        steps: what to change; numbers only.
        settings: size, samples, seed, engine, device.
        full_frame: render every step full frame, one by one: the reference, and much dearer.
        threads: CPU threads of the renderer; 0 uses all.

    Raises:
        SceneGraphError: when a step names a node or an attribute that the scene lacks.
    """
    # A denoiser looks at the whole picture: a window of it would not be a part of the frame.
    settings = replace(settings, denoise=False)
    frame = (0, 0, settings.width, settings.height)
    found: list[Difference | None] = [None] * len(steps)
    call_pixels = CALL_PIXELS / settings.samples
    try:
        stage.show(scene)
        prepare(stage, settings, threads=threads)
        local: list[int] = []
        for n, step in enumerate(steps):
            scene.with_attributes({step.node: {step.attribute: step.plus}})  # checks the names
            if not full_frame and stage.affected_by(step.node, step.attribute) == "local":
                local.append(n)
        kin = {n: _descendants(scene, steps[n].node) for n in local}
        windows: dict[int, list[Window]] = {}
        for n, mask in _touched(stage, scene, steps, local, kin, settings):
            some = cover(mask, call_pixels)
            if sum(map(area, some)) <= FULL_FRAME_FROM * area(frame):
                windows[n] = some
                found[n] = _nothing(union(some))
        for n in range(len(steps)):
            if n not in windows:
                found[n] = Difference(frame, _change(stage, scene, [steps[n]], frame, settings))
        shared = list(windows)
        for one in group([windows[n] for n in shared], [kin[n] for n in shared], call_pixels):
            together = [steps[shared[m]] for m in one.steps]
            change = _change(stage, scene, together, one.window, settings)
            for m, part in one.parts:
                _paste(found[shared[m]], part, change, one.window)
    finally:
        stage.show(scene)
    return [difference for difference in found if difference is not None]


def _nothing(window: Window) -> Difference:
    x0, y0, x1, y1 = window
    return Difference(window, np.zeros((y1 - y0, x1 - x0, 3), np.float32))


def _paste(into: Difference | None, part: Window, change: np.ndarray, whole: Window) -> None:
    """Copy one window's pixels from a render of ``whole``."""
    assert into is not None
    x0, y0, x1, y1 = part
    (left, top), (into_left, into_top) = whole[:2], into.window[:2]
    into.values[y0 - into_top : y1 - into_top, x0 - into_left : x1 - into_left] = change[
        y0 - top : y1 - top, x0 - left : x1 - left
    ]


def _change(
    stage: Stage,
    scene: SceneGraph,
    steps: Sequence[AttributeStep],
    window: Window,
    settings: RenderSettings,
) -> np.ndarray:
    """The window's picture with all steps at plus, less that with all at minus."""
    border = None if window == (0, 0, settings.width, settings.height) else window
    stage.show(scene.with_attributes(_changes(steps, plus=False)))
    minus = render_window(stage, settings, border)
    stage.show(scene.with_attributes(_changes(steps, plus=True)))
    return render_window(stage, settings, border) - minus


def _touched(
    stage: Stage,
    scene: SceneGraph,
    steps: Sequence[AttributeStep],
    local: Sequence[int],
    kin: dict[int, frozenset[str]],
    settings: RenderSettings,
) -> Iterator[tuple[int, np.ndarray]]:
    """For each local step the pixels that it can touch, over both of its values.

    A step of which nothing is staged is left out: nothing is known of what it changes.
    """
    view = View(
        stage.camera_intrinsics(settings.width, settings.height),
        stage.camera_pose(),
        stage.sun_direction(),
        settings.width,
        settings.height,
    )
    everything = stage.objects()
    moved: list[StagedObject] = []
    places: dict[int, list[int]] = {n: [] for n in local}
    for members in _rounds(local, kin):
        chosen = [steps[n] for n in members]
        for plus in (False, True):
            stage.show(scene.with_attributes(_changes(chosen, plus)))
            staged = _by_node(stage.objects())
            for n in members:
                for item in (item for node in kin[n] for item in staged.get(node, ())):
                    places[n].append(len(moved))
                    moved.append(item)
    drawn = outlines([*everything, *moved], view)
    others = drawn.take(range(len(everything)))
    for n, positions in places.items():
        if positions:
            yield n, touched(drawn.take([len(everything) + p for p in positions]), others, view)


def _rounds(local: Sequence[int], kin: dict[int, frozenset[str]]) -> list[list[int]]:
    """Steps that can be shown at once: no two of a round move the same node."""
    rounds: list[tuple[list[int], set[str]]] = []
    for n in local:
        for members, moved in rounds:
            if not moved & kin[n]:
                members.append(n)
                moved |= kin[n]
                break
        else:
            rounds.append(([n], set(kin[n])))
    return [members for members, _ in rounds]


def _changes(steps: Sequence[AttributeStep], plus: bool) -> Changes:
    return {s.node: {s.attribute: s.plus if plus else s.minus} for s in steps}


def _by_node(objects: Sequence[StagedObject]) -> dict[str, list[StagedObject]]:
    found: dict[str, list[StagedObject]] = {}
    for item in objects:
        found.setdefault(item.node, []).append(item)
    return found


def _descendants(scene: SceneGraph, node: str) -> frozenset[str]:
    found, left = {node}, [node]
    while left:
        children = [child.id for child in scene.children(left.pop())]
        found.update(children)
        left += children
    return frozenset(found)

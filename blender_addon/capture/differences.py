"""Central differences of the picture by a scene's attributes, rendering only what can change.

A step of a local attribute changes its node's objects and their shadows, so only that pixel
window is rendered, at both values and with the same noise seed; steps whose windows do not
overlap share one render. Steps of the camera, the light or the road need the full frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..contract.frames import AttributeStep, Difference, RenderSettings
from ..contract.scene_graph import Changes, SceneGraph
from .picture import prepare, render_window
from .staging import Stage, StagedObject
from .windows import EMPTY, View, Window, area, group, union, window_of

FULL_FRAME_FROM = 0.6  # windows larger than this share of the frame are rendered full frame
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
    frame = (0, 0, settings.width, settings.height)
    found: list[Difference | None] = [None] * len(steps)
    try:
        stage.show(scene)
        prepare(stage, settings, threads=threads)
        local: list[int] = []
        windows: list[Window] = [frame] * len(steps)
        for n, step in enumerate(steps):
            scene.with_attributes({step.node: {step.attribute: step.plus}})  # checks the names
            if not full_frame and stage.affected_by(step.node, step.attribute) == "local":
                local.append(n)
        kin = {n: _descendants(scene, steps[n].node) for n in local}
        for n, window in _windows(stage, scene, steps, local, kin, settings):
            windows[n] = window
        shared = [n for n in local if area(windows[n]) <= FULL_FRAME_FROM * area(frame)]
        alone = sorted(set(range(len(steps))) - set(shared))
        for n in shared:
            if windows[n] == EMPTY:
                found[n] = Difference(EMPTY, np.zeros((0, 0, 3), np.float32))
        for n in alone:
            found[n] = _pair(stage, scene, [steps[n]], [frame], frame, settings)[0]
        groups = group(
            [windows[n] for n in shared], [kin[n] for n in shared], CALL_PIXELS / settings.samples
        )
        for one in groups:
            members = [shared[m] for m in one.members]
            results = _pair(
                stage,
                scene,
                [steps[n] for n in members],
                [windows[n] for n in members],
                one.window,
                settings,
            )
            for n, result in zip(members, results, strict=True):
                found[n] = result
    finally:
        stage.show(scene)
    return [difference for difference in found if difference is not None]


def _pair(
    stage: Stage,
    scene: SceneGraph,
    steps: Sequence[AttributeStep],
    windows: Sequence[Window],
    whole: Window,
    settings: RenderSettings,
) -> list[Difference]:
    """Render ``whole`` with all steps at minus and at plus, and cut the windows out."""
    border = None if whole == (0, 0, settings.width, settings.height) else whole
    stage.show(scene.with_attributes(_changes(steps, plus=False)))
    minus = render_window(stage, settings, border)
    stage.show(scene.with_attributes(_changes(steps, plus=True)))
    change = render_window(stage, settings, border) - minus
    left, top = whole[:2]
    return [
        Difference((x0, y0, x1, y1), change[y0 - top : y1 - top, x0 - left : x1 - left])
        for x0, y0, x1, y1 in windows
    ]


def _windows(
    stage: Stage,
    scene: SceneGraph,
    steps: Sequence[AttributeStep],
    local: Sequence[int],
    kin: dict[int, frozenset[str]],
    settings: RenderSettings,
) -> Iterator[tuple[int, Window]]:
    """The window of each local step, over both of its values."""
    view = View(
        stage.camera_intrinsics(settings.width, settings.height),
        stage.camera_pose(),
        stage.sun_direction(),
        settings.width,
        settings.height,
    )
    for members in _rounds(local, kin):
        chosen = [steps[n] for n in members]
        ends: list[dict[str, list[StagedObject]]] = []
        for plus in (False, True):
            stage.show(scene.with_attributes(_changes(chosen, plus)))
            ends.append(_by_node(stage))
        for n in members:
            seen = [[o for node in kin[n] for o in end.get(node, ())] for end in ends]
            if any(seen):
                yield n, union([window_of(objects, view) for objects in seen])
            else:  # nothing of it is staged, so nothing is known of what it changes
                yield n, (0, 0, settings.width, settings.height)


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


def _by_node(stage: Stage) -> dict[str, list[StagedObject]]:
    found: dict[str, list[StagedObject]] = {}
    for item in stage.objects():
        found.setdefault(item.node, []).append(item)
    return found


def _descendants(scene: SceneGraph, node: str) -> frozenset[str]:
    found, left = {node}, [node]
    while left:
        children = [child.id for child in scene.children(left.pop())]
        found.update(children)
        left += children
    return frozenset(found)

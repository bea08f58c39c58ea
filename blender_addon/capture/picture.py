"""Render a stage: picture, index map, depth and normals of one render, without the compositor.

Blender gives no pixels in the background, so each render is written as an uncompressed
multilayer OpenEXR file into a memory file system and read back.
"""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..camera.tones import srgb, to_uint8
from ..contract.frames import Frame, RenderSettings
from ..contract.placement import EXPOSURE_LEFT
from ..contract.scene_graph import SceneGraph
from ..contract.semantics import instance_map, semantic_map
from . import engines, exr, instances, supersampling
from .flow import Viewpoint, motions, optical_flow
from .labels import labels
from .staging import Stage, StagedObject

SKY = 1e9  # metres: Blender writes 1e10 where a ray hit nothing
Window = tuple[int, int, int, int]
_INDEX = ("IndexOB", "Object Index")
_DEPTH = ("Depth", "Z")


def render(
    stage: Stage,
    settings: RenderSettings,
    threads: int = 0,
    next_scene: SceneGraph | None = None,
) -> Frame:
    """Render what the stage shows, with labels.

    The image is Blender's linear light as float16, or through the sRGB curve and clipped to
    [0, 1]; 8-bit images are rounded. Index map, semantic map and depth come from each pixel's
    first sample and are neither filtered nor mixed; normals are the mean over all samples, made
    unit again. Direct light is sampled on a grid (:mod:`.supersampling`), of which the ray
    through the pixel's centre gives the maps.
    Engines other than Cycles write no index map: theirs, the depth and the normals come from a
    second render by Cycles with one sample.

    Args:
        stage: the stage, showing the scene.
        settings: size, samples, seed, engine, device, passes.
        threads: CPU threads of the renderer; 0 uses all.
        next_scene: where the pass ``"flow"`` leads to; the stage shows it afterwards. Without it
            there is no flow.

    Raises:
        RenderSettingsError: when the engine or the device is not there.
        RuntimeError: when Blender could not render.
    """
    if settings.engine == "cycles":
        prepare(stage, settings, passes=True, threads=threads)
        channels = passes = _shoot(stage, settings, None)
    else:
        prepare(stage, settings, threads=threads)
        channels = _shoot(stage, settings, None)
        labelling = for_labels(settings)
        prepare(stage, labelling, passes=True, threads=threads)
        passes = _shoot(stage, labelling, None)
    view = Viewpoint.of(stage, settings.width, settings.height)
    objects = stage.objects()
    made_by, gain = engines.description(settings), gain_of(stage, settings)
    frame = frame_of(channels, passes, settings, objects, view, made_by, gain)
    if "flow" not in settings.passes or next_scene is None:
        return frame
    stage.show(next_scene)
    then = Viewpoint.of(stage, settings.width, settings.height)
    moved = motions(objects, stage.objects())
    return replace(frame, flow=optical_flow(frame.depth, frame.index, view, then, moved))


def frame_of(
    channels: Mapping[str, np.ndarray],
    passes: Mapping[str, np.ndarray],
    settings: RenderSettings,
    objects: Sequence[StagedObject],
    view: Viewpoint,
    rendered_by: str,
    gain: float = 1.0,
) -> Frame:
    """The frame, without flow, that rendered channels hold; needs no Blender, so any thread may.

    Args:
        channels: of the render that is the picture, from :func:`.exr.read`.
        passes: of the render by Cycles that has index map, depth and normals; often the same.
        settings: what was asked for.
        objects: what stood on the stage.
        view: the camera.
        rendered_by: see :class:`Frame`.
        gain: see :func:`gain_of`.
    """
    image = _image(channels, settings, gain)
    k = max(next(iter(passes.values())).shape[1] // settings.width, 1)
    passes = {name: values for name, values in passes.items() if ".Combined." not in name}
    passes = {name: supersampling.centres(values, k) for name, values in passes.items()}
    raw = np.rint(exr.channel(passes, _INDEX, "")).astype(np.uint16)
    index = instance_map(raw)
    depth = exr.channel(passes, _DEPTH, "").astype(np.float32)
    sky = depth > SKY
    depth[sky] = np.inf
    normal = _normals(passes, view.pose, sky) if "normal" in settings.passes else None
    return Frame(
        image=image,
        index=index,
        depth=depth,
        labels=labels(objects, index, view.intrinsics, view.pose),
        intrinsics=np.asarray(view.intrinsics, np.float64),
        pose=np.asarray(view.pose, np.float64),
        semantic=semantic_map(raw, {o.index: o.class_name for o in objects if o.index}, sky),
        normal=normal,
        rendered_by=rendered_by,
    )


def for_labels(settings: RenderSettings) -> RenderSettings:
    """The render by Cycles that labels a picture by another engine."""
    return replace(settings, engine="cycles", samples=1, denoise=False)


def prepare(
    stage: Stage, settings: RenderSettings, *, passes: bool = False, threads: int = 0
) -> None:
    """Set the stage's Blender scene up for renders with these settings.

    Args:
        passes: write the index map, the depth and, where wanted, the normals too.
        threads: CPU threads of the renderer; 0 uses all.

    Raises:
        RenderSettingsError: when the engine or the device is not there.
    """
    scene = stage.blender_scene
    k = supersampling.grid(settings)
    engines.apply(scene, settings, threads, k)
    _shift(scene, supersampling.shift(max(k, 1)), settings)
    lighting = settings.lighting if settings.engine == "cycles" else "traced"
    focal = stage.camera_intrinsics(settings.width, settings.height)[0, 0]
    stage.light_by(lighting, 1 / float(focal))
    instances.follow(scene)
    layer = scene.view_layers[0]
    engines.assign(layer, use_pass_combined=True, use_pass_object_index=passes, use_pass_z=passes)
    engines.assign(layer, use_pass_normal=passes and "normal" in settings.passes)
    _set_output(scene.render.image_settings)


def _shift(scene: Any, pixels: float, settings: RenderSettings) -> None:
    """Move all rays right and down by so many final pixels."""
    lens = scene.camera.data
    unit = max(settings.width, settings.height)
    if lens.sensor_fit != "AUTO":
        unit = settings.width if lens.sensor_fit == "HORIZONTAL" else settings.height
    engines.assign(lens, shift_x=pixels / unit, shift_y=-pixels / unit)


def render_window(stage: Stage, settings: RenderSettings, window: Window | None) -> np.ndarray:
    """Only the picture of a pixel window, the same pixels as in the full frame.

    :func:`prepare` has to have been called with the same settings: once for many windows.

    Args:
        window: (x0, y0, x1, y1), whole pixels within the frame, or None for the full frame.

    Returns:
        (y1 - y0) x (x1 - x0) x 3 float32: sRGB in [0, 1], or linear light where that is asked for.
    """
    k = supersampling.grid(settings)
    asked = window
    if k and window is not None:
        x0, y0, x1, y1 = window
        edge = supersampling.MARGIN
        window = (
            *(max(x0 - edge, 0), max(y0 - edge, 0)),
            *(min(x1 + edge, settings.width), min(y1 + edge, settings.height)),
        )
    light = _linear(_shoot(stage, settings, window), k, gain_of(stage, settings))
    if asked is not None and window is not None:
        x, y = asked[0] - window[0], asked[1] - window[1]
        light = light[y : y + asked[3] - asked[1], x : x + asked[2] - asked[0]]
    return light if settings.linear else srgb(light)


def gain_of(stage: Stage, settings: RenderSettings) -> float:
    """What is left of the exposure: what Cycles' film cannot take, of other engines all."""
    scene = stage.blender_scene
    left = float(scene.get(EXPOSURE_LEFT, 1.0))
    return left if settings.engine == "cycles" else left * float(scene.cycles.film_exposure)


def _image(channels: Mapping[str, np.ndarray], settings: RenderSettings, gain: float) -> np.ndarray:
    """The picture as asked for: float16 linear light, or sRGB as float32 or uint8."""
    light = _linear(channels, supersampling.grid(settings), gain)
    if settings.linear:
        return np.minimum(light, np.finfo(np.float16).max).astype(np.float16)
    image = srgb(light)
    return image if settings.float_image else to_uint8(image)


def _linear(channels: Mapping[str, np.ndarray], k: int, gain: float) -> np.ndarray:
    """H x W x 3 float32, k x k rays a pixel made one; what is not a number becomes black."""
    colours = [exr.channel(channels, ("Combined", "Image"), c) for c in "RGB"]
    light = np.nan_to_num(np.stack(colours, axis=-1), copy=False, nan=0.0, posinf=1.0)
    if k:
        light = supersampling.reconstruct(light, k)
    return light if gain == 1.0 else light * np.float32(gain)


def _normals(passes: Mapping[str, np.ndarray], pose: np.ndarray, sky: np.ndarray) -> np.ndarray:
    """H x W x 3 float32: Blender's normals, of the world's axes, in the camera's."""
    world = np.stack([exr.channel(passes, ("Normal",), c) for c in "XYZ"], axis=-1)
    seen = world @ np.asarray(pose)[:3, :3].T
    length = np.linalg.norm(seen, axis=-1, keepdims=True)
    found = np.divide(seen, length, out=np.zeros_like(seen), where=length > 1e-6)
    found[sky] = 0.0
    return found.astype(np.float32)


def _shoot(stage: Stage, settings: RenderSettings, window: Window | None) -> dict[str, np.ndarray]:
    scene, k = stage.blender_scene, max(supersampling.grid(settings), 1)
    whole = (settings.width * k, settings.height * k)
    if window is not None:
        x0, y0, x1, y1 = (k * side for side in window)
        window = (x0, y0, x1, y1)
    _set_border(scene.render, window, *whole)
    path = new_file()
    before = scene.render.filepath
    scene.render.filepath = str(path)
    try:
        bpy.ops.render.render(write_still=True, scene=scene.name)
        data = path.read_bytes()
    except FileNotFoundError:
        raise RuntimeError("Blender rendered, but wrote no picture.") from None
    finally:
        scene.render.filepath = before
        with suppress(FileNotFoundError):
            path.unlink()
    channels = exr.read(data)
    x0, y0, x1, y1 = window or (0, 0, *whole)
    shape = next(iter(channels.values())).shape
    if shape != (y1 - y0, x1 - x0):
        raise RuntimeError(f"Blender rendered {shape[::-1]} pixels, not {(x1 - x0, y1 - y0)}.")
    return channels


def _set_border(render: Any, window: Window | None, width: int, height: int) -> None:
    if window is None:
        engines.assign(render, use_border=False, use_crop_to_border=False)
        return
    x0, y0, x1, y1 = window
    # Blender truncates border * size to whole pixels; a quarter of a pixel keeps 2.9999 away.
    render.border_min_x = (x0 + 0.25) / width
    render.border_max_x = min((x1 + 0.25) / width, 1.0)
    render.border_min_y = (height - y1 + 0.25) / height
    render.border_max_y = min((height - y0 + 0.25) / height, 1.0)
    engines.assign(render, use_border=True, use_crop_to_border=True)


def _set_output(image_settings: Any) -> None:
    # Blender 5.0 offers multilayer files only once the media type says so.
    engines.assign(image_settings, media_type="MULTI_LAYER_IMAGE")
    engines.assign(
        image_settings,
        file_format="OPEN_EXR_MULTILAYER",
        exr_codec="NONE",
        color_depth="32",
        use_exr_interleave=True,
        color_mode="RGBA",
    )


def new_file() -> Path:
    """A name for a render's file."""
    return _folder() / f"metasim-{os.getpid()}-{uuid.uuid4().hex}.exr"


def _folder() -> Path:
    """A memory file system where there is one."""
    memory = Path("/dev/shm")
    return memory if os.access(memory, os.W_OK) else Path(tempfile.gettempdir())

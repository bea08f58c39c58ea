"""Choose and set up Blender's render engine and device, from Blender 3.4 on.

Everything that decides the noise is fixed, so that the same scene, settings and seed give the
same pixels, and a border render the same pixels as the full frame.
"""

from __future__ import annotations

import importlib
import logging
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

import bpy

from ..contract.frames import RenderSettings, RenderSettingsError

GPU_KINDS = ("OPTIX", "CUDA", "HIP", "ONEAPI", "METAL")
# EEVEE was called NEXT from 4.2 to 4.5.
_ENGINES = {
    "cycles": ("CYCLES",),
    "eevee": ("BLENDER_EEVEE_NEXT", "BLENDER_EEVEE"),
    "workbench": ("BLENDER_WORKBENCH",),
}
_CYCLES = {
    "use_animated_seed": False,
    "use_adaptive_sampling": False,
    "time_limit": 0.0,
    "use_sample_subset": False,
    "sample_offset": 0,
    "use_auto_tile": False,
    "use_layer_samples": "IGNORE",
    "auto_scrambling_distance": False,
    "scrambling_distance": 1.0,
    "use_guiding": False,
    "use_light_tree": False,
    "use_fast_gi": False,
    "transmission_bounces": 0,
    "volume_bounces": 0,
    "transparent_max_bounces": 8,
    "caustics_reflective": False,
    "caustics_refractive": False,
}
_FILTER = {"pixel_filter_type": "BLACKMAN_HARRIS", "filter_width": 1.5}
# A single sample at the pixel's centre errs less at edges than one at a random place (for an edge
# anywhere in a pixel, half the squared error), and there is nothing random left in it.
_CENTRES = {"pixel_filter_type": "BOX", "filter_width": 0.01}
# Of the denoiser that runs on the CPU: it gives the same bytes on every machine of a kind.
_DENOISER = {
    "denoiser": "OPENIMAGEDENOISE",
    "denoising_input_passes": "RGB_ALBEDO_NORMAL",
    # A prefilter takes most of the time; lower qualities leave half of the noise or more.
    "denoising_prefilter": "NONE",
    "denoising_quality": "HIGH",
    "denoising_use_gpu": False,
}
_RENDER = {
    "resolution_percentage": 100,
    "pixel_aspect_x": 1.0,
    "pixel_aspect_y": 1.0,
    "use_persistent_data": True,
    "use_motion_blur": False,
    "use_compositing": False,
    "use_sequencer": False,
    "use_file_extension": False,
    "use_overwrite": True,
    "use_placeholder": False,
    "use_multiview": False,
    "use_stamp": False,
    "film_transparent": False,
    "dither_intensity": 0.0,
}
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Capabilities:
    """What this Blender can render with; the names that RenderSettings takes."""

    engines: tuple[str, ...]
    devices: tuple[str, ...]


def capabilities() -> Capabilities:
    """Engines and devices found here; ``"cpu"`` is always the first device."""
    engines = tuple(name for name in _ENGINES if _identifier(name) is not None)
    return Capabilities(engines, ("cpu", *_gpu_kinds()))


def description(settings: RenderSettings) -> str:
    """What renders with these settings, and the devices found, in a few words for people."""
    found = capabilities()
    device = _choose_device(settings.device)
    if settings.engine != "cycles":
        device = f"OpenGL, labels by cycles on {device}"
    names = [*found.devices[:1], *(_named(kind) for kind in found.devices[1:])]
    if settings.denoise and not has_denoiser():
        device += ", without a denoiser, which this Blender lacks"
    return f"{settings.engine} on {device} (found: {', '.join(names)})"


def _named(kind: str) -> str:
    """A GPU kind with its cards."""
    devices = _preferences().get_devices_for_type(kind.upper())
    cards = sorted({device.name for device in devices if device.type == kind.upper()})
    return f"{kind} {', '.join(cards)}"


@cache
def has_denoiser() -> bool:
    """Whether this Blender was built with a denoiser that runs on the CPU."""
    try:
        cycles = importlib.import_module("_cycles")
    except ImportError:
        return False
    return bool(getattr(cycles, "with_openimagedenoise", False))


def apply(scene: Any, settings: RenderSettings, threads: int = 0, grid: int = 0) -> None:
    """Set up a Blender scene for one render.

    Args:
        scene: the ``bpy.types.Scene``.
        settings: what to render.
        threads: CPU threads of the renderer; 0 uses all.
        grid: render so many times as large, with one ray through each pixel's centre; 0: with the
            renderer's own samples.

    Raises:
        RenderSettingsError: when the engine or the device is not there.
    """
    identifier = _identifier(settings.engine)
    if identifier is None:
        raise RenderSettingsError(
            f"Render engine {settings.engine!r} is not in this Blender; "
            f"use one of {', '.join(capabilities().engines)}."
        )
    render = scene.render
    assign(render, engine=identifier, **_RENDER)
    size = max(grid, 1)
    assign(render, resolution_x=settings.width * size, resolution_y=settings.height * size)
    if threads:
        assign(render, threads_mode="FIXED", threads=threads)
    else:
        assign(render, threads_mode="AUTO")
    assign(scene.view_settings, view_transform="Standard", exposure=0.0, gamma=1.0)
    if settings.engine == "cycles":
        _apply_cycles(scene, settings, grid)
    elif settings.engine == "eevee":
        assign(scene.eevee, taa_render_samples=settings.samples)


def assign(target: Any, **values: Any) -> None:
    """Set those properties that exist and differ; setting one tags the scene as changed."""
    for name, value in values.items():
        if hasattr(target, name) and getattr(target, name) != value:
            setattr(target, name, value)


def _apply_cycles(scene: Any, settings: RenderSettings, grid: int) -> None:
    cycles = scene.cycles
    kind = _choose_device(settings.device)
    if kind != "cpu":
        _preferences().compute_device_type = kind.upper()
        for device in _preferences().devices:
            device.use = device.type == kind.upper()
    assign(cycles, device="CPU" if kind == "cpu" else "GPU", **_CYCLES)
    samples = 1 if grid else settings.samples
    assign(cycles, samples=samples, seed=settings.seed)
    bounces = 0 if settings.lighting == "direct" else settings.bounces
    assign(cycles, max_bounces=2 * bounces, diffuse_bounces=bounces, glossy_bounces=bounces)
    assign(cycles, **(_CENTRES if samples == 1 else _FILTER))
    denoise = settings.denoise and not grid and has_denoiser()
    assign(cycles, use_denoising=denoise)
    if denoise:
        assign(cycles, **_DENOISER)
    # AUTOMATIC may choose by use (viewport or final); a named pattern cannot. Names by version;
    # from 4.2 on they cannot be listed, only tried.
    for pattern in ("TABULATED_SOBOL", "PROGRESSIVE_MULTI_JITTER", "SOBOL"):
        with suppress(TypeError):
            assign(cycles, sampling_pattern=pattern)
            break


def _choose_device(device: str) -> str:
    if device == "cpu":
        return "cpu"
    kinds = _gpu_kinds()
    if device == "auto":
        if not kinds:
            _log.info("No GPU that Cycles can use was found; rendering on the CPU.")
        return kinds[0] if kinds else "cpu"
    if device not in kinds:
        raise RenderSettingsError(
            f"Render device {device!r} is not on this machine; use one of "
            f"{', '.join(('auto', 'cpu', *kinds))}."
        )
    return device


@cache
def _gpu_kinds() -> tuple[str, ...]:
    """GPU kinds with a device, in order of preference; asked for once, as it starts drivers."""
    return tuple(kind.lower() for kind in GPU_KINDS if _has_devices(kind))


def _has_devices(kind: str) -> bool:
    preferences = _preferences()
    if preferences is None:
        return False
    try:
        devices = preferences.get_devices_for_type(kind)
    except (TypeError, ValueError, RuntimeError):  # a kind that this build does not know
        return False
    return any(device.type == kind for device in devices)


def _preferences() -> Any:
    addon = bpy.context.preferences.addons.get("cycles")
    return None if addon is None else addon.preferences


def _identifier(engine: str) -> str | None:
    """Blender's identifier of an engine, or None when this Blender lacks it."""
    if engine == "cycles":
        return "CYCLES" if hasattr(bpy.types.Scene, "cycles") else None
    known = bpy.types.RenderSettings.bl_rna.properties["engine"].enum_items
    # The list is filled at run time; before 4.2 there is only BLENDER_EEVEE.
    for identifier in _ENGINES.get(engine, ()):
        if identifier in known or identifier == _eevee_by_version(engine):
            return identifier
    return None


def _eevee_by_version(engine: str) -> str | None:
    if engine != "eevee":
        return "BLENDER_WORKBENCH"
    return "BLENDER_EEVEE_NEXT" if (4, 2) <= bpy.app.version < (5, 0) else "BLENDER_EEVEE"

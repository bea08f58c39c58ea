"""A renderer with a camera behind it: the other renderer's linear light becomes pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from blender_addon.contract.camera_model import CameraModel
from blender_addon.contract.frames import AttributeStep, Difference, Frame, RenderSettings
from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.camera.picture import noise_of, take_pictures
from metasim_backend.camera.tones import to_8_bits
from metasim_backend.rendering.renderer import DifferenceRenderer, RenderingError


def with_camera(renderer: DifferenceRenderer, camera: CameraModel) -> DifferenceRenderer:
    """The renderer seen through a camera; the identity leaves it as it is."""
    return renderer if camera.is_identity else CameraRenderer(renderer, camera)


class CameraRenderer:
    """Frames whose pictures a camera took. Labels and maps are the renderer's.

    Sensor noise is a function of the settings' noise seed, so that the same scene, settings and
    seed give the same picture. Settings that ask for linear light get it without the camera.

    A :class:`metasim_backend.rendering.renderer.LightRenderer`: a gradient goes through ``taken``
    by autograd, and only the linear light is differenced.

    Args:
        source: delivers scene-linear light where the settings say ``linear``.
        camera: what takes the pictures.
    """

    def __init__(self, source: DifferenceRenderer, camera: CameraModel) -> None:
        self.source = source
        self.camera = camera
        self.name = source.name

    def render(
        self,
        scenes: Sequence[SceneGraph],
        settings: Sequence[RenderSettings],
        progress: Callable[[int], object] | None = None,
        **more: Any,
    ) -> list[Frame]:
        """One frame a scene; ``more`` is what the other renderer takes beside."""
        wanted = [replace(s, linear=True) for s in settings]
        frames = self.source.render(scenes, wanted, progress, **more)
        return [
            frame if s.linear else self.developed(frame, s)
            for frame, s in zip(frames, settings, strict=True)
        ]

    @torch.no_grad()
    def developed(self, frame: Frame, settings: RenderSettings) -> Frame:
        """A frame of linear light with the picture that the camera takes of it.

        Raises:
            RenderingError: when it holds no linear light.
        """
        if frame.image.dtype.kind != "f":
            raise RenderingError(
                f"The renderer {self.name!r} gave 8 bits where a camera model needs linear light."
            )
        picture = self.taken(light_of([frame]), [settings.seed])
        pixels = np.ascontiguousarray(picture[0].permute(1, 2, 0).numpy())
        if not settings.float_image:
            pixels = np.rint(to_8_bits(picture)[0].permute(1, 2, 0).numpy() * 255)
            pixels = np.ascontiguousarray(pixels.astype(np.uint8))
        return replace(frame, image=pixels)

    def taken(self, light: Tensor, seeds: Sequence[int]) -> Tensor:
        """Pictures [B, 3, H, W] of linear light, each with the noise of its seed; differentiable
        in the light."""
        noise = None
        if self.camera.has_noise:
            noise = noise_of(seeds, *light.shape[-2:]).to(light)
        return take_pictures(light, self.camera, noise)

    def differences(
        self,
        scenes: Sequence[SceneGraph],
        settings: Sequence[RenderSettings],
        steps: Sequence[Sequence[AttributeStep]],
        *,
        full_frame: bool = False,
    ) -> list[list[Difference]]:
        """Of whole pictures, from two renders a step: a lens, a sharpening and JPEG reach beyond
        every window. A gradient takes the linear differences instead, which are cheaper.
        """
        ends, wanted = [], []
        for scene, own, some in zip(scenes, settings, steps, strict=True):
            for step in some:
                for value in (step.plus, step.minus):
                    ends.append(scene.with_attributes({step.node: {step.attribute: value}}))
                    wanted.append(replace(own, float_image=True))
        images = iter([frame.image for frame in self.render(ends, wanted)])
        return [
            [Difference((0, 0, own.width, own.height), next(images) - next(images)) for _ in some]
            for own, some in zip(settings, steps, strict=True)
        ]

    def close(self) -> None:
        self.source.close()


def light_of(frames: Sequence[Frame]) -> Tensor:
    """[B, 3, H, W] float32: the pictures of frames of one size."""
    images = np.stack([frame.image for frame in frames]).astype(np.float32)
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()

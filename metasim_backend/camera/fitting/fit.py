"""The whole fit: each part of the camera in turn, and all of them once more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from blender_addon.contract.camera_model import BOUNDS, CameraModel
from metasim_backend.camera import lens
from metasim_backend.camera.fitting.aberration import fit_aberration
from metasim_backend.camera.fitting.finding import Finding
from metasim_backend.camera.fitting.noise import fit_noise
from metasim_backend.camera.fitting.sharpness import fit_sharpness
from metasim_backend.camera.fitting.tones import distance, fit_tones
from metasim_backend.camera.fitting.vignette import fit_vignette
from metasim_backend.camera.numbers import camera_of
from metasim_backend.camera.picture import noise_of, take_pictures

ROUNDS = 2
PARTS = ("tones", "vignette", "sharpness", "aberration", "noise")
STEPS = ROUNDS * len(PARTS) + 3
"""How often :func:`fit_camera` tells of its progress."""
FEWEST = 4  # photographs, and renders
PIXELS = 6_000
NOISY = 12  # renders that the noise is tried on: each has hundreds of patches
SEED = 0


class FitError(ValueError):
    """Photographs or renders that no camera can be fitted to; one sentence."""


@dataclass(frozen=True)
class FittedCamera:
    """A camera, what it was read off, and how much nearer it brings the renders.

    Attributes:
        camera: the model.
        findings: by parameter, in the order of the model.
        before, after: how far the colours' histograms of photographs and renders are apart, with
            the identity and with the camera: mean Wasserstein-1 distance, in steps of 8 bits.
    """

    camera: CameraModel
    findings: tuple[Finding, ...]
    before: float
    after: float


def fit_camera(
    photographs: Tensor,
    light: Tensor,
    jpeg_quality: float = 0.0,
    progress: Callable[[], object] = lambda: None,
) -> FittedCamera:
    """The camera that makes renders look as photographs do, as far as statistics tell.

    Args:
        photographs: [N, 3, H, W] uint8, sRGB.
        light: [M, 3, H, W] scene-linear light of renders of the same size.
        jpeg_quality: as the photographs' files tell it; 0 where they do not.
        progress: is called STEPS times.

    Raises:
        FitError: when the sizes differ, or there are fewer than FEWEST of either.
    """
    if photographs.shape[1:] != light.shape[1:]:
        raise FitError(
            f"Photographs of {_size(photographs)} pixels cannot be compared with renders of "
            f"{_size(light)}; render at the photographs' size."
        )
    if min(len(photographs), len(light)) < FEWEST:
        raise FitError(
            f"{len(photographs)} photographs and {len(light)} renders are too few to fit a camera "
            f"to; give at least {FEWEST} of each."
        )
    seen = photographs.float() / 255
    light = light.float()
    noise = noise_of(range(len(light)), *light.shape[-2:])
    found: dict[str, Finding] = {}
    numbers: dict[str, Tensor] = {}
    if jpeg_quality:
        numbers["jpeg_quality"] = torch.tensor(float(jpeg_quality))
        found["jpeg_quality"] = Finding("jpeg_quality", jpeg_quality, remark="the files' tables")

    def note(findings: list[Finding]) -> None:
        for finding in findings:
            found[finding.name] = finding
            numbers.pop(finding.name, None)
            if finding.value:
                numbers[finding.name] = torch.tensor(finding.value)
        progress()

    for _ in range(ROUNDS):
        numbers |= fit_tones(some_pixels(seen), some_pixels(_behind_vignette(light, numbers)))
        progress()
        note([fit_vignette(seen, light, numbers)])
        note(fit_sharpness(seen, light, numbers, noise))
        note(fit_aberration(seen, light, numbers, noise))
        note(fit_noise(seen, light[:NOISY], numbers, noise[:NOISY]))
    behind = _behind_vignette(light, numbers)
    tones = fit_tones(some_pixels(seen), some_pixels(behind))
    progress()
    errors = _differences_of_halves(seen, behind, progress)
    numbers |= tones
    for name, tensor in tones.items():
        if name != "colour_matrix":
            remark = "distribution of colours, relative to the prior's light"
            found[name] = Finding(name, float(tensor), errors[name], remark=remark)
    camera = camera_of(numbers)
    pictures = take_pictures(light, camera, noise)
    return FittedCamera(
        camera,
        tuple(found[name] for name in BOUNDS if name in found),
        distance(some_pixels(seen), some_pixels(take_pictures(light, CameraModel()))),
        distance(some_pixels(seen), some_pixels(pictures)),
    )


def _behind_vignette(light: Tensor, numbers: dict[str, Tensor]) -> Tensor:
    if "vignette" not in numbers:
        return light
    return lens.vignette(light, numbers["vignette"], 2.0)


def _differences_of_halves(
    seen: Tensor, light: Tensor, progress: Callable[[], object]
) -> dict[str, float]:
    """Half of how far the tones of two halves of photographs and renders are apart: of a mean of
    two that is its standard error."""
    halves = []
    for part in (slice(0, None, 2), slice(1, None, 2)):
        halves.append(fit_tones(some_pixels(seen[part]), some_pixels(light[part])))
        progress()
    return {n: float((halves[0][n] - halves[1][n]).abs().max()) / 2 for n in halves[0]}


def some_pixels(pictures: Tensor) -> Tensor:
    """[PIXELS, 3] of [N, 3, H, W], at places that are drawn with a fixed seed."""
    pixels = pictures.permute(0, 2, 3, 1).reshape(-1, 3)
    source = torch.Generator().manual_seed(SEED)
    return pixels[torch.randint(len(pixels), (PIXELS,), generator=source)]


def _size(images: Tensor) -> str:
    return f"{images.shape[-1]}x{images.shape[-2]}"

r"""Gradients of a loss on rendered images with respect to scene attributes.

For an attribute a of a node and a loss L on the image I, the chain rule with a central
difference gives (Meta-Sim, section 3.4):

.. math::
    \frac{\partial L}{\partial a} \approx
        \frac{\langle \partial L/\partial I,\; I(a + h) - I(a - h)\rangle}{(a + h) - (a - h)}

The difference is zero outside the pixels that the change can touch, so only that window has to
be rendered. Each scene is paired with its own image's adjoint, and where a range's end clips one
side, the quotient divides by the step that was really taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from blender_addon.contract.frames import AttributeStep, Frame, RenderSettings
from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.grammar.encoding import Encoding, Slot, unit_to_value
from metasim_backend.rendering.renderer import DifferenceRenderer

METHODS = ("local", "full")
DEFAULT_STEP = 0.02


@dataclass
class Tape:
    """What one call through the renderer leaves behind for its caller.

    Attributes:
        scenes: the decoded scenes, exactly as rendered.
        frames: their frames, in order, images as float32.
        renders: finite-difference steps that the backward pass took.
    """

    scenes: list[SceneGraph] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    steps: int = 0


def render(
    renderer: DifferenceRenderer,
    encoding: Encoding,
    scenes: Sequence[SceneGraph],
    values: Sequence[Tensor],
    mutable: Sequence[Tensor],
    settings: Sequence[RenderSettings],
    *,
    method: str = "local",
    chosen: Sequence[np.ndarray] | None = None,
) -> tuple[Tensor, Tape]:
    """Decode attribute values into scenes and render them, differentiably in the values.

    Args:
        renderer: renders frames and differences.
        encoding: says how values become attributes.
        scenes: B scene graphs that give the structure.
        values: B tensors [N_b, A], in the encoding's units.
        mutable: B bool tensors [N_b, A]: the slots whose gradient is wanted. Categorical slots
            have none.
        settings: B render settings; each scene's noise seed is held fixed on both sides.
        method: ``"local"`` renders only the window that a step can change, ``"full"`` the frame.
        chosen: B arrays [N_b, A] of weights; slots with weight 0 are left out and the others'
            gradients are multiplied by the weight (random coordinates, unbiased when a weight is
            1 / probability of being chosen).

    Returns:
        images [B, 3, H, W] float32 in [0, 1], and the tape.
    """
    if method not in METHODS:
        raise ValueError(f"Unknown difference method {method!r}; choose from {METHODS}.")
    tape = Tape()
    sizes = [v.shape[0] for v in values]
    weights = [
        m.cpu().numpy().astype(np.float64) if chosen is None else m.cpu().numpy() * chosen[i]
        for i, m in enumerate(mutable)
    ]
    request = _Request(
        renderer,
        encoding,
        list(scenes),
        weights,
        [replace(s, float_image=True) for s in settings],
        method == "full",
        sizes,
        tape,
    )
    images = _Render.apply(torch.cat(list(values)), request)
    return images, tape


@dataclass(frozen=True, eq=False)
class _Request:
    renderer: DifferenceRenderer
    encoding: Encoding
    scenes: list[SceneGraph]
    weights: list[np.ndarray]
    settings: list[RenderSettings]
    full_frame: bool
    sizes: list[int]
    tape: Tape


class _Render(torch.autograd.Function):
    @staticmethod
    def forward(ctx, values: Tensor, request: _Request) -> Tensor:
        ctx.request = request
        ctx.save_for_backward(values)
        parts = values.detach().cpu().split(request.sizes)
        request.tape.scenes = [
            request.encoding.decode(scene, part)
            for scene, part in zip(request.scenes, parts, strict=True)
        ]
        request.tape.frames = request.renderer.render(request.tape.scenes, request.settings)
        images = np.stack([frame.image for frame in request.tape.frames])
        return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous().to(values.device)

    @staticmethod
    def backward(ctx, *adjoints: Tensor):
        request: _Request = ctx.request
        (values,) = ctx.saved_tensors
        adjoint = adjoints[0].detach().permute(0, 2, 3, 1).cpu().numpy()
        parts = values.detach().cpu().split(request.sizes)
        planned = [
            plan_steps(request.encoding, scene, part.numpy(), weights)
            for scene, part, weights in zip(
                request.tape.scenes, parts, request.weights, strict=True
            )
        ]
        found = request.renderer.differences(
            request.tape.scenes,
            request.settings,
            [[p.step for p in plan] for plan in planned],
            full_frame=request.full_frame,
        )
        gradients = []
        for image_adjoint, part, plan, differences in zip(
            adjoint, parts, planned, found, strict=True
        ):
            gradient = np.zeros(part.shape, dtype=np.float64)
            for item, difference in zip(plan, differences, strict=True):
                x0, y0, x1, y1 = difference.window
                product = np.vdot(image_adjoint[y0:y1, x0:x1].astype(np.float64), difference.values)
                gradient[item.row, item.column] = item.weight * product / item.width
            gradients.append(_keep_in_range(gradient, part.numpy(), request.encoding))
            request.tape.steps += len(plan)
        out = torch.from_numpy(np.concatenate(gradients)).to(values)
        return out, None


@dataclass(frozen=True)
class PlannedStep:
    """One finite difference with its place in the value matrix.

    ``width`` is the distance between both sides in the encoding's units.
    """

    row: int
    column: int
    step: AttributeStep
    width: float
    weight: float


def plan_steps(
    encoding: Encoding, scene: SceneGraph, values: np.ndarray, weights: np.ndarray
) -> list[PlannedStep]:
    """The finite differences for every numeric slot whose weight is not zero.

    Continuous values are clamped to the range first, as decoding does; near an end the step
    there becomes one-sided.
    """
    plan = []
    for row, node in enumerate(scene.nodes):
        for slot in encoding.slots:
            weight = weights[row, slot.index]
            if weight == 0 or slot.attribute.kind == "categorical":
                continue
            low, high = _both_sides(slot, float(values[row, slot.index]))
            step = AttributeStep(
                node.id,
                slot.attribute.name,
                float(unit_to_value(slot, low)),
                float(unit_to_value(slot, high)),
            )
            plan.append(PlannedStep(row, slot.index, step, high - low, float(weight)))
    return plan


def _both_sides(slot: Slot, value: float) -> tuple[float, float]:
    step = slot.step_unit or DEFAULT_STEP
    if slot.attribute.kind == "circular":
        return value - step, value + step
    value = min(max(value, 0.0), 1.0)
    return max(value - step, 0.0), min(value + step, 1.0)


def _keep_in_range(gradient: np.ndarray, values: np.ndarray, encoding: Encoding) -> np.ndarray:
    """Drop gradients whose descent would push a clamped value further out of its range."""
    continuous = np.array([slot.attribute.kind == "continuous" for slot in encoding.slots])
    outward = ((values > 1) & (gradient < 0)) | ((values < 0) & (gradient > 0))
    return np.where(outward & continuous, 0.0, gradient)

r"""Gradients of a loss on rendered images with respect to scene attributes.

For an attribute a of a node and a loss L on the image I, the chain rule with a central
difference gives (Meta-Sim, section 3.4):

.. math::
    \frac{\partial L}{\partial a} \approx
        \frac{\langle \partial L/\partial I,\; I(a + h) - I(a - h)\rangle}{(a + h) - (a - h)}

The difference is zero outside the pixels that the change can touch, so only that window has to
be rendered. Each scene is paired with its own image's adjoint, and where a range's end clips one
side, the quotient divides by the step that was really taken.

A deep network is far from linear between I(a - h) and I(a + h), and then the product above can
point the wrong way. With features φ given, the difference is taken behind them:

.. math::
    \frac{\partial L}{\partial a} \approx
        \frac{\langle \partial L/\partial\varphi,\;
              \varphi(I + D/2) - \varphi(I - D/2)\rangle}{(a + h) - (a - h)},
    \qquad D = I(a + h) - I(a - h)

at the cost of two evaluations of φ a step.

A renderer that is differentiable itself gives the exact gradient instead, by autograd.

With a camera model between the light X and the picture I = C(X), the differences are those of the
light, still in a window, and ∂L/∂X comes from ∂L/∂I by autograd through C; behind features, φ∘C
takes the place of φ.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from blender_addon.contract.frames import AttributeStep, Difference, Frame, RenderSettings
from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.grammar.encoding import Encoding, Slot, unit_to_value
from metasim_backend.rendering.renderer import DifferenceRenderer, ExactRenderer, LightRenderer

METHODS = ("auto", "exact", "local", "full")
DEFAULT_STEP = 0.02
PAIRS = 8


@dataclass
class Tape:
    """What one call through the renderer leaves behind for its caller.

    Attributes:
        scenes: the decoded scenes, exactly as rendered.
        steps: finite-difference steps that the backward pass took; 0 for the exact gradient.
    """

    scenes: list[SceneGraph] = field(default_factory=list)
    steps: int = 0
    _frames: list[Frame] | Callable[[], list[Frame]] = field(default_factory=list)

    @property
    def frames(self) -> list[Frame]:
        """The scenes' frames, in order, images as float32; of the exact method made only now."""
        if callable(self._frames):
            self._frames = self._frames()
        return self._frames

    def keep(self, frames: list[Frame] | Callable[[], list[Frame]]) -> None:
        """Leave frames, or what makes them when they are asked for."""
        self._frames = frames


def method_for(renderer: DifferenceRenderer, wanted: str) -> str:
    """The method that is meant: ``"auto"`` is exact where the renderer can, else local.

    Raises:
        DifferentiationError: when there is no such method, or the renderer cannot.
    """
    if wanted not in METHODS:
        raise DifferentiationError(
            f"Unknown difference method {wanted!r}; choose from {', '.join(METHODS)}."
        )
    exact = isinstance(renderer, ExactRenderer)
    if wanted == "exact" and not exact:
        raise DifferentiationError(
            f"The renderer {renderer.name!r} has no exact gradient; use local or full differences."
        )
    return wanted if wanted != "auto" else "exact" if exact else "local"


class DifferentiationError(ValueError):
    """A gradient that was asked for in a way that the renderer does not offer."""


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
    features: Callable[[Tensor], Tensor] | None = None,
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
        method: ``"exact"`` is autograd's gradient, of a renderer that has one; ``"local"``
            renders only the window that a step can change, ``"full"`` the frame; ``"auto"`` is
            exact where that is possible, else local.
        chosen: B arrays [N_b, A] of weights; slots with weight 0 are left out and the others'
            gradients are multiplied by the weight (random coordinates, unbiased when a weight is
            1 / probability of being chosen). The exact gradient leaves nothing out.
        features: φ, [B, 3, H, W] to [B, D], when the difference is to be taken behind it.

    Returns:
        images [B, 3, H, W] float32 in [0, 1], or with φ given φ(images) [B, D]; and the tape.

    Raises:
        DifferentiationError: when the renderer does not offer the method.
    """
    method = method_for(renderer, method)
    if method == "exact":
        assert isinstance(renderer, ExactRenderer)
        images, tape = _render_exactly(renderer, encoding, scenes, values, mutable, settings)
        return (images if features is None else features(images)), tape
    tape = Tape()
    settings = [replace(s, float_image=True) for s in settings]
    camera = renderer if isinstance(renderer, LightRenderer) else None
    sizes = [v.shape[0] for v in values]
    weights = [
        m.cpu().numpy().astype(np.float64) if chosen is None else m.cpu().numpy() * chosen[i]
        for i, m in enumerate(mutable)
    ]
    request = _Request(
        renderer if camera is None else camera.source,
        encoding,
        list(scenes),
        weights,
        [replace(s, linear=camera is not None) for s in settings],
        method == "full",
        sizes,
        tape,
        features,
        camera,
    )
    out = _Render.apply(torch.cat(list(values)), request)
    if camera is not None:
        tape.keep(partial(_developed, camera, tape.frames, settings))
        if features is None:
            out = camera.taken(out, [s.seed for s in settings])
    return out, tape


def _developed(
    camera: LightRenderer, frames: Sequence[Frame], settings: Sequence[RenderSettings]
) -> list[Frame]:
    return [camera.developed(f, s) for f, s in zip(frames, settings, strict=True)]


def _render_exactly(
    renderer: ExactRenderer,
    encoding: Encoding,
    scenes: Sequence[SceneGraph],
    values: Sequence[Tensor],
    mutable: Sequence[Tensor],
    settings: Sequence[RenderSettings],
) -> tuple[Tensor, Tape]:
    """Pictures through which autograd reaches the values; scenes are decoded as ever."""
    settings = [replace(s, float_image=True) for s in settings]
    decoded = [encoding.decode(scene, v.detach()) for scene, v in zip(scenes, values, strict=True)]
    together = torch.cat(list(values))
    wanted = torch.where(torch.cat(list(mutable)), together, together.detach())
    images = renderer.differentiable(decoded, settings, numbers_of(encoding, scenes, wanted))
    tape = Tape(decoded, 0, lambda: renderer.render(decoded, settings))
    return images.to(together.device), tape


def numbers_of(
    encoding: Encoding, scenes: Sequence[SceneGraph], values: Tensor
) -> dict[tuple[str, str], Tensor]:
    """Numeric mutable attributes in the grammar's units, by (class, attribute), as
    :class:`ExactRenderer` takes them.

    Args:
        values: [sum N_b, A] in the encoding's units, the scenes' nodes in order; the result is
            differentiable in them.
    """
    of_class: dict[str, list[int]] = {}
    for row, node in enumerate(node for scene in scenes for node in scene.nodes):
        of_class.setdefault(node.class_name, []).append(row)
    numbers = {}
    for slot in encoding.slots:
        rows = of_class.get(slot.class_name)
        if rows is None or slot.kind == "categorical" or not slot.attribute.mutable:
            continue
        column = values[rows, slot.index]
        if slot.kind == "continuous":
            column = _Clamped.apply(column)
        low, _ = slot.attribute.bounds
        numbers[slot.class_name, slot.attribute.name] = low + slot.attribute.span * column
    return numbers


class _Clamped(torch.autograd.Function):
    """Clamped to [0, 1]; only a gradient whose descent leads back into the range goes through."""

    @staticmethod
    def forward(ctx, values: Tensor) -> Tensor:
        ctx.save_for_backward(values)
        return values.clamp(0, 1)

    @staticmethod
    def backward(ctx, *adjoints: Tensor):
        (values,) = ctx.saved_tensors
        (gradient,) = adjoints
        outward = ((values > 1) & (gradient < 0)) | ((values < 0) & (gradient > 0))
        return torch.where(outward, 0.0, gradient)


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
    features: Callable[[Tensor], Tensor] | None
    camera: LightRenderer | None = None
    light: list[np.ndarray] = field(default_factory=list)

    def features_of(self, images: Tensor, numbers: Sequence[int]) -> Tensor:
        """φ of pictures, or of pictures taken of linear light, of the scenes with these numbers."""
        assert self.features is not None
        if self.camera is not None:
            images = self.camera.taken(images, [self.settings[i].seed for i in numbers])
        return self.features(images)

    def features_of_scene(self, number: int, images: Tensor) -> Tensor:
        """The same for many pictures of one scene."""
        return self.features_of(images, [number] * len(images))

    def image(self, number: int) -> np.ndarray:
        """[H, W, 3] float32: a scene's picture, or its linear light where there is a camera."""
        return self.light[number] if self.light else self.tape.frames[number].image


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
        images = _pictures(request)
        if request.features is not None:
            with torch.no_grad():
                every = range(len(request.scenes))
                return request.features_of(images, every).to(values.device)
        return images.to(values.device)

    @staticmethod
    def backward(ctx, *adjoints: Tensor):
        request: _Request = ctx.request
        (values,) = ctx.saved_tensors
        adjoint = adjoints[0].detach().cpu()
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
        for number, (own_adjoint, part, plan, differences) in enumerate(
            zip(adjoint, parts, planned, found, strict=True)
        ):
            if request.features is None:
                whole = own_adjoint.permute(1, 2, 0).double().numpy()
                products = [_image_product(whole, d) for d in differences]
            else:
                products = _feature_products(
                    partial(request.features_of_scene, number),
                    own_adjoint,
                    request.image(number),
                    differences,
                )
            gradient = np.zeros(part.shape, dtype=np.float64)
            for item, product in zip(plan, products, strict=True):
                gradient[item.row, item.column] = item.weight * product / item.width
            gradients.append(_keep_in_range(gradient, part.numpy(), request.encoding))
            request.tape.steps += len(plan)
        out = torch.from_numpy(np.concatenate(gradients)).to(values)
        return out, None


def _pictures(request: _Request) -> Tensor:
    """[B, 3, H, W]; with their frames, or without where pictures can be had by themselves."""
    renderer, scenes, settings = request.renderer, request.tape.scenes, request.settings
    if isinstance(renderer, ExactRenderer):
        request.tape.keep(lambda: renderer.render(scenes, settings))
        with torch.no_grad():
            return renderer.differentiable(scenes, settings, {}).cpu()
    frames = renderer.render(scenes, settings)
    request.tape.keep(frames)
    images = np.stack([frame.image for frame in frames])
    if request.camera is not None:
        images = images.astype(np.float32)  # half floats came over the wire
        request.light.extend(images)
    return _tensor(images)


def _tensor(images: np.ndarray) -> Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()


def _image_product(adjoint: np.ndarray, difference: Difference) -> float:
    """<adjoint, difference> for an adjoint [H, W, 3]."""
    x0, y0, x1, y1 = difference.window
    return float(np.einsum("ijk,ijk->", adjoint[y0:y1, x0:x1], difference.values))


@torch.no_grad()
def _feature_products(
    features: Callable[[Tensor], Tensor],
    adjoint: Tensor,
    image: np.ndarray,
    differences: Sequence[Difference],
) -> list[float]:
    """<adjoint, φ(I + D/2) - φ(I - D/2)> for an adjoint [D] and each difference of one image."""
    products = [0.0] * len(differences)
    moved = [i for i, d in enumerate(differences) if d.values.any()]
    for start in range(0, len(moved), PAIRS):
        some = moved[start : start + PAIRS]
        sides = np.repeat(image[None], 2 * len(some), axis=0)
        for place, i in enumerate(some):
            x0, y0, x1, y1 = differences[i].window
            sides[2 * place, y0:y1, x0:x1] += differences[i].values / 2
            sides[2 * place + 1, y0:y1, x0:x1] -= differences[i].values / 2
        found = features(_tensor(sides)).double()
        for place, i in enumerate(some):
            change = found[2 * place] - found[2 * place + 1]
            products[i] = float(adjoint.double() @ change.cpu())
    return products


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

"""What a renderer is asked for and what it returns: settings, frames, labels, windows.

Pixel boxes are ``(x0, y0, x1, y1)`` in pixels from the image's top left corner, with x1 and y1
exclusive: a box that holds the single pixel (0, 0) is ``(0, 0, 1, 1)``. Cameras follow OpenCV:
x right, y down, z forward; pixel (0, 0) has its centre at (0.5, 0.5).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

Box = tuple[float, float, float, float]
MAX_SIDE = 8192
MOST_BOUNCES = 64
PASSES = ("normal", "flow")
LIGHTINGS = ("direct", "traced")


class RenderSettingsError(ValueError):
    """Render settings that cannot be used."""


@dataclass(frozen=True)
class RenderSettings:
    """How to render. The same scene, settings and seed give the same picture.

    Attributes:
        width, height: pixels.
        samples: samples a pixel.
        seed: the renderer's noise seed; finite differences hold it fixed on both sides.
        engine: ``"cycles"``, ``"eevee"``, ``"workbench"`` or a 2-D renderer's name.
        device: ``"cpu"``, or a GPU kind that the renderer knows, or ``"auto"``.
        float_image: return the image as float32 in [0, 1] instead of uint8.
        linear: return the image as float16 scene-linear light, not clipped, for a camera model;
            goes before ``float_image``.
        lighting: ``"direct"``: one sun, and the sky as an ambient term of every material, without
            a random ray; ``"traced"``: Blender's path tracing. Other engines than Cycles have
            light of their own.
        bounces: how often traced light may bounce between diffuse surfaces, and between glossy
            ones; twice as often in all. 0 is direct light only.
        denoise: take the noise out of the picture, where the renderer can.
        passes: what to return beside the picture and its labels, of :data:`PASSES`.
    """

    width: int = 160
    height: int = 96
    samples: int = 1
    seed: int = 0
    engine: str = "cycles"
    device: str = "cpu"
    float_image: bool = False
    bounces: int = 1
    denoise: bool = False
    passes: tuple[str, ...] = ()
    linear: bool = False
    lighting: str = "direct"

    def __post_init__(self) -> None:
        for name in ("width", "height"):
            value = getattr(self, name)
            if not isinstance(value, int) or not 1 <= value <= MAX_SIDE:
                raise RenderSettingsError(
                    f"Render {name} {value!r} is not a whole number from 1 to {MAX_SIDE}."
                )
        if not isinstance(self.samples, int) or not 1 <= self.samples <= 65_536:
            raise RenderSettingsError(
                f"Render samples {self.samples!r} is not a whole number from 1 to 65536."
            )
        if not isinstance(self.seed, int) or not 0 <= self.seed < 2**31:
            raise RenderSettingsError(
                f"Render seed {self.seed!r} is not a whole number from 0 to 2^31 - 1."
            )
        if not isinstance(self.bounces, int) or not 0 <= self.bounces <= MOST_BOUNCES:
            raise RenderSettingsError(
                f"Render bounces {self.bounces!r} is not a whole number from 0 to {MOST_BOUNCES}."
            )
        for name in ("denoise", "linear"):
            value = getattr(self, name)
            if not isinstance(value, bool):
                raise RenderSettingsError(f"Render {name} {value!r} is not true or false.")
        if self.lighting not in LIGHTINGS:
            raise RenderSettingsError(
                f"Render lighting {self.lighting!r} is unknown; use {' or '.join(LIGHTINGS)}."
            )
        if not isinstance(self.passes, (list, tuple)):
            raise RenderSettingsError(f"Render passes {self.passes!r} are not a list of names.")
        for name in self.passes:
            if name not in PASSES:
                raise RenderSettingsError(
                    f"Render pass {name!r} is unknown; known are {', '.join(PASSES)}."
                )
        object.__setattr__(self, "passes", tuple(self.passes))

    def to_dict(self) -> dict:
        """JSON-ready; what came later is left out where it says what was done before it came.

        So a data set that was begun before can be continued with what it was begun with.
        """
        data = asdict(self) | {"passes": list(self.passes)}
        plain = {name: data[name] for name in data if name not in _LATER}
        return plain | {name: data[name] for name in _LATER if getattr(self, name) != _LATER[name]}

    @classmethod
    def from_dict(cls, data: dict) -> RenderSettings:
        """Inverse of :meth:`to_dict`.

        Raises:
            RenderSettingsError: on an unknown key or a wrong value.
        """
        unknown = set(data) - set(cls.__dataclass_fields__)
        if unknown:
            raise RenderSettingsError(
                f"Unknown render setting {sorted(unknown)[0]!r}; known: "
                f"{', '.join(cls.__dataclass_fields__)}."
            )
        return cls(**{**_LATER, **data})


_LATER = {"bounces": 1, "denoise": False, "passes": (), "linear": False, "lighting": "traced"}


@dataclass(frozen=True)
class Box3D:
    """A 3-D box in KITTI's convention: metres, camera axes (x right, y down, z forward).

    ``location`` is the centre of the box's bottom face; ``rotation_y`` in radians in [-pi, pi]
    turns about the camera's y axis and is 0 when the object faces along +x.
    """

    height: float
    width: float
    length: float
    location: tuple[float, float, float]
    rotation_y: float


@dataclass(frozen=True)
class ObjectLabel:
    """The label of one labelled node in one frame.

    Attributes:
        node: the node's id in the scene graph.
        class_name: its class.
        index: its value in the frame's index map; its mask is ``frame.index == index``.
        visible_pixels: pixels of the mask.
        visible_box: tight box of the mask, or None when nothing is visible.
        amodal_box: box of the whole silhouette, uncropped (may leave the frame), or None when the
            object lies wholly behind the camera.
        visibility: visible pixels / pixels of the silhouette that lie in the frame, in [0, 1].
        truncation: 1 - (silhouette's area in the frame / whole silhouette's area), in [0, 1].
        occlusion: KITTI's level from visibility: 0 fully visible, 1 partly, 2 largely occluded,
            3 unknown or invisible.
        box3d: the 3-D box, or None for classes without one.
    """

    node: str
    class_name: str
    index: int
    visible_pixels: int
    visible_box: Box | None
    amodal_box: Box | None
    visibility: float
    truncation: float
    occlusion: int
    box3d: Box3D | None = None


@dataclass(frozen=True, eq=False)
class Frame:
    """One rendered picture with its labels.

    Attributes:
        image: H x W x 3, sRGB; uint8, or float32 in [0, 1] when asked for; or scene-linear light,
            float16.
        index: H x W uint16 index map; 0 is everything unlabelled.
        depth: H x W float32, metres along the optical axis; infinite where there is only sky.
        labels: one per labelled node, visible or not, in the scene graph's order.
        intrinsics: 3 x 3 float64 camera matrix K.
        pose: 4 x 4 float64, world to camera (OpenCV axes).
        semantic: H x W uint8, Cityscapes' label ids (:mod:`.semantics`), the sky's where depth is
            infinite; None from a renderer that knows no such classes.
        normal: H x W x 3 float32, unit normals of the visible surfaces, camera axes (OpenCV), 0
            for the sky; None unless asked for.
        flow: H x W x 2 float32, (right, down) in pixels to where each pixel's surface is in the
            next scene, NaN where that is unknown; None unless asked for.
        rendered_by: what made it, for people: engine, device and what else was found.
    """

    image: np.ndarray
    index: np.ndarray
    depth: np.ndarray
    labels: tuple[ObjectLabel, ...]
    intrinsics: np.ndarray
    pose: np.ndarray
    semantic: np.ndarray | None = None
    normal: np.ndarray | None = None
    flow: np.ndarray | None = None
    rendered_by: str = ""

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.image.shape[1], self.image.shape[0]

    def mask(self, label: ObjectLabel) -> np.ndarray:
        """H x W bool: the label's visible pixels."""
        return self.index == label.index


@dataclass(frozen=True)
class AttributeStep:
    """One finite difference: an attribute of a node, at two values."""

    node: str
    attribute: str
    minus: float
    plus: float


@dataclass(frozen=True, eq=False)
class Difference:
    """What a step changes: ``image(plus) - image(minus)`` inside a window, zero outside it.

    Attributes:
        window: (x0, y0, x1, y1) whole pixels; an empty window (all zeros) means no change.
        values: (y1 - y0) x (x1 - x0) x 3 float32, sRGB in [0, 1], or linear light where that was
            asked for; not divided by the step.
    """

    window: tuple[int, int, int, int]
    values: np.ndarray


def frame_to_message(frame: Frame) -> tuple[dict, dict[str, np.ndarray]]:
    """Split a frame into a JSON-ready dict and named arrays for the wire."""
    arrays = {name: getattr(frame, name) for name in (*_ARRAYS, *_OPTIONAL_ARRAYS)}
    body = {
        "labels": [_label_to_dict(label) for label in frame.labels],
        "rendered_by": frame.rendered_by,
    }
    return body, {name: array for name, array in arrays.items() if array is not None}


def frame_from_message(body: dict, arrays: dict[str, np.ndarray]) -> Frame:
    """Inverse of :func:`frame_to_message`.

    Raises:
        ValueError, KeyError, TypeError: when the message is not a frame.
    """
    known = _ARRAYS | _OPTIONAL_ARRAYS
    missing, strange = _ARRAYS.keys() - arrays.keys(), arrays.keys() - known.keys()
    if missing:
        raise ValueError(f"the frame's array {min(missing)!r} is missing")
    if strange:
        raise ValueError(f"a frame lacks or has no array {min(missing or strange)!r}")
    height, width = arrays["image"].shape[:2]
    for name, array in arrays.items():
        tail, kinds = known[name]
        shape = tail if name in ("intrinsics", "pose") else (height, width, *tail)
        if array.shape != shape or array.dtype.kind not in kinds:
            raise ValueError(f"frame array {name!r} is {array.dtype} {array.shape}, not {shape}")
    labels = tuple(_label_from_dict(item) for item in body["labels"])
    return Frame(labels=labels, rendered_by=str(body.get("rendered_by", "")), **arrays)


# Name -> shape (after height and width, but for the matrices) and kinds of numbers.
_ARRAYS: dict[str, tuple[tuple[int, ...], str]] = {
    "image": ((3,), "uf"),
    "index": ((), "u"),
    "depth": ((), "f"),
    "intrinsics": ((3, 3), "f"),
    "pose": ((4, 4), "f"),
}
_OPTIONAL_ARRAYS: dict[str, tuple[tuple[int, ...], str]] = {
    "semantic": ((), "u"),
    "normal": ((3,), "f"),
    "flow": ((2,), "f"),
}


def _label_to_dict(label: ObjectLabel) -> dict:
    """What ``dataclasses.asdict`` gives, in a tenth of its time: nothing is copied."""
    return {**vars(label), "box3d": vars(label.box3d)}


def _label_from_dict(item: dict) -> ObjectLabel:
    values = dict(item)
    for name in ("visible_box", "amodal_box"):
        if values[name] is not None:
            x0, y0, x1, y1 = (float(v) for v in values[name])
            values[name] = (x0, y0, x1, y1)
    if values["box3d"] is not None:
        box = dict(values["box3d"])
        x, y, z = (float(v) for v in box["location"])
        values["box3d"] = Box3D(**{**box, "location": (x, y, z)})
    return ObjectLabel(**values)

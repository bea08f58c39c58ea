"""What a detector is and how it is trained.

Meta-Sim trains Mask R-CNN with a ResNet-50-FPN from ImageNet weights; that is the default here.
:meth:`DetectorSettings.for_cpu` is a network of the same make that a CPU can train in a minute.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any

from blender_addon.contract.text_files import shown
from metasim_backend.tasks.average_precision import CLASS_MAPPING
from metasim_backend.tasks.backbones import BACKBONES
from metasim_backend.tasks.detection_targets import AugmentationSettings

NORMS = ("auto", "frozen", "batch", "group")
LARGEST = 1_000_000
"""Of a setting's number."""


class DetectorError(ValueError):
    """Settings, frames or a state that the detector cannot use."""


@dataclass(frozen=True)
class DetectorSettings:
    """What the detector is and how it is trained; the defaults are the paper's network.

    Attributes:
        backbone: "resnet50", "resnet18", "mobilenet_v2" or "mobilenet_v3_large".
        weights: "DEFAULT" (torchvision's ImageNet weights), "none", or a file's path.
        classes: what is detected.
        class_mapping: class of a label to the detector's class; others stay as they are.
        norm: "frozen" BatchNorm keeps ImageNet's statistics; "group" is for training from
            scratch, where frozen statistics let activations explode; "batch" learns statistics
            from small batches; "auto" is "frozen" with weights and "group" without.
        normed_pyramid: GroupNorm in the pyramid. Small batches at a high learning rate diverge
            without it, ImageNet weights or not; the paper's network has none.
        trained_stages: how many of the backbone's four stages are trained (from the last back);
            without weights all are.
        masks: with the mask head; without it the network is a Faster R-CNN.
        upscale: pictures are enlarged by this before they enter the network.
        anchor_sizes: pixels (after ``upscale``) of the anchors of strides 4, 8, 16, 32, 64.
        canonical_size: boxes of this size (after ``upscale``) are pooled from stride 16, of half
            of it from stride 8, and so on.
        pyramid_channels, head_features, mask_channels: widths.
        rpn_before_nms, rpn_after_nms: proposals kept (a level, a picture) when training; half
            of them are kept when testing.
        rpn_samples, box_samples: anchors and proposals a picture that the losses are taken over.
        detections: most detections a picture.
        min_score: detections below it are dropped.
        min_pixels, min_visibility: objects that show less are not learnt from.
        whole_boxes: boxes are of whole objects, also where others hide them, as KITTI's are; else
            of what is visible of them.
        learning_rate, momentum, weight_decay: of SGD.
        warm_up: steps over which the learning rate rises linearly from 0.
        largest_gradient: the gradient's norm is clipped to this.
        batch_size: frames a step.
        steps: steps of one call of training, for the caller's use.
        average_steps: steps over which the weights are averaged (exponentially) that detect; 1:
            those that are trained.
        augmentation: random changes of the training pictures.
    """

    backbone: str = "resnet50"
    weights: str = "DEFAULT"
    classes: tuple[str, ...] = ("car",)
    class_mapping: Mapping[str, str] = field(default_factory=lambda: dict(CLASS_MAPPING))
    norm: str = "auto"
    normed_pyramid: bool = False
    trained_stages: int = 3
    masks: bool = True
    upscale: float = 1.0
    anchor_sizes: tuple[int, ...] = (8, 16, 32, 64, 128)
    canonical_size: int = 112
    pyramid_channels: int = 256
    head_features: int = 1024
    mask_channels: tuple[int, ...] = (256, 256, 256, 256)
    rpn_before_nms: int = 2000
    rpn_after_nms: int = 2000
    rpn_samples: int = 256
    box_samples: int = 512
    detections: int = 100
    min_score: float = 0.05
    min_pixels: int = 12
    min_visibility: float = 0.15
    whole_boxes: bool = False
    learning_rate: float = 0.005
    momentum: float = 0.9
    weight_decay: float = 1e-4
    warm_up: int = 100
    largest_gradient: float = 10.0
    batch_size: int = 4
    steps: int = 500
    average_steps: int = 1
    augmentation: AugmentationSettings = AugmentationSettings()

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not _is_of_kind(value, type(self).__dataclass_fields__[name].type):
                raise DetectorError(
                    f"Detector setting {name} is {shown(value)}; give "
                    f"{type(self).__dataclass_fields__[name].type}."
                )
        object.__setattr__(self, "class_mapping", MappingProxyType(dict(self.class_mapping)))
        for name, known in (("backbone", BACKBONES), ("norm", NORMS)):
            if getattr(self, name) not in known:
                raise DetectorError(
                    f"Unknown detector {name} {getattr(self, name)!r}; choose {', '.join(known)}."
                )
        if not self.classes or len(self.anchor_sizes) != 5:
            raise DetectorError(
                f"A detector needs a class and five anchor sizes; it has {self.classes!r} and "
                f"{self.anchor_sizes!r}."
            )
        above = ("learning_rate", "upscale", "batch_size", "largest_gradient", "detections")
        for name in (*above, "average_steps"):
            if not getattr(self, name) > 0:
                raise DetectorError(
                    f"Detector setting {name} is {getattr(self, name)!r}; it must be above 0."
                )

    def __reduce__(self):
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return partial(DetectorSettings, **values | {"class_mapping": dict(self.class_mapping)}), ()

    @classmethod
    def for_cpu(cls, **changes: Any) -> DetectorSettings:
        """A small detector that learns in about a minute on two CPU cores, from scratch."""
        return replace(cls(backbone="mobilenet_v2", weights="none", **_SMALL), **changes)

    @classmethod
    def for_photographs(cls, **changes: Any) -> DetectorSettings:
        """A small detector with ImageNet weights for photographs as large as a camera takes them:
        it learns from random cuts of 352 pixels, in some minutes on two CPU cores."""
        return replace(cls.for_cpu(**_LARGE), **changes)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> DetectorSettings:
        """Of :meth:`to_dict`, also where tuples have become lists."""
        drawn = AugmentationSettings(**_with_tuples(values["augmentation"]))
        return cls(**_with_tuples(values) | {"augmentation": drawn})

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON and YAML."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return values | {
            "class_mapping": dict(self.class_mapping),
            "augmentation": asdict(self.augmentation),
        }

    @property
    def used_norm(self) -> str:
        if self.norm != "auto":
            return self.norm
        return "group" if self.weights == "none" else "frozen"


def _is_of_kind(value: object, kind: object) -> bool:
    """Whether a field's value is of the type that it is declared with, and of a usable size."""
    if kind == "int":
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST
    if kind == "float":
        return _is_of_kind(value, "int") or isinstance(value, float) and abs(value) <= LARGEST
    if kind in ("str", "bool"):
        return type(value).__name__ == kind
    if kind in ("tuple[int, ...]", "tuple[str, ...]"):
        member = "int" if kind == "tuple[int, ...]" else "str"
        return isinstance(value, tuple) and all(_is_of_kind(one, member) for one in value)
    if kind == "Mapping[str, str]":
        return isinstance(value, Mapping) and all(
            isinstance(one, str) for pair in value.items() for one in pair
        )
    return isinstance(value, AugmentationSettings)


def _with_tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {n: tuple(v) if isinstance(v, list) else v for n, v in values.items()}


_SMALL: dict[str, Any] = {
    "normed_pyramid": True,
    "pyramid_channels": 64,
    "canonical_size": 56,
    "head_features": 256,
    "mask_channels": (64, 64),
    "rpn_before_nms": 200,
    "rpn_after_nms": 200,
    "rpn_samples": 128,
    "box_samples": 64,
    "detections": 50,
    "learning_rate": 0.02,
    "warm_up": 50,
    "batch_size": 2,
    "steps": 150,
}
_LARGE: dict[str, Any] = {
    "weights": "DEFAULT",
    "trained_stages": 2,
    "masks": False,
    "whole_boxes": True,
    "anchor_sizes": (16, 32, 64, 128, 256),
    "canonical_size": 112,
    "pyramid_channels": 64,
    "rpn_before_nms": 500,
    "batch_size": 4,
    "average_steps": 100,
    "augmentation": AugmentationSettings(crop=352),
}

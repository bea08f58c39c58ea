"""The task network of the driving experiment: Mask R-CNN that learns from frames, scored by AP.

Meta-Sim trains Mask R-CNN with a ResNet-50-FPN from ImageNet weights; that is the default here.
:meth:`DetectorSettings.for_cpu` is a network of the same make that a CPU can train in a minute.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FasterRCNN, FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.ops import MultiScaleRoIAlign

from blender_addon.contract.frames import Frame
from metasim_backend.tasks.average_precision import (
    CLASS_MAPPING,
    DetectionScore,
    LabelledPicture,
    Prediction,
    detection_score,
)
from metasim_backend.tasks.backbones import BACKBONES, Pyramid, build_pyramid
from metasim_backend.tasks.detection_targets import (
    AugmentationSettings,
    augmented,
    picture_tensor,
    target_of,
)
from metasim_backend.tasks.detection_training import detect, seeded, training_step
from metasim_backend.tasks.task import Losses, Progress

NORMS = ("auto", "frozen", "batch", "group")


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
        learning_rate, momentum, weight_decay: of SGD.
        warm_up: steps over which the learning rate rises linearly from 0.
        largest_gradient: the gradient's norm is clipped to this.
        batch_size: frames a step.
        steps: steps of one call of training, for the caller's use.
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
    learning_rate: float = 0.005
    momentum: float = 0.9
    weight_decay: float = 1e-4
    warm_up: int = 100
    largest_gradient: float = 10.0
    batch_size: int = 4
    steps: int = 500
    augmentation: AugmentationSettings = AugmentationSettings()

    def __post_init__(self) -> None:
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
        for name in ("learning_rate", "upscale", "batch_size", "largest_gradient", "detections"):
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


def build_model(settings: DetectorSettings) -> tuple[MaskRCNN | FasterRCNN, Pyramid]:
    """The network in training form; draws its first weights from torch's global generator.

    Raises:
        BackboneError: weights that cannot be had or do not fit.
    """
    pyramid = build_pyramid(
        settings.backbone,
        settings.weights,
        settings.used_norm,
        4 if settings.weights == "none" else settings.trained_stages,
        settings.pyramid_channels,
        settings.normed_pyramid,
    )
    channels = settings.pyramid_channels
    levels = [str(level) for level in range(4)]
    pool = partial(
        MultiScaleRoIAlign,
        featmap_names=levels,
        sampling_ratio=2,
        canonical_scale=settings.canonical_size,
    )
    options: dict[str, Any] = {
        "box_roi_pool": pool(output_size=7),
        "box_head": TwoMLPHead(channels * 7 * 7, settings.head_features),
    }
    if settings.masks:
        options |= {
            "mask_roi_pool": pool(output_size=14),
            "mask_head": MaskRCNNHeads(channels, settings.mask_channels, 1),
            "mask_predictor": MaskRCNNPredictor(
                settings.mask_channels[-1], settings.mask_channels[-1], 1 + len(settings.classes)
            ),
        }
    kind = MaskRCNN if settings.masks else FasterRCNN
    model = kind(
        pyramid.module,
        num_classes=None,
        box_predictor=FastRCNNPredictor(settings.head_features, 1 + len(settings.classes)),
        rpn_anchor_generator=AnchorGenerator(
            tuple((size,) for size in settings.anchor_sizes), ((0.5, 1.0, 2.0),) * 5
        ),
        rpn_pre_nms_top_n_train=settings.rpn_before_nms,
        rpn_pre_nms_top_n_test=settings.rpn_before_nms // 2,
        rpn_post_nms_top_n_train=settings.rpn_after_nms,
        rpn_post_nms_top_n_test=settings.rpn_after_nms // 2,
        rpn_batch_size_per_image=settings.rpn_samples,
        box_batch_size_per_image=settings.box_samples,
        box_detections_per_img=settings.detections,
        box_score_thresh=settings.min_score,
        **options,
    )
    model.transform = _AsItIs(0, 0, list(pyramid.mean), list(pyramid.std))
    return model, pyramid


class _AsItIs(GeneralizedRCNNTransform):
    """Colour scaling and batching without resizing (torchvision resizes to 800 pixels)."""

    def resize(self, image, target=None):
        return image, target


class Detector:
    """A Mask R-CNN with its optimiser: goes on training from the state that it is in.

    Args:
        settings: what it is.
        generator: draws its first weights; on the CPU.
        device: "cpu", "cuda", ...

    Attributes:
        weights: which weights it began with, in words.
        steps: optimiser steps taken so far.

    Raises:
        BackboneError: weights that cannot be had or do not fit.
    """

    def __init__(
        self,
        settings: DetectorSettings,
        generator: torch.Generator,
        device: torch.device | str = "cpu",
    ) -> None:
        self.settings = settings
        self.device = torch.device(device)
        with seeded(generator, self.device):
            model, pyramid = build_model(settings)
        self.model = model.to(self.device)
        self.weights = pyramid.weights
        self.steps = 0
        self._optimizer = torch.optim.SGD(
            [p for p in self.model.parameters() if p.requires_grad],
            lr=settings.learning_rate,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
        )

    def __repr__(self) -> str:
        s = self.settings
        return f"Detector({s.backbone}, weights: {self.weights}, {', '.join(s.classes)})"

    def train(
        self,
        frames: Sequence[Frame],
        steps: int,
        generator: torch.Generator,
        progress: Progress | None = None,
    ) -> Losses:
        """Go on training for ``steps`` batches of frames drawn without order.

        On a CPU, n steps and n more with the same generator are bit for bit 2 n steps.

        Args:
            frames: what to learn from.
            steps: optimiser steps.
            generator: on the CPU; draws batches, augmentation and the model's samples.
            progress: told about each step.

        Returns:
            the mean of each loss over the steps, ``"total"`` among them.

        Raises:
            DetectorError: when there are no frames.
            NonFiniteLossError: names the loss; the network is as it was before that step.
        """
        s = self.settings
        if not frames:
            raise DetectorError("There are 0 frames to train the detector on; render some first.")
        sums: dict[str, float] = defaultdict(float)
        for step in range(steps):
            batch = [self._example(frames[i], generator) for i in self._draw(frames, generator)]
            rate = s.learning_rate * min(1.0, (self.steps + 1) / max(s.warm_up, 1))
            for group in self._optimizer.param_groups:
                group["lr"] = rate
            losses = training_step(
                self.model,
                self._optimizer,
                [picture for picture, _ in batch],
                [target for _, target in batch],
                generator,
                self.device,
                s.largest_gradient,
            )
            self.steps += 1
            for name, value in losses.items():
                sums[name] += value
            if progress is not None:
                progress(step + 1, steps, losses)
        return {name: value / steps for name, value in sums.items()}

    def _draw(self, frames: Sequence[Frame], generator: torch.Generator) -> list[int]:
        order = torch.randperm(len(frames), generator=generator)
        return order[: self.settings.batch_size].tolist()

    def _example(self, frame: Frame, generator: torch.Generator):
        s = self.settings
        target = target_of(frame, s.classes, s.class_mapping, s.min_pixels, s.min_visibility)
        picture = picture_tensor(frame.image)
        return augmented(picture, target, s.augmentation, generator, s.upscale)

    def predict(self, images: Sequence[np.ndarray]) -> list[Prediction]:
        """Detections of H x W x 3 pictures (uint8, or float in [0, 1]), one by one."""
        predictions: list[Prediction] = []
        for image in images:
            boxes, scores, labels = detect(self.model, image, self.settings.upscale, self.device)
            names = tuple(self.settings.classes[label - 1] for label in labels)
            predictions.append({"boxes": boxes, "scores": scores, "labels": names})
        return predictions

    def score(self, labelled: Sequence[LabelledPicture]) -> DetectionScore:
        """AP@0.5 on labelled images; changes nothing in the detector.

        Raises:
            LabelledSetError: when the images have no box of the detector's classes.
        """
        predictions = self.predict([picture.image for picture in labelled])
        return detection_score(
            labelled, predictions, self.settings.classes, self.settings.class_mapping
        )

    def state_dict(self) -> dict[str, Any]:
        """A copy of model, optimiser and step count; ``torch.load(weights_only=True)`` reads it."""
        return copy.deepcopy(
            {
                "backbone": self.settings.backbone,
                "model": self.model.state_dict(),
                "optimizer": self._optimizer.state_dict(),
                "steps": self.steps,
            }
        )

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of :meth:`state_dict`.

        Raises:
            DetectorError: when it is of another network.
        """
        state = copy.deepcopy(dict(state))  # the optimiser would keep and change its tensors
        try:
            self.model.load_state_dict(state["model"])
            self._optimizer.load_state_dict(state["optimizer"])
            self.steps = int(state["steps"])
        except (KeyError, RuntimeError, ValueError, AttributeError) as error:
            raise DetectorError(
                f"The saved detector ({state.get('backbone', 'unknown')}) does not fit these "
                f"settings ({self.settings.backbone}); load it with the settings it was saved with."
            ) from error

"""The task network of the driving experiment: Mask R-CNN that learns from frames, scored by AP."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
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
    DetectionScore,
    LabelledPicture,
    Prediction,
    detection_score,
)
from metasim_backend.tasks.backbones import Pyramid, build_pyramid
from metasim_backend.tasks.detection_targets import (
    DetectionTarget,
    augmented,
    picture_tensor,
    target_of,
)
from metasim_backend.tasks.detection_training import detect, seeded, training_step
from metasim_backend.tasks.detector_settings import DetectorError, DetectorSettings
from metasim_backend.tasks.image_training import average_into
from metasim_backend.tasks.task import Losses, Progress

Example = tuple[torch.Tensor, DetectionTarget]
"""A picture [3, H, W] (uint8, or float in [0, 1]) and what is to be detected in it."""


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
    # A CPU's convolutions take a sixth less time when a pixel's channels lie together.
    return model.to(memory_format=torch.channels_last), pyramid


class _AsItIs(GeneralizedRCNNTransform):
    """Colour scaling and batching without resizing (torchvision resizes to 800 pixels)."""

    def resize(self, image, target=None):
        return image, target

    def batch_images(self, images, size_divisible=32):
        batch = super().batch_images(images, size_divisible)
        return batch.contiguous(memory_format=torch.channels_last)


class Detector:
    """A Mask R-CNN with its optimiser: goes on training from the state that it is in.

    Args:
        settings: what it is.
        generator: draws its first weights; on the CPU.
        device: "cpu", "cuda", ...

    Attributes:
        model: what is trained.
        average: what detects.
        weights: which weights it began with, in words.
        as_tensorflow: whether it pads its pictures as networks from TensorFlow do.
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
        self.average = self._follower() if settings.average_steps > 1 else self.model
        self.weights = pyramid.weights
        self.as_tensorflow = pyramid.as_tensorflow
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

        def example(place: int) -> Example:
            return self._of_frame(frames[place])

        return self._trained(len(frames), example, steps, generator, progress)

    def train_examples(
        self,
        examples: Sequence[Example],
        steps: int,
        generator: torch.Generator,
        progress: Progress | None = None,
    ) -> Losses:
        """:meth:`train` on pictures [3, H, W] uint8 with their targets."""
        return self._trained(len(examples), examples.__getitem__, steps, generator, progress)

    def _trained(
        self,
        count: int,
        example: Callable[[int], Example],
        steps: int,
        generator: torch.Generator,
        progress: Progress | None,
    ) -> Losses:
        s = self.settings
        if not count:
            raise DetectorError("There are 0 frames to train the detector on; render some first.")
        sums: dict[str, float] = defaultdict(float)
        for step in range(steps):
            drawn = torch.randperm(count, generator=generator)[: s.batch_size].tolist()
            batch = [augmented(*example(i), s.augmentation, generator, s.upscale) for i in drawn]
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
            if self.average is not self.model:
                weight = max(1 / s.average_steps, 1 / self.steps)
                average_into(self.average, self.model, weight)
            for name, value in losses.items():
                sums[name] += value
            if progress is not None:
                progress(step + 1, steps, losses)
        return {name: value / steps for name, value in sums.items()}

    def _of_frame(self, frame: Frame) -> Example:
        s = self.settings
        target = target_of(
            frame, s.classes, s.class_mapping, s.min_pixels, s.min_visibility, s.whole_boxes
        )
        return picture_tensor(frame.image), target

    def _follower(self) -> MaskRCNN | FasterRCNN:
        return copy.deepcopy(self.model).eval().requires_grad_(False)

    def predict(self, images: Sequence[np.ndarray]) -> list[Prediction]:
        """Detections of H x W x 3 pictures (uint8, or float in [0, 1]), one by one."""
        predictions: list[Prediction] = []
        for image in images:
            boxes, scores, labels = detect(self.average, image, self.settings.upscale, self.device)
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
        state = {
            "backbone": self.settings.backbone,
            "model": self.model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "steps": self.steps,
        }
        if self.average is not self.model:
            state["average"] = self.average.state_dict()
        return copy.deepcopy(state)

    def load_for_prediction(self, state: Mapping[str, Any]) -> None:
        """Detect as the network did whose state this is; what training needs is left out.

        Raises:
            DetectorError: when it is of another network.
        """
        try:
            for network in {id(n): n for n in (self.model, self.average)}.values():
                network.load_state_dict(state.get("average", state["model"]))
            self.steps = int(state["steps"])
        except (KeyError, RuntimeError, ValueError, AttributeError) as error:
            raise self._other_network(state) from error

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of :meth:`state_dict`.

        Raises:
            DetectorError: when it is of another network.
        """
        state = copy.deepcopy(dict(state))  # the optimiser would keep and change its tensors
        try:
            self.model.load_state_dict(state["model"])
            if self.average is not self.model:
                self.average.load_state_dict(state["average"])
            self._optimizer.load_state_dict(state["optimizer"])
            self.steps = int(state["steps"])
        except (KeyError, RuntimeError, ValueError, AttributeError) as error:
            raise self._other_network(state) from error

    def _other_network(self, state: Mapping[str, Any]) -> DetectorError:
        return DetectorError(
            f"The saved detector ({state.get('backbone', 'unknown')}) does not fit these "
            f"settings ({self.settings.backbone}); load it with the settings it was saved with."
        )

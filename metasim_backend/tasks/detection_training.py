"""Training and applying a torchvision Mask R-CNN, as plain functions.

torchvision's samplers of anchors and proposals draw from torch's global generator. Each step
lends it a seed drawn from the caller's generator and gives it back as it was.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn
from torchvision.models.detection import MaskRCNN

from metasim_backend.tasks.detection_targets import DetectionTarget, picture_tensor, resized


class NonFiniteLossError(RuntimeError):
    """Training diverged: a loss is infinite or not a number."""


@contextmanager
def seeded(generator: torch.Generator, device: torch.device | str = "cpu") -> Iterator[None]:
    """Torch's global generators are seeded from ``generator`` inside, and as before outside."""
    seed = int(torch.randint(2**62, (), generator=generator))
    device = torch.device(device)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.default_generator.manual_seed(seed)
        if device.type == "cuda":
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        elif device.type == "mps":
            torch.mps.manual_seed(seed)
        yield


def training_step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    pictures: Sequence[torch.Tensor],
    targets: Sequence[DetectionTarget],
    generator: torch.Generator,
    device: torch.device | str = "cpu",
    largest_gradient: float = math.inf,
) -> dict[str, float]:
    """One optimiser step on one batch.

    Args:
        model: a torchvision detector.
        optimizer: of its parameters.
        pictures: [3, H, W] float32 in [0, 1] each.
        targets: one per picture.
        generator: seeds the model's samplers.
        device: where the model is.
        largest_gradient: the gradient's norm is clipped to this.

    Returns:
        each loss, and ``"total"``.

    Raises:
        NonFiniteLossError: names the loss; the parameters are still those before the step.
    """
    model.train()
    with seeded(generator, device):
        losses = model(
            [picture.to(device) for picture in pictures], [target.to(device) for target in targets]
        )
    values = {name: loss.item() for name, loss in losses.items()}
    for name, value in values.items():
        if not math.isfinite(value):
            raise NonFiniteLossError(
                f"The detector's loss {name!r} is {value}; lower its learning rate."
            )
    total = torch.stack(list(losses.values())).sum()
    optimizer.zero_grad()
    total.backward()
    norm = nn.utils.clip_grad_norm_(
        [p for group in optimizer.param_groups for p in group["params"]], largest_gradient
    )
    if not math.isfinite(float(norm)):
        raise NonFiniteLossError(
            f"The gradient of the detector's losses {', '.join(values)} is {float(norm)}; lower "
            "its learning rate."
        )
    optimizer.step()
    return values | {"total": total.item()}


@torch.no_grad()
def detect(
    model: MaskRCNN, image: np.ndarray, upscale: float = 1.0, device: torch.device | str = "cpu"
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes of one H x W x 3 picture; the mask head is left out, which no box depends on.

    Returns:
        boxes [n, 4] in pixels of ``image``, scores [n] falling, labels [n] from 1.
    """
    model.eval()
    height, width = image.shape[:2]
    empty = DetectionTarget(
        torch.zeros(0, 4),
        torch.zeros(0, dtype=torch.int64),
        torch.zeros(0, height, width, dtype=torch.uint8),
    )
    picture, _ = resized(picture_tensor(image), empty, upscale)
    batch, _ = model.transform([picture.to(device)])
    features = model.backbone(batch.tensors)
    proposals, _ = model.rpn(batch, features)
    heads = model.roi_heads
    pooled = heads.box_head(heads.box_roi_pool(features, proposals, batch.image_sizes))
    logits, deltas = heads.box_predictor(pooled)
    boxes, scores, labels = heads.postprocess_detections(
        logits, deltas, proposals, batch.image_sizes
    )
    scale = np.array([width / picture.shape[-1], height / picture.shape[-2]] * 2, np.float32)
    return boxes[0].cpu().numpy() * scale, scores[0].cpu().numpy(), labels[0].cpu().numpy()

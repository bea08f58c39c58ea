"""A trained detector for other programs, as ONNX."""

from __future__ import annotations

import json
import tempfile
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from metasim_backend.run_files.atomic_files import write_atomically
from metasim_backend.tasks.detector_settings import DetectorError
from metasim_backend.training.detector_file import TrainedDetector

OPSET = 17


class _OnePicture(nn.Module):
    """The network on one picture, with a tuple as its result."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        (found,) = self.network([picture])
        return found["boxes"], found["scores"], found["labels"]


def export_onnx(trained: TrainedDetector, path: Path) -> None:
    """Write a detector as ONNX, whole or not at all.

    Its input ``picture`` is [3, H, W] float32 in [0, 1], RGB, of any size. Its outputs are
    ``boxes`` [n, 4] (x0, y0, x1, y1 in pixels), ``scores`` [n], falling, and ``labels`` [n] from
    1. The file's metadata name the ``classes`` (JSON), the ``least_score`` to believe, and the
    ``size`` that it was trained at.

    Raises:
        DetectorError: without the package onnx, or for a detector that enlarges its pictures.
    """
    try:
        import onnx
    except ImportError:
        raise DetectorError(
            "The package onnx is not installed; install it with pip install onnx."
        ) from None
    settings = trained.detector.settings
    if settings.upscale != 1:
        raise DetectorError(
            f"The detector enlarges its pictures by {settings.upscale}, which its ONNX file would "
            "not do; train it with an upscale of 1."
        )
    width, height = trained.size
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torchvision's own code, which is traced rightly
        written = Path(folder) / "detector.onnx"
        torch.onnx.export(
            _OnePicture(trained.detector.average.eval()),
            (torch.zeros(3, height, width),),
            written,
            input_names=["picture"],
            output_names=["boxes", "scores", "labels"],
            dynamic_axes={"picture": {1: "height", 2: "width"}}
            | {name: {0: "objects"} for name in ("boxes", "scores", "labels")},
            opset_version=OPSET,
            dynamo=False,
        )
        model = onnx.load(written)
    told = {
        "classes": json.dumps(list(settings.classes)),
        "least_score": str(trained.least_score),
        "size": f"{width}x{height}",
    }
    onnx.helper.set_model_props(model, told)
    onnx.checker.check_model(model)
    content = model.SerializeToString()
    write_atomically(path, lambda file: file.write(content))

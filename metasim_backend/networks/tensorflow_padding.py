"""Convolutions that pad as TensorFlow does, for networks that were trained there."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class SamePaddedConv2d(nn.Conv2d):
    """A convolution with TensorFlow's SAME padding.

    The output has ceil(n / stride) cells; what padding that needs is split evenly, and the odd
    cell goes to the right and the bottom. PyTorch's symmetric padding shifts such features by
    one pixel at every stride-2 layer.
    """

    def forward(self, input: Tensor) -> Tensor:
        pads: list[int] = []
        for size, kernel, stride, dilation in zip(
            reversed(input.shape[-2:]),
            reversed(self.kernel_size),
            reversed(self.stride),
            reversed(self.dilation),
            strict=True,
        ):
            reach = (-(-size // stride) - 1) * stride + (kernel - 1) * dilation + 1
            total = max(reach - size, 0)
            pads += [total // 2, total - total // 2]
        return functional.conv2d(
            functional.pad(input, pads),
            self.weight,
            self.bias,
            self.stride,
            0,
            self.dilation,
            self.groups,
        )


def pad_as_tensorflow(module: nn.Module) -> None:
    """Give every strided convolution below ``module`` SAME padding; weights stay."""
    for name, child in list(module.named_children()):
        if type(child) is nn.Conv2d and child.stride != (1, 1):
            padded = SamePaddedConv2d(
                child.in_channels,
                child.out_channels,
                child.kernel_size,  # type: ignore[arg-type]
                child.stride,  # type: ignore[arg-type]
                0,
                child.dilation,  # type: ignore[arg-type]
                child.groups,
                child.bias is not None,
            )
            padded.weight, padded.bias = child.weight, child.bias
            setattr(module, name, padded)
        else:
            pad_as_tensorflow(child)

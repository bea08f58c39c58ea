"""A device that is not there: tensors on it say that they are elsewhere, and are computed here.

As on a GPU, an operation whose tensors are on different devices is an error, and so is reading one
as a numpy array. So whatever is forgotten on the CPU is found on a machine without a GPU, with the
numbers that the CPU gives. The device's name is torch's "meta", whose tensors otherwise have no
numbers: autograd needs no driver for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import torch
from torch import Tensor, nn
from torch.optim import optimizer
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_flatten, tree_map

DEVICE = torch.device("meta")
aten = torch.ops.aten
# As in torch, a tensor may be indexed by tensors on the CPU, and take values from there.
_MIXED = {
    aten.index.Tensor,
    aten.index_put_.default,
    aten.index_put.default,
    aten._index_put_impl_.default,
    aten.copy_.default,
}
_OF_NETWORKS = {aten.convolution.default, aten.convolution_backward.default, aten.addmm.default}


class There(Tensor):
    """A tensor on the device; ``here`` has its numbers."""

    here: Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, here: Tensor) -> There:
        there = Tensor._make_wrapper_subclass(
            cls,
            here.shape,
            strides=here.stride(),
            storage_offset=here.storage_offset(),
            dtype=here.dtype,
            layout=here.layout,
            device=DEVICE,
            requires_grad=False,
        )
        there.here = here
        return there

    def __repr__(self, **_: object) -> str:
        return f"There({self.here!r})"

    def numpy(self, *_: object, **__: object):
        raise TypeError("a tensor of the device cannot be read as a numpy array; use .cpu() first")

    def __array__(self, *_: object, **__: object):
        return self.numpy()

    def tolist(self):
        return self.detach().cpu().tolist()

    def __deepcopy__(self, memo: dict) -> Tensor:
        copied = There(self.here.detach().clone())
        if isinstance(self, nn.Parameter):
            return nn.Parameter(copied, self.requires_grad)
        return copied.requires_grad_(self.requires_grad)

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return _run(func, args, kwargs or {})


class _FromData(TorchFunctionMode):
    """Makes tensors of Python's numbers there; torch itself would lose the numbers."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        like = args[0] if args else None
        if func is Tensor.new_tensor and isinstance(like, There):
            if kwargs.get("device") is None:
                made = like.here.new_tensor(*args[1:], **kwargs)
                return There(made.detach()).requires_grad_(made.requires_grad)
        elif func in (torch.tensor, torch.as_tensor, torch.asarray):
            device = kwargs.get("device")
            if device is not None and torch.device(device) == DEVICE:
                del kwargs["device"]
                return func(*args, **kwargs).to(DEVICE)
        return func(*args, **kwargs)


class _Device(TorchDispatchMode):
    """Makes tensors there where that is asked for by name, and notes what networks do here."""

    def __init__(self) -> None:
        super().__init__()
        self.forgotten: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        # One picture tells a network its sizes, before it goes where it will run.
        if (
            func in _OF_NETWORKS
            and len(args[0]) > 1
            and any(type(item) is nn.Parameter for item in args)
        ):
            self.forgotten.append(f"{func} of {tuple(args[0].shape)}")
        return _run(func, args, kwargs or {})


def _run(func, args, kwargs):
    flat, _ = tree_flatten((args, kwargs))
    tensors = [item for item in flat if isinstance(item, Tensor)]
    there = [item for item in tensors if isinstance(item, There)]
    device = kwargs.get("device")
    if device is None:
        goes = bool(there)
    else:
        goes = torch.device(device) == DEVICE
        kwargs = {**kwargs, "device": torch.device("cpu") if goes else device}
    apart = [item for item in tensors if not isinstance(item, There) and item.ndim > 0]
    if there and apart and func not in _MIXED:
        raise RuntimeError(
            f"Expected all tensors to be on the same device: {func} has some on {DEVICE} and some "
            f"on the {apart[0].device}, of shapes {[tuple(item.shape) for item in apart]}."
        )
    if func is aten.index.Tensor and there and not isinstance(args[0], There):
        raise RuntimeError("indices should be on the CPU or on the indexed tensor's device")
    if kwargs.get("pin_memory"):
        kwargs = {**kwargs, "pin_memory": False}
    here = tree_map(lambda item: item.here if isinstance(item, There) else item, (args, kwargs))
    out = func(*here[0], **here[1])
    if func is aten.copy_.default:
        goes = isinstance(args[0], There)
    if func is aten._local_scalar_dense.default or not goes:
        return out
    wrapped = tree_map(lambda item: There(item) if type(item) is Tensor else item, out)
    return return_and_correct_aliasing(func, args, kwargs, wrapped)


@contextmanager
def pretended() -> Iterator[list[str]]:
    """While this lasts, the device is there.

    Yields:
        what was computed on the CPU all the same with a network's parameters, as it comes.
    """
    device = _Device()
    fused = [*optimizer._get_fused_kernels_supported_devices(), DEVICE.type]
    supported = mock.patch.object(optimizer, "_get_fused_kernels_supported_devices", lambda: fused)
    with supported, _FromData(), device:
        yield device.forgotten

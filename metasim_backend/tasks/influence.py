"""How much a training step on each picture would lower the validation loss, to first order."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

TOGETHER = 500
"""Pictures a forward pass where the result does not depend on it."""


def loss_gains(
    module: nn.Module,
    losses: Callable[[Tensor, Tensor], Tensor],
    pictures: Tensor,
    answers: Tensor,
    validation_pictures: Tensor,
    validation_answers: Tensor,
    together: int = TOGETHER,
) -> Tensor:
    r"""First-order gain in validation loss by a step of rate 1 on each picture.

    Picture i gets :math:`\langle\nabla\ell_V(w), \nabla\ell_i(w)\rangle`, the directional
    derivative of its loss along the validation gradient; forward-mode differentiation gives it
    for a whole batch in one pass.

    Args:
        module: in evaluation mode; stays as it is.
        losses: (output [n, ...], answers [n, ...]) -> [n], one loss a picture.
        pictures, answers: [B, ...], inputs of the module and what they show.
        validation_pictures, validation_answers: [V, ...]; the mean of their losses is
            :math:`\ell_V`.
        together: pictures a pass.

    Returns:
        [B]; above 0 where a step on the picture lowers the validation loss.
    """
    parameters = {name: p for name, p in module.named_parameters() if p.requires_grad}
    gradient = {name: torch.zeros_like(p) for name, p in parameters.items()}
    for part in slices(len(validation_pictures), together):
        loss = losses(module(validation_pictures[part]), validation_answers[part]).sum()
        found = torch.autograd.grad(loss, list(parameters.values()))
        for name, slope in zip(parameters, found, strict=True):
            gradient[name] += slope / len(validation_pictures)
    weights = {name: p.detach() for name, p in parameters.items()}
    gains = []
    for part in slices(len(pictures), together):

        def of(values: dict[str, Tensor], part: slice = part) -> Tensor:
            output = torch.func.functional_call(module, values, (pictures[part],))
            return losses(output, answers[part])

        with torch.no_grad(), warnings.catch_warnings():
            # The first forward-mode pass of a process makes torch warn of its own torch.jit.
            warnings.simplefilter("ignore", FutureWarning)
            gains.append(torch.func.jvp(of, (weights,), (gradient,))[1])
    return torch.cat(gains)


def slices(count: int, size: int) -> Iterator[slice]:
    """Parts of ``size`` that cover ``count`` items, the last one shorter."""
    return (slice(start, start + size) for start in range(0, count, size))

"""Blur or sharpening, from what a second blur does to strong edges.

The softer an edge is, the less a further blur takes of its slope (Zhuo and Sim, Defocus map
estimation from a single image, Pattern Recognition 44(9), 2011). Blur and sharpening work against
each other, and only what both come to can be seen: so one of them is found, and the other is none.
"""

from __future__ import annotations

import torch
from torch import Tensor

from metasim_backend.camera import lens
from metasim_backend.camera.fitting.finding import CLEAR, Finding
from metasim_backend.camera.numbers import Numbers
from metasim_backend.camera.picture import take_pictures
from metasim_backend.statistics.bootstrap import resampled, standard_error

FURTHER = 1.0  # px
STRONG = 0.02  # share of the pixels that are taken for strong edges
SHARPENING = (3.0, 2.0, 1.5, 1.0, 0.75, 0.5, 0.25)
BLURS = (0.25, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0)


def fit_sharpness(
    photographs: Tensor, light: Tensor, numbers: Numbers, noise: Tensor | None
) -> list[Finding]:
    """``blur`` and ``sharpening``, one of which is 0.

    Args:
        photographs: [N, 3, H, W] sRGB in [0, 1].
        light: [M, 3, H, W] linear light.
        numbers: the camera found so far.
        noise: [M, 3, H, W] standard normal numbers, for its noise.
    """
    seen = edge_ratio(photographs)
    rest = {name: v for name, v in numbers.items() if name not in ("blur", "sharpening")}
    ladder: list[dict[str, Tensor]] = [{"sharpening": torch.tensor(s)} for s in SHARPENING]
    ladder += [{}] + [{"blur": torch.tensor(b)} for b in BLURS]
    ratios = torch.stack([edge_ratio(take_pictures(light, rest | s, noise)) for s in ladder])
    # Along the ladder: -3 to 0 is sharpening, 0 to 3 is blur.
    places = torch.tensor([-s for s in SHARPENING] + [0.0, *BLURS])
    value = _crossing(places, ratios.mean(1), float(seen.mean()))
    source = torch.Generator().manual_seed(0)
    draws = zip(resampled(len(seen), source), resampled(len(light), source), strict=True)
    error = standard_error(
        [_crossing(places, ratios[:, b].mean(1), float(seen[a].mean())) for a, b in draws]
    )
    if abs(value) < CLEAR * error:
        remark = f"{value:+.2g} measured: not told from none"
        return [Finding("blur", 0.0, error, value, remark), Finding("sharpening", 0.0)]
    found = {"blur": max(value, 0.0), "sharpening": max(-value, 0.0)}
    remark = "how much softer strong edges get by a blur; net of the other one"
    return [
        Finding(name, v, error if v else None, v, remark if v else "") for name, v in found.items()
    ]


def edge_ratio(pictures: Tensor) -> Tensor:
    """[N]: slope of each picture's strong edges over their slope after a further blur; above 1."""
    luma = pictures.mean(1, keepdim=True)
    again = lens.blur(luma, torch.tensor(FURTHER))
    before, after = (_slope(image).flatten(1) for image in (luma, again))
    count = max(1, int(STRONG * before.shape[1]))
    strong = after.topk(count, dim=1).indices
    return before.gather(1, strong).sum(1) / after.gather(1, strong).sum(1).clamp_min(1e-9)


def _slope(image: Tensor) -> Tensor:
    down, right = torch.gradient(image[:, 0], dim=(-2, -1))
    return (down.square() + right.square()).sqrt()


def _crossing(places: Tensor, ratios: Tensor, wanted: float) -> float:
    """Where falling ratios reach a value, between two places; the end where they never do."""
    below = (ratios <= wanted).nonzero()
    if len(below) == 0:
        return float(places[-1])
    i = int(below[0])
    if i == 0:
        return float(places[0])
    high, low = float(ratios[i - 1]), float(ratios[i])
    part = (high - wanted) / max(high - low, 1e-12)
    return float(places[i - 1]) + part * float(places[i] - places[i - 1])

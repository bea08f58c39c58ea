"""Digits without MNIST: a few smooth strokes for each label, enough to have a direction."""

import numpy as np
import torch

from metasim_backend.datasets.readers.mnist import LABELS, SIDE, Digits
from metasim_backend.grammar import grammar_from_dict

GRAMMAR = {
    "domain": "mnist",
    "start": "canvas",
    "classes": {
        "canvas": {"attributes": {}},
        "digit": {
            "attributes": {
                "label": {
                    "kind": "categorical",
                    "values": list(LABELS),
                    "prior": {"choice": list(LABELS)},
                },
                "image": {"kind": "integer", "range": [0, 99], "prior": {"uniform": [0, 99]}},
                "yaw": {
                    "kind": "circular",
                    "period": 360,
                    "step": 0.5,
                    "mutable": True,
                    "prior": {"uniform": [0, 360]},
                },
                "x": {
                    "kind": "continuous",
                    "range": [-10, 10],
                    "step": 0.05,
                    "mutable": True,
                    "prior": {"normal": [0, 3]},
                },
                "size": {
                    "kind": "continuous",
                    "range": [0.5, 1.5],
                    "step": 0.005,
                    "mutable": True,
                    "prior": {"normal": [1, 0.1]},
                },
            }
        },
    },
    "rules": [{"name": "digits", "expand": "canvas", "into": [{"class": "digit", "count": 2}]}],
    "render": {"width": 48, "height": 40, "engine": "mnist"},
}


def synthetic_digits(count=20, seed=0) -> Digits:
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:SIDE, 0:SIDE]
    images = np.zeros((count, SIDE, SIDE))
    for image in images:
        for row, column in rng.uniform(7, 21, (5, 2)):
            image += np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 5)
    pixels = (np.clip(images, 0, 1) * 255).astype(np.uint8)
    return Digits(torch.from_numpy(pixels), torch.arange(count) % len(LABELS))


def digit_grammar():
    return grammar_from_dict(GRAMMAR)

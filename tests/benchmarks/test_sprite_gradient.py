"""Seconds of one gradient step through the sprite renderer: finite differences and exact."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from pathlib import Path

import pytest
import torch

from blender_addon.contract.frames import RenderSettings
from metasim_backend.grammar import load_grammar, sample_scene
from metasim_backend.grammar.encoding import Encoding
from metasim_backend.rendering import differentiate
from metasim_backend.rendering.sprites import SpriteRenderer
from metasim_backend.worlds.mnist_sprites import MnistWorld

ROOT = Path(__file__).resolve().parents[2]
RESULT = ROOT / "docs" / "results" / "sprite_gradient.json"
SCENES = 50
REPEATS = 30
RELEASED = 1.2  # seconds of the authors' released code for this step on such a machine
SETTINGS = RenderSettings(64, 64)


@pytest.mark.benchmark
def test_a_gradient_step_of_fifty_scenes_takes_a_few_hundredths_of_a_second():
    """Forward and backward through the renderer, 50 scenes of one digit, 3 mutable attributes."""
    from synthetic_digits import synthetic_digits

    grammar = load_grammar(ROOT / "scenes" / "mnist_rotation_translation.yaml")
    encoding = Encoding(grammar)
    scenes = [sample_scene(grammar, seed) for seed in range(SCENES)]
    data = [encoding.encode(scene) for scene in scenes]
    renderer = SpriteRenderer(MnistWorld(synthetic_digits(2000)))
    adjoint = smooth(SCENES)

    def step(method):
        values = [d["values"].clone().requires_grad_() for d in data]
        mutable = [d["mutable"] & d["present"] for d in data]
        images, tape = differentiate.render(
            renderer, encoding, scenes, values, mutable, [SETTINGS] * SCENES, method=method
        )
        (images * adjoint).sum().backward()
        found = [v.grad[m] for v, m in zip(values, mutable, strict=True)]
        return torch.stack(found), tape.steps

    found, seconds, steps = {}, {"exact": [], "full": []}, {}
    for method in seconds:  # the first call pays for what later ones use again
        found[method], steps[method] = step(method)
    for _ in range(REPEATS):
        for method, times in seconds.items():
            started = time.perf_counter()
            step(method)
            times.append(time.perf_counter() - started)
    images = []
    many = [sample_scene(grammar, seed) for seed in range(1000)]
    for _ in range(5):
        started = time.perf_counter()
        for first in range(0, len(many), 250):
            renderer.images(many[first : first + 250], SETTINGS)
        images.append(len(many) / (time.perf_counter() - started))
    cosines = torch.cosine_similarity(found["exact"], found["full"], 1)
    result = {
        "measures": f"seconds of one gradient step through the sprite renderer: {SCENES} scenes of "
        f"one digit at 64 x 64, 3 mutable attributes each, forward and backward, from scene graphs "
        f"to the gradient of each attribute; median of {REPEATS} interleaved repetitions",
        "command": "make benchmark",
        "exact_seconds": rounded(statistics.median(seconds["exact"])),
        "finite_difference_seconds": rounded(statistics.median(seconds["full"])),
        "finite_difference_steps": steps["full"],
        "released_code_seconds": RELEASED,
        "images_a_second": rounded(statistics.median(images)),
        "cosine_each_scene": {
            "least": rounded(float(cosines.min())),
            "median": rounded(float(cosines.median())),
        },
        "versions": {"torch": torch.__version__, "python": platform.python_version()},
        "machine": {
            "system": platform.system(),
            "architecture": platform.machine(),
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "load_at_end": round(os.getloadavg()[0], 1),
        },
    }
    print(json.dumps(result))
    draft = RESULT.with_suffix(".json.tmp")
    draft.write_text(json.dumps(result, indent=2) + "\n")
    draft.replace(RESULT)
    assert float(cosines.min()) >= 0.98
    # The goal is 0.02 s for both on a quiet machine; this much holds on a busy one.
    assert result["exact_seconds"] <= 0.1 and result["finite_difference_seconds"] <= 0.2


def smooth(count: int) -> torch.Tensor:
    """[count, 3, 64, 64] random adjoints without detail finer than eight pixels."""
    source = torch.Generator().manual_seed(0)
    rough = torch.randn(count, 3, 8, 8, generator=source)
    return torch.nn.functional.interpolate(rough, size=(64, 64), mode="bicubic")


def rounded(value: float) -> float:
    return float(f"{value:.3g}")

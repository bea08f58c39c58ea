"""What a frozen ImageNet network reads off renders in direct and in traced light.

3,000 renders at 160x96 with one sample of the widened prior of scenes/driving.yaml: three of four
mutable attributes from anywhere in their range (``WIDEN``). MobileNetV2's map of stride 16, pooled
to 3x5, is standardised; ridge regression, its penalty chosen by leave-one-out cross-validation on
four fifths, is scored by R2 on the last fifth. The sun's azimuth as sine and cosine together,
where the sun casts shadows (weather not overcast), and in all renders.

The pictures are kept in runs/ and rendering goes on where it was left; those of other sources of
the add-on are rendered anew. For a quick look while developing: 800 renders, two to four minutes of
one core, beside the figures of traced light for 800 that the result file has; --keep takes pictures
that other sources made::

    python tests/benchmarks/test_light_reading.py --lighting direct
    python tests/benchmarks/test_light_reading.py --lighting traced --renders 3000 --keep --write
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from test_scene_gradient import rounded, write

from blender_addon.contract.frames import LIGHTINGS

ROOT = Path(__file__).resolve().parents[2]
RESULT = ROOT / "docs" / "results" / "light_reading.json"
DATA = Path(os.environ.get("METASIM_DATA", ROOT / "../shared/data"))
WEIGHTS = DATA / "weights" / "mobilenet_v2_imagenet_1001.pth"
WIDEN = "range"
RENDERS = 3000
QUICK = 800
# What direct light has to tell at least: as much as traced light in the same run, and this.
LEAST = {
    "sun_azimuth": 0.31,
    "sun_elevation": 0.34,
    "sun_strength": 0.44,
    "camera_yaw": 0.82,
    "camera_height": 0.59,
}


def measure(lighting: str, count: int, workers: int = 1, keep: bool = False) -> dict[str, float]:
    """R2 on held-out renders, by what is read."""
    # Not at the top: torch takes seconds, and workers are started before it computes.
    from reading_probe import Ridge, features, targets
    from widened_pictures import pictures, scenes_of

    scenes = scenes_of(count, WIDEN)
    images = pictures(scenes, lighting, WIDEN, workers, keep)
    x = features(images, WEIGHTS)
    trained = np.arange(count) < 0.8 * count
    sun = np.array([scene.root.attributes["weather"] != "overcast" for scene in scenes])
    everywhere = Ridge(x, trained)
    answers = targets(scenes)
    found = {name: everywhere.explained(y, ~trained) for name, y in answers.items()}
    found["sun_azimuth_in_all_renders"] = found["sun_azimuth"]
    shadows = Ridge(x, trained & sun)
    found["sun_azimuth"] = shadows.explained(answers["sun_azimuth"], ~trained & sun)
    return {name: rounded(value) for name, value in found.items()}


def record(count: int, found: dict[str, dict[str, float]]) -> None:
    """Write the figures of some lighting down, beside what was there."""
    before = json.loads(RESULT.read_text()) if RESULT.is_file() else {}
    name = f"{count}_renders"
    head = {
        "measures": "R2 on the held-out last fifth of renders at 160x96, one sample, of the "
        "widened prior of scenes/driving.yaml (three of four mutable attributes from anywhere in "
        "their range); ridge regression on the standardised map of stride 16 of a frozen "
        "ImageNet MobileNetV2, pooled to 3x5, the penalty by leave-one-out cross-validation on the "
        "other four fifths; the sun's azimuth as sine and cosine together, trained and scored "
        "where the weather is not overcast",
        "command": "make benchmark",
    }
    write(RESULT, {**before, **head, name: {**before.get(name, {}), **found}})


def check(direct: dict[str, float], traced: dict[str, float]) -> None:
    for name, least in LEAST.items():
        assert direct[name] >= max(traced[name], least), name


@pytest.mark.benchmark
@pytest.mark.skipif(importlib.util.find_spec("bpy") is None, reason="bpy is not installed")
@pytest.mark.skipif(not WEIGHTS.is_file(), reason=f"METASIM_DATA has no weights/{WEIGHTS.name}")
def test_direct_light_tells_as_much_as_traced_light():
    workers = min(2, os.cpu_count() or 1)
    for count in (RENDERS, QUICK):  # the first of the same renders
        found = {light: measure(light, count, workers) for light in LIGHTINGS}
        record(count, found)
        print(table(count, found))
        if count == RENDERS:
            full = found
    check(full["direct"], full["traced"])


def table(count: int, found: dict[str, dict[str, float]]) -> str:
    """Lines of text, a column for each lighting."""
    names = next(iter(found.values()))
    lines = [f"{f'R2, {count} renders':28}" + "".join(f"{light:>9}" for light in found)]
    lines += [f"{name:28}" + "".join(f"{own.get(name, np.nan):9.2f}" for own in found.values())
              for name in names]  # fmt: skip
    return "\n".join(lines)


def main(argv: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description="What is read off renders, for a quick look.")
    parser.add_argument("--lighting", choices=LIGHTINGS, default="direct")
    parser.add_argument("--renders", type=int, default=QUICK, help=f"multiple of 100 ({QUICK})")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="take pictures of other sources too")
    parser.add_argument("--write", action="store_true", help="write the result file too")
    options = parser.parse_args(argv)
    if not WEIGHTS.is_file():
        parser.error(f"METASIM_DATA has no weights/{WEIGHTS.name}")
    count = options.renders
    found = {options.lighting: measure(options.lighting, count, options.workers, options.keep)}
    before = json.loads(RESULT.read_text()) if RESULT.is_file() else {}
    if options.write:
        record(count, found)
    print(table(count, {**found, **{f"({light})": own for light, own
                                    in before.get(f"{count}_renders", {}).items()}}))  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1:])

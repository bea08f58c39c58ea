"""Readings in a grammar's units."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from metasim_backend.features.reader.description import described
from metasim_backend.features.reader.readings import Readings
from metasim_backend.features.reader.targets import OBJECT_NUMBERS, reader_names, scene_targets
from metasim_backend.grammar import load_grammar, sample_scene
from metasim_backend.grammar.encoding import Encoding

SCENES = Path(__file__).parents[3] / "scenes"


def test_exact_readings_are_the_scenes_attributes():
    encoding = Encoding(load_grammar(SCENES / "driving.yaml", assets=()))
    names = reader_names(encoding, ("car", "van"))
    scenes = [sample_scene(encoding.grammar, seed) for seed in range(3)]
    exact = scene_targets(encoding, names, scenes).nan_to_num()
    reader = SimpleNamespace(
        names=names,
        scene_scale=torch.stack([exact.mean(0), torch.full((exact.shape[1],), 0.5)]),
        object_scale=torch.tensor([[2.0], [0.5]]).expand(2, len(OBJECT_NUMBERS)),
    )
    numbers = torch.tensor([math.log(20), -3.0, math.sin(0.4), math.cos(0.4), 0, 0, -2, 0, 1])
    readings = Readings(
        torch.cat([(exact - exact.mean(0)) / 0.5, torch.zeros(3, 2)], 1),
        torch.cat([(numbers - 2) / 0.5, torch.zeros(4)])[None],
        torch.tensor([[0.2, 0.7]]),
        torch.tensor([1]),
        torch.tensor([[0.1, 0.2, 0.3, 0.4]]),
    )
    pictures = described(reader, readings, encoding)
    for scene, picture in zip(scenes, pictures, strict=True):
        for class_name in ("camera", "sky", "road"):
            (node,) = scene.of_class(class_name)
            for name, value in picture.attributes[class_name].items():
                assert value == pytest.approx(float(node.attributes[name]), abs=1e-3), name
    assert [len(picture.objects) for picture in pictures] == [0, 1, 0]
    (van,) = pictures[1].objects
    assert van.class_name == "van" and van.probability == pytest.approx(0.7)
    assert van.distance == pytest.approx(20, rel=1e-4) and van.offset == pytest.approx(-3, abs=1e-4)
    assert van.aspect == pytest.approx(math.degrees(0.4), abs=1e-3)
    assert van.words == "van 20 m +23°"
    first, second = pictures[1].lines
    assert first.startswith("sky  sun_azimuth ") and "camera  height " in first + second

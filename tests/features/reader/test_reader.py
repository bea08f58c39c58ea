"""What is to be read in a frame, and that a reader learns to read it."""

from __future__ import annotations

import math
from collections import OrderedDict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from blender_addon.contract.frames import Box3D
from metasim_backend.features.reader.accuracy import accuracy
from metasim_backend.features.reader.network import Reader, SeenPictures
from metasim_backend.features.reader.readings import Readings, read_pictures
from metasim_backend.features.reader.targets import (
    CELL_NUMBERS,
    ReaderNames,
    ReaderTargets,
    object_numbers,
    reader_names,
    reader_targets,
)
from metasim_backend.features.reader.training import (
    ReaderTraining,
    fit_scales,
    train_reader,
)
from metasim_backend.grammar import load_grammar, sample_scene
from metasim_backend.grammar.encoding import Encoding
from metasim_backend.networks.stages import TORCHVISION, Family, StageNetwork

SCENES = Path(__file__).parents[3] / "scenes"
SIZE = (32, 48)


def backbone() -> StageNetwork:
    """A network with four stages and no training, in place of an ImageNet one."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = OrderedDict(
            (name, nn.Conv2d(before, after, 3, stride, 1))
            for name, before, after, stride in (
                ("fine", 3, 8, 4),
                ("a", 8, 8, 2),
                ("b", 8, 8, 2),
                ("c", 8, 8, 2),
            )
        )
        return StageNetwork(
            nn.Sequential(layers),
            Family(("a", "b", "c"), least_side=1, fine="fine"),
            TORCHVISION,
            "",
        )


def frame_of(index: np.ndarray, *boxes: tuple[int, str, Box3D | None]) -> SimpleNamespace:
    labels = [SimpleNamespace(index=i, class_name=c, box3d=b) for i, c, b in boxes]
    return SimpleNamespace(index=index, labels=labels)


def test_cells_tell_class_owner_and_how_the_object_stands():
    grammar = load_grammar(SCENES / "driving.yaml", assets=())
    encoding, scene = Encoding(grammar), sample_scene(grammar, 0)
    names = reader_names(encoding, ("car", "person"))
    index = np.zeros((9, 12), np.uint16)
    index[0:4, 4:12] = 2  # two whole cells of the car
    index[4:8, 0:2] = 5  # half of a cell of the person
    index[4:8, 8:9] = 5  # a quarter, not in its middle
    box = Box3D(1.5, 1.8, 4.0, (10.0, 1.6, 10.0), 0.3)
    targets = reader_targets(
        encoding, names, [scene], [frame_of(index, (5, "person", None), (2, "car", box))]
    )
    assert targets.classes.tolist() == [[[0, 1, 1], [0, 0, 0]]]
    assert targets.owners.tolist() == [[[-1, 1, 1], [-1, -1, -1]]]
    assert names.classes == ("car", "person")
    numbers = dict(zip(CELL_NUMBERS, targets.cells[0, :, 0, 1].tolist(), strict=True))
    assert numbers["log distance"] == pytest.approx(math.log(10))
    assert numbers["lateral offset"] == pytest.approx(10)
    assert numbers["sin aspect"] == pytest.approx(math.sin(0.3 - math.pi / 4), abs=1e-6)
    assert targets.cells[0, :, 0, 0].isnan().all()
    (camera,) = (node for node in scene.nodes if node.class_name == "camera")
    slot = encoding.slot("camera", "pitch")
    low, _ = slot.attribute.bounds
    unit = (camera.attributes["pitch"] - low) / slot.attribute.span
    assert float(targets.scene[0, names.scene.index("camera.pitch")]) == pytest.approx(unit)


def test_numbers_of_an_object_turn_with_it_and_not_with_its_place():
    """The same view from another direction has the same aspect."""
    ahead = object_numbers(Box3D(1, 1, 1, (0.0, 0.0, 20.0), 0.5))
    aside = object_numbers(Box3D(1, 1, 1, (20.0, 0.0, 20.0), 0.5 + math.pi / 4))
    assert ahead[2:] == pytest.approx(aside[2:])


@pytest.fixture(scope="module")
def squares() -> tuple[torch.Tensor, ReaderTargets]:
    """Pictures as bright as the scene's one number; a red square's size tells its distance."""
    source = torch.Generator().manual_seed(0)
    count, (height, width) = 400, SIZE
    brightness = torch.rand(count, generator=source)
    images = (40 + 120 * brightness)[:, None, None, None].expand(-1, 3, height, width).clone()
    grid = (height // 4, width // 4)
    classes = torch.zeros(count, *grid, dtype=torch.uint8)
    cells = torch.full((count, len(CELL_NUMBERS), *grid), torch.nan)
    owners = torch.full((count, *grid), -1, dtype=torch.int16)
    for n in range(count):
        size = int(torch.randint(2, 5, (), generator=source))
        row = int(torch.randint(0, grid[0] - size, (), generator=source))
        column = int(torch.randint(0, grid[1] - size, (), generator=source))
        rows, columns = slice(row, row + size), slice(column, column + size)
        images[n, :, 4 * row : 4 * (row + size), 4 * column : 4 * (column + size)] = torch.tensor(
            [250.0, 0, 0]
        )[:, None, None]
        classes[n, rows, columns], owners[n, rows, columns] = 1, 0
        cells[n, :, rows, columns] = 0.0
        cells[n, 0, rows, columns] = 3.0 - 0.5 * size
    targets = ReaderTargets(brightness[:, None], classes, cells, owners)
    return images.round().to(torch.uint8), targets


def test_a_reader_learns_scene_class_and_object(squares):
    images, targets = squares
    reader = Reader(backbone(), ReaderNames(("brightness",), ("square",)), SIZE)
    fit_scales(reader, targets)
    seen = reader.see(images)
    training = torch.arange(320)
    some = ReaderTargets(
        targets.scene[training], targets.classes[training], targets.cells[training],
        targets.owners[training],
    )  # fmt: skip
    losses: list[float] = []
    train_reader(
        reader, seen.rows(training), some, 0, ReaderTraining(epochs=5, batch=32),
        progress=lambda _, loss: losses.append(loss),
    )  # fmt: skip
    assert losses[-1] < 0.5 * losses[0]
    rest = torch.arange(320, 400)
    held_out = ReaderTargets(
        targets.scene[rest], targets.classes[rest], targets.cells[rest], targets.owners[rest]
    )
    readings = read_pictures(reader, seen.rows(rest), held_out)
    found = accuracy(reader, readings, held_out)
    assert found["brightness"].r2 > 0.8 and found["brightness"].count == 80
    assert found["square: log distance"].followed > 0.7
    in_square = readings.owners >= 0
    assert float(readings.shares[in_square].sum() / readings.shares.sum()) > 0.8
    again = Reader(backbone(), reader.names, SIZE)
    again.load_state_dict(reader.state_dict())
    same = read_pictures(again, seen.rows(rest))
    assert torch.equal(same.scene, readings.scene) and same.owners is None


def test_training_is_the_same_bit_for_bit_from_the_same_seed(squares):
    images, targets = squares
    readers = []
    for _ in range(2):
        reader = Reader(backbone(), ReaderNames(("brightness",), ("square",)), SIZE, seed=4)
        fit_scales(reader, targets)
        train_reader(reader, reader.see(images[:64]), ReaderTargets(
            targets.scene[:64], targets.classes[:64], targets.cells[:64], targets.owners[:64]
        ), 3, ReaderTraining(epochs=1))  # fmt: skip
        readers.append(reader.state_dict())
    assert all(torch.equal(readers[0][name], readers[1][name]) for name in readers[0])


def test_readings_of_several_parts_keep_their_pictures_apart():
    one = Readings(torch.zeros(2, 1), torch.zeros(3, 2), torch.ones(3, 1), torch.tensor([0, 1, 1]))
    both = Readings.joined([one, one])
    assert both.pictures.tolist() == [0, 1, 1, 2, 3, 3]
    parts = SeenPictures(torch.zeros(5, 3, 4, 4), (torch.zeros(5, 2, 1, 1),)).split(2)
    assert [len(part) for part in parts] == [2, 2, 1]

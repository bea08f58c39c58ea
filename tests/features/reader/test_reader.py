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
from blender_addon.contract.street import arc_coordinates, read_street
from blender_addon.contract.street_classes import LABELLED
from metasim_backend.features.reader.accuracy import accuracy
from metasim_backend.features.reader.look import look_size, shrunk
from metasim_backend.features.reader.reader import Reader, SeenPictures
from metasim_backend.features.reader.readings import Readings, proposals, read_pictures
from metasim_backend.features.reader.region_network import (
    SIDE,
    corrected,
    corrections_to,
    places,
    squares,
)
from metasim_backend.features.reader.targets import (
    OBJECT_NUMBERS,
    ReaderNames,
    ReaderTargets,
    box_numbers,
    reader_names,
    reader_targets,
    road_numbers,
)
from metasim_backend.features.reader.training import (
    ReaderTraining,
    class_balance,
    fit_scales,
    train_reader,
    training_steps,
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
    labels = []
    for number, class_name, box3d in boxes:
        rows, columns = np.nonzero(index == number)
        visible = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        labels.append(
            SimpleNamespace(
                node=f"{class_name}_0",
                index=number,
                class_name=class_name,
                box3d=box3d,
                visible_box=visible,
            )
        )
    return SimpleNamespace(index=index, labels=labels)


def test_targets_tell_class_owner_box_and_how_the_object_stands():
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
    assert targets.cell_kinds.tolist() == [[[0, 1, 1], [0, 0, 0]]]
    assert targets.owners.tolist() == [[[-1, 1, 1], [-1, -1, -1]]]
    assert names.classes == ("car", "person") and targets.kinds.tolist() == [[2, 1]]
    assert targets.boxes[0, 1].tolist() == pytest.approx([4 / 12, 0, 1, 4 / 9])
    assert targets.cell_boxes[0, :, 0, 1].tolist() == targets.boxes[0, 1].tolist()
    assert targets.cell_boxes[0, :, 0, 0].isnan().all()
    numbers = dict(zip(OBJECT_NUMBERS, targets.numbers[0, 1].tolist(), strict=True))
    assert numbers["log distance"] == pytest.approx(math.log(10))
    assert numbers["lateral offset"] == pytest.approx(10)
    assert numbers["sin aspect"] == pytest.approx(math.sin(0.3 - math.pi / 4), abs=1e-6)
    assert targets.numbers[0, 0].isnan().all()  # the person has no 3-D box
    (camera,) = (node for node in scene.nodes if node.class_name == "camera")
    slot = encoding.slot("camera", "pitch")
    low, _ = slot.attribute.bounds
    unit = (camera.attributes["pitch"] - low) / slot.attribute.span
    assert float(targets.scene[0, names.scene.index("camera.pitch")]) == pytest.approx(unit)
    both = ReaderTargets.joined([targets, targets.rows(torch.tensor([0]))])
    assert both.kinds.tolist() == [[2, 1], [2, 1]] and len(both) == 2


def test_a_large_picture_is_looked_at_in_a_small_one():
    assert look_size(96, 160) == (96, 160) and look_size(192, 320) == (96, 160)
    assert look_size(375, 1242) == (53, 177)
    image = torch.rand(1, 3, 192, 320)
    mean = image.view(1, 3, 96, 2, 160, 2).mean((3, 5))
    assert torch.allclose(shrunk(image), mean, atol=1e-6)


def test_a_square_shows_its_object_in_the_middle_whatever_its_size():
    image = torch.zeros(2, 3, 96, 160, dtype=torch.uint8)
    image[1, 0, 40:60, 100:120] = 255
    image[0, 1, 10:20, 20:30] = 255
    boxes = torch.tensor([[100, 40, 120, 60], [20, 10, 30, 20]]) / torch.tensor([160, 96, 160, 96])
    seen = squares(image, torch.tensor([1, 0]), boxes)
    assert seen.shape == (2, 3, SIDE, SIDE)
    share = 1 / 1.6**2
    for of_object, channel in zip(seen, (0, 1), strict=True):
        assert float(of_object[channel].mean()) == pytest.approx(share, abs=0.02)
        assert float(of_object[channel, SIDE // 2, SIDE // 2]) == 1
        assert float(of_object[channel, :4].max()) == 0
        assert float(of_object[1 - channel].max()) == 0
    assert len(squares(image, torch.zeros(0, dtype=torch.long), torch.zeros(0, 4))) == 0
    assert places(boxes)[1, 2] < places(boxes)[0, 2]


def test_corrections_lead_to_the_exact_box():
    boxes = torch.tensor([[0.1, 0.2, 0.3, 0.6], [0.5, 0.5, 0.6, 0.7]])
    exact = torch.tensor([[0.12, 0.1, 0.3, 0.55], [0.45, 0.5, 0.65, 0.65]])
    assert torch.allclose(corrected(boxes, corrections_to(boxes, exact)), exact, atol=1e-6)
    assert float(corrections_to(boxes, boxes).abs().max()) < 1e-5


def test_overlapping_proposals_become_one_box_and_others_stay():
    probability = torch.zeros(2, 4, 6)
    boxes = torch.zeros(2, 4, 4, 6)
    first, second = torch.tensor([0.1, 0.1, 0.4, 0.4]), torch.tensor([0.6, 0.5, 0.9, 0.9])
    for column, (p, moved) in enumerate([(0.9, 0.0), (0.6, 0.03)]):
        probability[0, 1, column], boxes[0, :, 1, column] = p, first + moved
    probability[0, 3, 4], boxes[0, :, 3, 4] = 0.8, second
    probability[1, 1, 0], boxes[1, :, 1, 0] = 0.7, first  # the same place in another picture
    probability[1, 2, 2] = 0.1  # too improbable
    pictures, cells, found = proposals(probability, boxes)
    assert pictures.tolist() == [0, 0, 1] and cells.tolist() == [6, 22, 6]
    mean = first + 0.03 * 0.6 / 1.5
    assert torch.allclose(found, torch.stack([mean, second, first]), atol=1e-6)
    assert [len(part) for part in proposals(torch.zeros(1, 4, 6), boxes[:1])] == [0, 0, 0]


def test_numbers_of_an_object_turn_with_it_and_not_with_its_place():
    """The same view from another direction has the same aspect."""
    ahead = box_numbers(Box3D(1, 1, 1, (0.0, 0.0, 20.0), 0.5))
    aside = box_numbers(Box3D(1, 1, 1, (20.0, 0.0, 20.0), 0.5 + math.pi / 4))
    assert ahead[2:] == pytest.approx(aside[2:])


def test_numbers_on_the_road_are_where_the_renderer_puts_things():
    """A bent road and its lanes are counted out of what the renderer is told."""
    grammar = load_grammar(SCENES / "driving.yaml", assets=())
    compared = 0
    for seed in range(30):
        scene = sample_scene(grammar, seed)
        street, numbers = read_street(scene), road_numbers(scene)
        for node in scene.nodes:
            if node.class_name not in LABELLED:
                continue
            placed = street.place(node)
            _, offset = arc_coordinates(placed.x, placed.y, street.curvature)
            double = 2 * (placed.turn - placed.uphill)
            wanted = (offset, math.sin(double), math.cos(double))
            assert numbers[node.id] == pytest.approx(wanted, abs=1e-4)
            compared += 1
    assert compared > 150
    flat = load_grammar(SCENES / "multi_mnist.yaml")
    assert not road_numbers(sample_scene(flat, 0))


@pytest.fixture(scope="module")
def squares_and_targets() -> tuple[torch.Tensor, ReaderTargets]:
    """Pictures as bright as the scene's one number; a red square's size tells its distance."""
    source = torch.Generator().manual_seed(0)
    count, (height, width) = 400, SIZE
    brightness = torch.rand(count, generator=source)
    images = (40 + 120 * brightness)[:, None, None, None].expand(-1, 3, height, width).clone()
    grid = (height // 4, width // 4)
    kinds = torch.ones(count, 1, dtype=torch.uint8)
    boxes = torch.zeros(count, 1, 4)
    numbers = torch.zeros(count, 1, len(OBJECT_NUMBERS))
    owners = torch.full((count, *grid), -1, dtype=torch.int16)
    for n in range(count):
        size = int(torch.randint(2, 5, (), generator=source))
        row = int(torch.randint(0, grid[0] - size, (), generator=source))
        column = int(torch.randint(0, grid[1] - size, (), generator=source))
        owners[n, row : row + size, column : column + size] = 0
        images[n, :, 4 * row : 4 * (row + size), 4 * column : 4 * (column + size)] = torch.tensor(
            [250.0, 0, 0]
        )[:, None, None]
        corners = torch.tensor([column, row, column + size, row + size])
        boxes[n, 0] = corners / torch.tensor([grid[1], grid[0], grid[1], grid[0]])
        numbers[n, 0, 0] = 3.0 - 0.5 * size
    targets = ReaderTargets(brightness[:, None], owners, kinds, boxes, numbers)
    return images.round().to(torch.uint8), targets


def test_a_reader_learns_scene_class_box_and_object(squares_and_targets):
    images, targets = squares_and_targets
    reader = Reader(backbone(), ReaderNames(("brightness",), ("square",)), SIZE)
    fit_scales(reader, targets)
    seen = reader.see(images)
    training, settings = torch.arange(320), ReaderTraining(epochs=6, batch=32)
    losses: list[float] = []
    some = targets.rows(training)
    train_reader(
        reader, seen.rows(training), some, 0, settings, progress=lambda _, x: losses.append(x)
    )
    assert len(losses) == training_steps(some, settings)
    dense = settings.epochs * 10
    assert losses[dense - 1] < 0.5 * losses[0] and losses[-1] < 0.5 * losses[dense]
    rest = torch.arange(320, 400)
    held_out = targets.rows(rest)
    readings = read_pictures(reader, seen.rows(rest), held_out)
    found = accuracy(reader, readings, held_out)
    assert found["brightness"].r2 > 0.8 and found["brightness"].count == 80
    assert found["square: log distance"].followed > 0.7
    of_square = readings.owners >= 0
    assert float(readings.shares[of_square].sum() / readings.shares.sum()) > 0.8
    assert 70 <= int(of_square.sum()) <= 90  # about one a picture
    boxes = held_out.boxes[readings.pictures[of_square], 0]
    assert float((readings.boxes[of_square] - boxes).abs().mean()) < 0.03
    again = Reader(backbone(), reader.names, SIZE)
    again.load_state_dict(reader.state_dict())
    same = read_pictures(again, seen.rows(rest))
    assert torch.equal(same.scene, readings.scene) and same.owners is None
    unowned = readings.unowned
    assert len(unowned) == 80 and len(unowned.objects) == int((~of_square).sum())
    few = readings.rows(torch.tensor([5, 2]))
    assert torch.equal(few.scene, readings.scene[[5, 2]])
    assert torch.equal(few.objects[few.pictures == 0], readings.objects[readings.pictures == 5])


def test_a_rare_class_counts_more_by_the_root_of_how_rare_it_is():
    kinds = torch.tensor([[1] * 16 + [2, 0, 0]], dtype=torch.uint8)
    shape = (1, kinds.shape[1])
    targets = ReaderTargets(
        torch.zeros(1, 1),
        torch.full((1, 2, 2), -1, dtype=torch.int16),
        kinds,
        torch.zeros(*shape, 4),
        torch.zeros(*shape, 6),
    )
    none, usual, rare, absent = class_balance(targets, 3).tolist()
    assert none == 1 and rare / usual == pytest.approx(4)
    assert (16 * usual + rare) / 17 == pytest.approx(1)
    assert absent == pytest.approx(rare)  # as if it were there once


def test_training_is_the_same_bit_for_bit_from_the_same_seed(squares_and_targets):
    images, targets = squares_and_targets
    readers = []
    for _ in range(2):
        reader = Reader(backbone(), ReaderNames(("brightness",), ("square",)), SIZE, seed=4)
        fit_scales(reader, targets)
        train_reader(
            reader, reader.see(images[:64]), targets.rows(slice(64)), 3, ReaderTraining(epochs=1)
        )
        readers.append(reader.state_dict())
    assert all(torch.equal(readers[0][name], readers[1][name]) for name in readers[0])


def test_readings_of_several_parts_keep_their_pictures_apart():
    pictures = torch.tensor([0, 1, 1])
    one = Readings(
        torch.zeros(2, 1), torch.zeros(3, 2), torch.ones(3, 1), pictures, torch.zeros(3, 4)
    )
    both = Readings.joined([one, one])
    assert both.pictures.tolist() == [0, 1, 1, 2, 3, 3]
    parts = SeenPictures(torch.zeros(5, 3, 4, 4), (torch.zeros(5, 2, 1, 1),)).split(2)
    assert [len(part) for part in parts] == [2, 2, 1]

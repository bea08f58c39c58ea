"""Aerial2D: what stands where, by closed-form geometry; the textures; the gradient."""

import importlib.util
import math
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from blender_addon.contract.frames import RenderSettings
from blender_addon.contract.scene_graph import Node, SceneGraph
from metasim_backend.grammar import load_grammar, sample_scene
from metasim_backend.rendering.renderer import RendererSetupError, RenderingInputError
from metasim_backend.rendering.sprites import SceneTable, SpriteRenderer
from metasim_backend.shipped_files.folders import AERIAL_TEXTURES
from metasim_backend.worlds.aerial_sprites import AerialWorld
from metasim_backend.worlds.aerial_textures import load_banks

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "assets" / "make_aerial_textures.py"
WORLD = AerialWorld("train")


def land(road, *others):
    nodes = [Node("grass", "grass", None, {"texture": 3})]
    if road is not None:
        nodes.append(Node("road", "road", "grass", {"texture": 5, "offset": 0.0, **road}))
    for number, (class_name, attributes) in enumerate(others):
        known = {"texture": 11, "size": 0.15 if class_name == "car" else 0.25}
        if class_name == "house":
            known["yaw"] = 0.0
        nodes.append(Node(f"{class_name}_{number}", class_name, "road", {**known, **attributes}))
    return SceneGraph(tuple(nodes), "aerial2d")


def car(along, across, yaw, lane="right"):
    return "car", {"along": along, "across": across, "yaw": yaw, "lane": lane}


def layer_of(scene, place, width=64, height=64):
    return WORLD.layers(SceneTable.of([scene]), width, height)[place]


def frame_of(scene, width=64, height=64):
    settings = RenderSettings(width, height, engine="aerial2d")
    return SpriteRenderer(WORLD).render([scene], [settings])[0]


# The road's frame, by complex numbers: x right, y up, so that a turn by t is a product by e^it.
POSES = [
    # along, across, yaw, lane, angle, offset
    (0.2, 0.09, 0.0, "right", 0.0, 0.0),
    (-0.15, -0.09, 0.0, "left", 90.0, 0.05),
    (0.1, 0.3, 70.0, "right", 37.0, -0.1),
    (0.25, -0.2, 200.0, "left", 211.0, 0.08),
]


def expected(along, across, yaw, lane, angle, offset):
    """Place in fractions of the side from the centre (y up) and direction in radians."""
    turn = np.exp(1j * math.radians(angle))
    place = turn * (along - 1j * (across + offset))
    return place, math.radians(angle + yaw + (180 if lane == "left" else 0))


@pytest.mark.parametrize("width,height", [(64, 64), (96, 48)])
@pytest.mark.parametrize("along,across,yaw,lane,angle,offset", POSES)
def test_a_car_is_placed_where_the_geometry_says(
    along, across, yaw, lane, angle, offset, width, height
):
    scene = land({"angle": angle, "offset": offset}, car(along, across, yaw, lane))
    layer = layer_of(scene, 2, width, height)
    place, direction = expected(along, across, yaw, lane, angle, offset)
    side = min(width, height)
    assert float(layer.x) == pytest.approx(width / 2 + side * place.real, abs=1e-4)
    assert float(layer.y) == pytest.approx(height / 2 - side * place.imag, abs=1e-4)
    assert math.cos(float(layer.angle) - direction) == pytest.approx(1, abs=1e-6)
    body = load_banks("train")["cars"]
    drawn = float(layer.width) * body.body[0] / body.size[0]
    assert drawn == pytest.approx(2 * 0.15 * side, rel=1e-5)
    assert drawn / 2 == pytest.approx(float(layer.height) * body.body[1] / body.size[1], rel=1e-5)


@pytest.mark.parametrize("along,across,yaw,lane,angle,offset", POSES)
def test_a_car_s_pixels_have_that_middle_and_that_direction(
    along, across, yaw, lane, angle, offset
):
    scene = land({"angle": angle, "offset": offset}, car(along, across, yaw, lane))
    frame = frame_of(scene, 128, 128)
    label = next(label for label in frame.labels if label.class_name == "car")
    rows, columns = np.nonzero(frame.mask(label))
    place, direction = expected(along, across, yaw, lane, angle, offset)
    middle = columns.mean() + 0.5, rows.mean() + 0.5
    assert middle == pytest.approx((64 + 128 * place.real, 64 - 128 * place.imag), abs=0.8)
    # The longest axis of its pixels; a mask does not tell front from back.
    x, y = columns - columns.mean(), -(rows - rows.mean())
    axis = 0.5 * math.atan2(2 * (x * y).mean(), (x * x).mean() - (y * y).mean())
    assert abs(math.sin(axis - direction)) < math.sin(math.radians(3))
    # A car fills nearly all of its 0.3 x 0.15 of the side.
    assert 0.75 * 0.045 < label.visible_pixels / 128**2 < 1.05 * 0.045


@pytest.mark.parametrize("lane,yaw,ahead", [("right", 0, 1), ("left", 0, -1), ("left", 180, 1)])
def test_the_front_of_a_car_leads_its_way_on_the_right(tmp_path, lane, yaw, ahead):
    for path in AERIAL_TEXTURES.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with Image.open(AERIAL_TEXTURES / "cars.png") as atlas:
        painted = np.array(atlas)
    painted[..., :3] = 0
    painted[:, painted.shape[1] // 2 :, 0] = 255  # the front is red
    Image.fromarray(painted).save(tmp_path / "cars.png")
    scene = land({"angle": 90.0}, car(0.0, 0.09 if lane == "right" else -0.09, yaw, lane))
    settings = [RenderSettings(64, 64, engine="aerial2d")]
    image = SpriteRenderer(AerialWorld("train", tmp_path)).render([scene], settings)[0].image
    column = int(32 + 64 * (0.09 if lane == "right" else -0.09))
    above, below = image[26, column], image[37, column]  # the road leads upwards
    front, back = (above, below) if ahead > 0 else (below, above)
    assert front.tolist() == [255, 0, 0] and back.tolist() == [0, 0, 0]


@pytest.mark.parametrize("angle,offset", [(0, 0), (30, 0.1), (135, -0.15), (270, 0.05)])
@pytest.mark.parametrize("width,height", [(64, 64), (96, 48), (48, 96)])
def test_the_road_is_a_strip_through_the_whole_picture(angle, offset, width, height):
    frame = frame_of(land({"angle": angle, "offset": offset}), width, height)
    side = min(width, height)
    x = (np.arange(width) + 0.5 - width / 2)[None] / side
    y = -(np.arange(height) + 0.5 - height / 2)[:, None] / side
    t = math.radians(angle)
    right = x * math.sin(t) - y * math.cos(t) - offset
    inside = np.abs(right) < 0.36 / 2
    border = np.abs(np.abs(right) - 0.36 / 2) < 0.7 / side
    assert np.array_equal((frame.index > 0)[~border], inside[~border])
    assert [label.class_name for label in frame.labels] == ["road"]


def test_a_house_stands_beside_the_road_turned_against_it_and_a_tree_hides_it():
    house = ("house", {"along": 0.1, "across": 0.35, "yaw": 20.0, "size": 0.25})
    tree = ("tree", {"along": 0.1, "across": 0.35, "size": 0.2})
    scene = land({"angle": 90.0}, house, tree)
    houses, trees = (layer_of(scene, place) for place in (2, 3))
    # Looking up, the right is on the right.
    for layer in (houses, trees):
        assert (float(layer.x), float(layer.y)) == pytest.approx(
            (32 + 0.35 * 64, 32 - 6.4), abs=1e-4
        )
    assert float(houses.angle) == pytest.approx(math.radians(110), abs=1e-6)
    banks = load_banks("train")
    for layer, bank, size in ((houses, "houses", 0.25), (trees, "trees", 0.2)):
        body = banks[bank].body[0] / banks[bank].size[0]
        assert float(layer.width) * body == pytest.approx(size * 64, rel=1e-5)
    labels = {label.class_name: label for label in frame_of(scene).labels}
    assert labels["tree"].visibility > 0.95 > 0.6 > labels["house"].visibility


def test_grass_covers_the_picture_to_its_rim():
    frame = frame_of(land(None), 80, 50)
    assert frame.labels == () and not frame.index.any()
    assert frame.image.min() > 20  # black shines through where the grass is not opaque


def test_the_same_scene_looks_alike_at_twice_the_size():
    scenes = [sample_scene(load_grammar(ROOT / "scenes" / "aerial2d.yaml"), i) for i in range(4)]
    for scene in scenes:
        small, large = frame_of(scene), frame_of(scene, 128, 128)
        merged = large.image.reshape(64, 2, 64, 2, 3).astype(float).mean((1, 3))
        assert np.abs(merged - small.image).mean() < 6
        names = [label.class_name for label in small.labels]
        assert names == [label.class_name for label in large.labels]
        assert (np.kron(small.index, np.ones((2, 2))) == large.index).mean() > 0.95


# Gradients


def test_the_gradient_of_every_number_is_that_of_central_differences():
    """In double precision and with every class, on a smooth function of all poses."""
    grammar = load_grammar(ROOT / "scenes" / "aerial2d_spread.yaml")
    table = SceneTable.of([sample_scene(grammar, seed) for seed in range(3)])
    numbers = {
        (name, attribute): values.double()
        for name, own in table.classes.items()
        for attribute, values in own.numbers.items()
        if attribute != "texture"
    }
    weights = torch.Generator().manual_seed(0)
    drawn: list[torch.Tensor] = []

    def value(changed):
        total, position = torch.zeros((), dtype=torch.float64), 0
        for layer in WORLD.layers(table.with_numbers(changed), 64, 48):
            for part in (layer.x, layer.y, layer.angle.sin(), layer.width, layer.height):
                if position == len(drawn):
                    drawn.append(torch.rand(part.shape, generator=weights, dtype=torch.float64))
                total = total + (part.double() * drawn[position]).sum()
                position += 1
        return total

    leaves = {key: values.clone().requires_grad_() for key, values in numbers.items()}
    value(leaves).backward()
    seen = 0
    for key, values in numbers.items():
        exact = torch.zeros_like(values)
        for row in range(len(values)):
            step = torch.zeros_like(values)
            step[row] = 1e-4
            plus, minus = (
                value({**numbers, key: values + sign * step}).detach() for sign in (1, -1)
            )
            exact[row] = (plus - minus) / 2e-4
        if leaves[key].grad is None:  # a number that moves nothing
            assert exact.abs().max() == 0
            continue
        assert torch.allclose(leaves[key].grad, exact, rtol=1e-5, atol=1e-5), key
        seen += 1
    assert seen == len(numbers)


@pytest.mark.parametrize("class_name,attribute,step", [
    ("road", "angle", 0.5), ("car", "along", 0.004), ("car", "across", 0.004), ("car", "yaw", 1.0),
    ("house", "along", 0.004), ("house", "across", 0.004), ("house", "size", 0.004),
    ("tree", "along", 0.004), ("tree", "across", 0.004),
])  # fmt: skip
def test_pictures_have_the_gradient_that_small_steps_show(class_name, attribute, step):
    grammar = load_grammar(ROOT / "scenes" / "aerial2d_spread.yaml")
    scenes = [sample_scene(grammar, seed) for seed in range(4)]
    renderer = SpriteRenderer(WORLD)
    settings = [RenderSettings(64, 64, engine="aerial2d", float_image=True)] * 4
    key = (class_name, attribute)
    start = SceneTable.of(scenes).classes[class_name].numbers[attribute]
    # A smooth function of the picture, as features are.
    waves = torch.nn.functional.interpolate(
        torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(1)), size=(64, 64),
        mode="bicubic",
    )  # fmt: skip

    def values(numbers):
        return (renderer.differentiable(scenes, settings, {key: numbers}) * waves).sum((1, 2, 3))

    leaf = start.clone().requires_grad_()
    values(leaf).sum().backward()
    steps = (values(start + step) - values(start - step)).detach() / (2 * step)
    own = SceneTable.of(scenes).classes[class_name].scene
    exact = torch.zeros(4).index_add_(0, own, leaf.grad)
    assert torch.nn.functional.cosine_similarity(exact, steps, dim=0) > 0.98
    assert exact.abs().max() > 0


# Textures


def test_colours_are_multiplied_by_opacity_and_have_a_clear_border():
    for split in ("train", "test"):
        for name, bank in load_banks(split).items():
            colour, alpha = bank.pixels[:, :3], bank.pixels[:, 3:]
            assert bank.pixels.dtype == torch.float32 and float(alpha.min()) >= 0
            assert bool((colour <= alpha + 1e-6).all()) and float(alpha.max()) == 1
            if name == "grass":
                assert float(alpha.min()) == 1
            elif name == "roads":
                assert float(alpha[:, :, [0, -1]].max()) == 0
            else:
                rim = torch.ones_like(alpha, dtype=torch.bool)
                rim[:, :, 1:-1, 1:-1] = False
                assert float(alpha[rim].max()) < 0.2


def test_splits_share_no_texture_and_the_world_uses_its_own():
    first, second = load_banks("train"), load_banks("test")
    for name, least in {"cars": 300, "trees": 60, "houses": 60, "roads": 40, "grass": 40}.items():
        parts = [
            {each.numpy().tobytes() for each in banks[name].pixels} for banks in (first, second)
        ]
        assert not parts[0] & parts[1]
        assert len(parts[0]) + len(parts[1]) >= least  # every texture differs from every other
        assert 0.7 < len(first[name].pixels) / (len(parts[0]) + len(parts[1])) < 0.8
    scene = land({"angle": 0.0}, car(0, 0.09, 0))
    layers = AerialWorld("test").layers(SceneTable.of([scene]), 64, 64)
    assert torch.equal(layers[2].textures, second["cars"].pixels)
    assert int(layers[2].texture) == 11 % len(second["cars"].pixels)


def test_any_whole_number_names_a_texture():
    scenes = [land({"angle": 0.0, "texture": n}, car(0, 0.09, 0)) for n in (0, 1, 9999)]
    layer = WORLD.layers(SceneTable.of(scenes), 64, 64)[1]
    count = len(layer.textures)
    assert layer.texture.tolist() == [0, 1, 9999 % count]


def test_greys_of_cars_and_of_roads_overlap():
    """A car is not told from the road by its colour: many are as grey and as bright."""
    banks = load_banks("train")
    middle = banks["cars"].pixels[:, :3].flatten(2).sum(2) / banks["cars"].pixels[:, 3:].sum((2, 3))
    road = banks["roads"].pixels[:, :3, 4:-4].mean((2, 3))
    distance = torch.cdist(middle, road).min(1).values
    assert 0.15 < float((distance < 0.08).float().mean()) < 0.8


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(SCRIPT.parent)
    spec = importlib.util.spec_from_file_location("make_aerial_textures", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)  # dataclasses look there
    spec.loader.exec_module(module)
    return module


def test_the_script_draws_the_shipped_textures_again(script):
    assert script.catalogue() == (AERIAL_TEXTURES / "catalogue.yaml").read_text(encoding="utf-8")
    for sheet in script.SHEETS:
        atlas = np.asarray(Image.open(AERIAL_TEXTURES / f"{sheet.name}.png"))
        shipped = atlas.reshape(sheet.count, sheet.height, sheet.width, 4)
        for number in (0, sheet.train, sheet.count - 1):
            drawn = script.texture(sheet, number)
            assert np.array_equal(drawn, script.texture(sheet, number))
            # Another machine's sine may round another way now and then.
            assert (drawn == shipped[number]).mean() > 0.998, (sheet.name, number)


def test_the_script_writes_the_same_bytes_again(tmp_path, script, monkeypatch):
    few = tuple(replace(sheet, count=3, train=2) for sheet in script.SHEETS)
    monkeypatch.setattr(script, "SHEETS", few)
    for folder in ("first", "second"):
        script.write(tmp_path / folder)
    names = sorted(path.name for path in (tmp_path / "first").iterdir())
    assert names == sorted([*(f"{sheet.name}.png" for sheet in few), "catalogue.yaml"])
    for name in names:
        first, second = (tmp_path / folder / name for folder in ("first", "second"))
        assert first.read_bytes() == second.read_bytes()
    assert len(load_banks("train", tmp_path / "first")["cars"].pixels) == 2


def test_the_catalogue_says_whose_and_under_what_licence():
    listed = yaml.safe_load((AERIAL_TEXTURES / "catalogue.yaml").read_text(encoding="utf-8"))
    assert listed["licence"] == "GPL-3.0-or-later"
    for entry in listed["textures"].values():
        assert (
            entry["licence"] == "GPL-3.0-or-later" and (AERIAL_TEXTURES / entry["file"]).is_file()
        )
    assert sum(path.stat().st_size for path in AERIAL_TEXTURES.iterdir()) < 700_000


# What users get wrong


def test_mistakes_are_told_in_one_sentence(tmp_path):
    with pytest.raises(RendererSetupError, match=r"no split 'all'.*train or test\.$"):
        AerialWorld("all")
    with pytest.raises(RendererSetupError, match=re.escape(str(tmp_path)) + ".*make_aerial"):
        AerialWorld("train", tmp_path)
    (tmp_path / "catalogue.yaml").write_text("textures: {cars: {file: cars.png}}\n")
    with pytest.raises(RendererSetupError, match="textures 'cars'"):
        AerialWorld("train", tmp_path)

    def draw(*nodes):
        return WORLD.layers(SceneTable.of([SceneGraph(nodes, "aerial2d")]), 64, 64)

    grass = Node("grass", "grass", None, {"texture": 0})
    with pytest.raises(RenderingInputError, match="class 'boat'"):
        draw(grass, Node("boat", "boat", "grass"))
    with pytest.raises(RenderingInputError, match="'angle' of the class 'road' is missing"):
        draw(grass, Node("road", "road", "grass", {"texture": 0, "offset": 0.0}))
    tree = {"texture": 0, "along": 0.0, "across": 0.0, "size": "large"}
    road = Node("road", "road", "grass", {"texture": 0, "offset": 0.0, "angle": 0.0})
    with pytest.raises(RenderingInputError, match="'size' of the class 'tree' is of the wrong"):
        draw(grass, road, Node("tree", "tree", "road", tree))
    with pytest.raises(RenderingInputError, match="'tree' stand below 'grass'"):
        draw(grass, road, Node("tree", "tree", "grass", {**tree, "size": 0.2}))


def test_a_road_of_a_kind_has_that_kinds_width_and_others_the_usual_one():
    from metasim_backend.worlds.aerial_sprites import ROAD_WIDTH, ROAD_WIDTHS

    def width(kind):
        attributes = {"angle": 0.0, "offset": 0.0, "texture": 0}
        attributes |= {} if kind is None else {"kind": kind}
        nodes = (
            Node("grass", "grass", None, {"texture": 0}),
            Node("road", "road", "grass", attributes),
        )
        scene = SceneGraph(nodes, "aerial2d", 0)
        (frame,) = SpriteRenderer(AerialWorld()).render([scene], [RenderSettings(128, 128)])
        (label,) = frame.labels
        return label.visible_pixels / 128 / 128

    for kind, wanted in (*ROAD_WIDTHS.items(), (None, ROAD_WIDTH)):
        assert width(kind) == pytest.approx(wanted, abs=0.02)
    with pytest.raises(RenderingInputError, match="'gravel'"):
        width("gravel")

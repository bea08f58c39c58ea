"""Files of each kind that is read, mutated in their bytes, their text and their structure."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from hostile_messages import flipped, mutated
from hostile_pictures import GOOD_PICTURE, odd_picture
from hostile_text import odd_bytes, odd_json

from blender_addon.contract import scene_graph
from metasim_backend.grammar import load_grammar, sample_scene

ROOT = Path(__file__).resolve().parents[2]
SCENES = ROOT / "scenes"
KITTI = """\
Car 0.00 0 1.85 10.00 20.00 49.00 60.00 1.67 1.87 3.69 -16.53 2.39 58.49 1.57
Van 0.20 1 1.85 60.00 20.00 89.00 49.00 1.67 1.87 3.69 -16.53 2.39 58.49 1.57
DontCare -1 -1 -10 30.00 10.00 39.00 19.00 -1 -1 -1 -1000 -1000 -1000 -10
"""


@dataclass(frozen=True)
class Kind:
    """One kind of file.

    Attributes:
        mutate: writes a mutated file, or several that belong together, into a folder.
        read: what a command does with it; raises the user's mistakes.
    """

    mutate: Callable[[Path, random.Random], object]
    read: Callable[[Path], object]


def put(folder: Path, name: str, data: bytes) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


# Grammars and scenes ----------------------------------------------------------------------------

GRAMMARS = {name: (SCENES / f"{name}.yaml").read_text() for name in (
    "aerial2d", "mnist_rotation", "aerial2d_structure", "demo_target")}  # fmt: skip
SCENE = {
    name: scene_graph.to_dict(sample_scene(load_grammar(SCENES / f"{name}.yaml"), 3))
    for name in ("aerial2d", "driving")
}


def mutate_grammar(folder: Path, source: random.Random) -> None:
    name = source.choice(sorted(GRAMMARS))
    text = GRAMMARS[name].replace("extends: ", f"extends: {SCENES}/")
    if source.random() < 0.4:
        data = yaml.safe_load(text)
        for _ in range(source.choice((1, 1, 3))):
            data = mutated(data, source)
        try:
            put(folder, "g.yaml", yaml.safe_dump(data).encode(errors="replace"))
            return
        except (yaml.YAMLError, ValueError, RecursionError):
            pass
    put(folder, "g.yaml", odd_bytes(text, source))


def read_grammar(folder: Path) -> None:
    grammar = load_grammar(folder / "g.yaml")
    sample_scene(grammar, 0)
    from metasim_backend.training.run_config import resolve_settings

    numbers = any(one.mutable for spec in grammar.classes for one in spec.attributes)
    resolve_settings(grammar, [] if numbers else ["phases=structure"])


def mutate_scene(folder: Path, source: random.Random) -> None:
    put(folder, "s.json", odd_json(SCENE[source.choice(sorted(SCENE))], source))


def read_scene(folder: Path) -> None:
    from blender_addon.contract.frames import RenderSettings
    from blender_addon.contract.street import read_street
    from metasim_backend.commands.render import default_settings
    from metasim_backend.training.scene_generator import noise_seeds
    from metasim_backend.worlds.registry import open_renderer

    scene = scene_graph.load(folder / "s.json")
    default_settings(scene.domain)
    if scene.domain == "driving":
        read_street(scene)
    else:
        renderer = open_renderer(scene.domain)
        renderer.render([scene], noise_seeds(RenderSettings(16, 16, engine=renderer.name), [scene]))
        renderer.close()


# Labelled pictures ------------------------------------------------------------------------------

COCO = {
    "images": [{"id": i, "file_name": f"{i}.jpg", "width": 96, "height": 64} for i in (1, 2)],
    "annotations": [
        {"id": i, "image_id": 1 + i % 2, "category_id": 1 + i % 2, "bbox": [10, 10, 30, 20],
         "iscrowd": 0, "occlusion": 1, "truncation": 0.2}
        for i in range(4)
    ],
    "categories": [{"id": 1, "name": "car"}, {"id": 2, "name": "person"}],
}  # fmt: skip
CROPS = {"1": {"boxes_xyxy": [[1, 2, 30, 40]]}, "2": {"boxes_xyxy": []}}


def mutate_coco(folder: Path, source: random.Random) -> None:
    for name in "12":
        put(folder, f"images/{name}.jpg", GOOD_PICTURE)
    put(folder, "annotations.json", odd_json(COCO, source))


def mutate_crops(folder: Path, source: random.Random) -> None:
    for name in "12":
        put(folder, f"images/{name}.jpg", GOOD_PICTURE)
    put(folder, "boxes.json", odd_json(CROPS, source))


def mutate_kitti(folder: Path, source: random.Random) -> None:
    put(folder, "image_2/1.jpg", GOOD_PICTURE)
    put(folder, "label_2/1.txt", odd_bytes(KITTI, source))


def read_labels(folder: Path) -> None:
    from metasim_backend.datasets.readers.labelled import check_cars, read_labelled

    skipped: list[str] = []
    read_labelled(folder, 48, 32, skipped=skipped)
    images = read_labelled(folder)
    check_cars(folder, images)


def mutate_pictures(folder: Path, source: random.Random) -> None:
    put(folder, f"1.{source.choice(('png', 'jpg'))}", odd_picture(source))


def read_pictures(folder: Path) -> None:
    from metasim_backend.datasets.targets import TargetImages, fitting_size

    fitting_size(folder)
    TargetImages.read(folder, 48, 32)


def mutate_table(folder: Path, source: random.Random) -> None:
    rows = "frame,width,height,class,xmin,ymin,xmax,ymax\n" + "".join(
        f"{i // 2},96,64,Car,1,2,30,40\n" for i in range(6)
    )
    data, choice = odd_bytes(rows, source), source.random()
    if choice < 0.5:
        put(folder, "t.csv", data)
    elif choice < 0.8:
        put(folder, "t.csv.gz", gzip.compress(data))
    else:
        put(folder, "t.csv.gz", flipped(gzip.compress(rows.encode()), source))


def read_table(folder: Path) -> None:
    from metasim_backend.datasets.box_table import counts_in_table, frames_in_table

    (path,) = folder.glob("t.csv*")
    frames_in_table(path)
    counts_in_table(path, ("Car",), 0.1)


def mutate_digits(folder: Path, source: random.Random) -> None:
    images = np.array([0x803, 3, 28, 28], ">i4").tobytes() + bytes(3 * 784)
    labels = np.array([0x801, 3], ">i4").tobytes() + bytes(3)
    files = {"t10k-images-idx3-ubyte": images, "t10k-labels-idx1-ubyte": labels}
    odd, packed = source.choice(sorted(files)), source.random() < 0.5
    for name, data in files.items():
        if name == odd and not packed or source.random() < 0.3:  # else what checks the sums says it
            data = flipped(data, source)
        if packed:
            data = gzip.compress(data)
            data = flipped(data, source) if name == odd and source.random() < 0.5 else data
        put(folder, name + (".gz" if packed else ""), data)


def read_digits(folder: Path) -> None:
    from metasim_backend.datasets.readers.mnist import read_mnist

    read_mnist("test", folder, fetch=False)


# Catalogues -------------------------------------------------------------------------------------

CATALOGUE = {
    "assets": [
        {"name": "taxi", "class": "car", "file": "taxi.obj", "length": 4.5, "width": 1.8,
         "height": 1.5, "turn": 90, "weight": 2, "up": "z", "licence": "CC0-1.0"},
        {"name": "oak", "class": "tree", "file": "taxi.obj", "weight": 1},
    ]
}  # fmt: skip


def mutate_catalogue(folder: Path, source: random.Random) -> None:
    put(folder, "taxi.obj", b"v 0 0 0\n")
    put(folder, "catalogue.json", odd_json(CATALOGUE, source))


def read_catalogue(folder: Path) -> None:
    from blender_addon.contract.catalogue import user_assets

    user_assets((folder,))


CAMERA = "camera_model:\n  gamma: 1.2\n  exposure: 0.5\n  blur: 0.3\n"


def mutate_camera(folder: Path, source: random.Random) -> None:
    put(folder, "c.yaml", odd_bytes(CAMERA, source))


def read_camera(folder: Path) -> None:
    from metasim_backend.grammar.reading_camera import load_camera_file

    load_camera_file(folder / "c.yaml")


def kinds() -> dict[str, Kind]:
    """Every kind of file that needs no run first, by name."""
    return {
        "grammar": Kind(mutate_grammar, read_grammar),
        "scene graph": Kind(mutate_scene, read_scene),
        "coco": Kind(mutate_coco, read_labels),
        "kitti": Kind(mutate_kitti, read_labels),
        "crops": Kind(mutate_crops, read_labels),
        "picture": Kind(mutate_pictures, read_pictures),
        "table": Kind(mutate_table, read_table),
        "digits": Kind(mutate_digits, read_digits),
        "catalogue": Kind(mutate_catalogue, read_catalogue),
        "camera": Kind(mutate_camera, read_camera),
    }

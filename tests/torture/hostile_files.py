"""Files of each kind that is read, mutated in their bytes, their text and their structure."""

from __future__ import annotations

import gzip
import io
import json
import random
import shutil
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from hostile_messages import flipped, mutated, text_of
from hostile_text import odd_bytes, odd_json
from PIL import Image

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


def picture_bytes(form: str, source: random.Random) -> bytes:
    size = source.choice(((96, 64), (1, 1), (33, 17)))
    pixels = np.random.default_rng(source.getrandbits(32)).integers(0, 256, (*size[::-1], 3))
    picture = Image.fromarray(pixels.astype(np.uint8))
    mode = source.choice(("RGB", "L", "P", "1", "LA", "RGBA", "I;16", "CMYK"))
    if form == "PNG" and mode not in ("I;16", "CMYK"):
        picture = picture.convert(mode)
    elif form == "PNG" and mode == "I;16":
        picture = Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)
    elif form == "JPEG" and mode in ("L", "CMYK"):
        picture = picture.convert(mode)
    options: dict[str, Any] = {}
    if source.random() < 0.3:
        exif = Image.Exif()
        exif[0x0112], exif[0x010E] = source.randrange(12), "x" * source.randrange(300)
        options["exif"] = exif
    if source.random() < 0.2:
        options["icc_profile"] = source.randbytes(200)
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def odd_png(data: bytes, source: random.Random) -> bytes:
    """A PNG whose blocks are changed but whose sums are right, so that decoders look into them."""
    head, blocks, at = data[:8], [], 8
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        blocks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    place = source.randrange(len(blocks))
    kind, body = blocks[place]
    if kind == b"IDAT" and source.random() < 0.5:
        body = zlib.compress(flipped(zlib.decompress(body), source))
    else:
        body = flipped(body, source)
    blocks[place] = (source.choice((kind, kind, kind, b"tRNS", b"PLTE", b"acTL")), body)
    if source.random() < 0.2:
        source.shuffle(blocks)
    return head + b"".join(
        len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")
        for kind, body in blocks
    )


def odd_picture(source: random.Random) -> bytes:
    form = source.choice(("PNG", "JPEG"))
    data = picture_bytes(form, source)
    if form == "PNG" and source.random() < 0.6:
        return odd_png(data, source)
    return flipped(data, source)


GOOD_PICTURE = picture_bytes("JPEG", random.Random(0))


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

    resolve_settings(grammar)


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
    data = odd_bytes(rows, source)
    if source.random() < 0.5:
        put(folder, "t.csv.gz", flipped(gzip.compress(data), source))
    else:
        put(folder, "t.csv", data)


def read_table(folder: Path) -> None:
    from metasim_backend.datasets.box_table import counts_in_table, frames_in_table

    (path,) = folder.glob("t.csv*")
    frames_in_table(path)
    counts_in_table(path, ("Car",), 0.1)


def mutate_digits(folder: Path, source: random.Random) -> None:
    images = np.array([0x803, 3, 28, 28], ">i4").tobytes() + bytes(3 * 784)
    labels = np.array([0x801, 3], ">i4").tobytes() + bytes(3)
    packed = source.random() < 0.5
    for name, data in (("t10k-images-idx3-ubyte", images), ("t10k-labels-idx1-ubyte", labels)):
        ending = ".gz" if packed else ""
        put(folder, name + ending, flipped(gzip.compress(data) if packed else data, source))


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


# Runs, detectors, choices -----------------------------------------------------------------------


def odd_tensors(value: Any, source: random.Random) -> Any:
    """A state with one of its parts of another shape, kind, or gone."""
    if isinstance(value, dict) and value and source.random() < 0.9:
        changed = dict(value)
        key = source.choice(sorted(changed, key=str))
        if source.random() < 0.2:
            del changed[key]
        else:
            changed[key] = odd_tensors(changed[key], source)
        return changed
    if isinstance(value, list) and value and source.random() < 0.8:
        changed_list = list(value)
        at = source.randrange(len(changed_list))
        changed_list[at] = odd_tensors(changed_list[at], source)
        return changed_list
    if isinstance(value, torch.Tensor):
        return source.choice(
            (
                value.flatten(),
                value[..., None],
                value.double(),
                value.to(torch.int8),
                torch.full_like(value.float(), float("nan")),
                torch.zeros(0),
                None,
                "weights",
            )
        )
    return source.choice((None, "x", -1, 10**400, float("nan"), {}, [], {"x": 1}, True))


class Damaged:
    """A finished run, and other files of tensors, of which one at a time is damaged.

    Args:
        run: its folder.
        made: what a detector's file holds.
    """

    def __init__(self, run: Path, made: Mapping[str, Any]) -> None:
        self.run = run
        self.files = {
            path.name: torch.load(path, weights_only=True)
            for path in (run / "checkpoints").glob("*.pt")
        }
        self.detector = made

    def _tensors(self, content: Any, source: random.Random) -> bytes:
        if source.random() < 0.7:
            for _ in range(source.choice((1, 1, 3))):
                content = odd_tensors(content, source)
        buffer = io.BytesIO()
        torch.save(content, buffer)
        data = buffer.getvalue()
        return flipped(data, source) if source.random() < 0.5 else data

    def mutate_checkpoint(self, folder: Path, source: random.Random) -> None:
        shutil.copytree(self.run, folder / "run")
        name = source.choice(sorted(self.files))
        put(folder, f"run/checkpoints/{name}", self._tensors(self.files[name], source))

    def read_checkpoint(self, folder: Path) -> None:
        """All that is read of a run's checkpoints, up to where it would go on."""
        from metasim_backend.features.extractor import build_features
        from metasim_backend.training.checkpoint import restore_state
        from metasim_backend.training.dataset_generation import draw
        from metasim_backend.training.plan import make_plan
        from metasim_backend.training.run_config import load_camera, load_generator, open_run
        from metasim_backend.training.services import Services
        from metasim_backend.training.state import new_state
        from metasim_backend.training.target import Target
        from metasim_backend.worlds.registry import open_renderer

        opened, config = open_run(folder / "run")
        load_camera(opened, config)
        scenes = load_generator(opened, config)
        draw(scenes, [1])
        empty = torch.zeros(0, 3, 64, 64, dtype=torch.uint8)
        renderer = open_renderer(config.grammar.domain)
        services = Services(opened, config.grammar, config.settings, Target(empty, empty), renderer)
        plan = make_plan(config.settings)
        restore_state(new_state(services, [s.name for s in plan if s.has_steps]), services)
        renderer.close()
        for name in ("prior_network", "features"):
            if (folder / f"run/checkpoints/{name}.pt").exists():
                build_features(str(folder / f"run/checkpoints/{name}.pt"))

    def mutate_run(self, folder: Path, source: random.Random) -> None:
        """Text files of a run."""
        shutil.copytree(self.run, folder / "run", ignore=shutil.ignore_patterns("tensorboard"))
        path = source.choice(
            sorted(
                one
                for one in (folder / "run").rglob("*")
                if one.suffix in (".json", ".jsonl", ".yaml", ".png")
            )
        )
        data = path.read_bytes()
        if path.suffix == ".png":
            path.write_bytes(odd_png(data, source))
        elif path.suffix == ".json":
            path.write_bytes(odd_json(json.loads(data), source))
        elif path.suffix == ".yaml" and source.random() < 0.5:
            content = mutated(mutated(yaml.safe_load(data), source), source)
            path.write_text(yaml.safe_dump(json.loads(text_of(content))), errors="replace")
        else:
            path.write_bytes(odd_bytes(data.decode(), source))

    def read_run(self, folder: Path) -> None:
        from metasim_backend.reporting.report import write_report
        from metasim_backend.run_files.metrics import Metrics
        from metasim_backend.serving.run_state import describe_run
        from metasim_backend.training.run_config import load_generator, open_run

        opened, config = open_run(folder / "run")
        load_generator(opened, config)
        Metrics(opened.metrics).keep_until({"pretrain": 1, "match": 1})
        describe_run({"run": str(folder / "run")})
        write_report(folder / "run")

    def mutate_detector(self, folder: Path, source: random.Random) -> None:
        put(folder, "d.pt", self._tensors(self.detector, source))

    def read_detector(self, folder: Path) -> None:
        from metasim_backend.training.detector_file import load_detector

        trained = load_detector(folder / "d.pt")
        trained.detector.predict([np.zeros((32, 48, 3), np.uint8)])


CAMERA = "camera_model:\n  gamma: 1.2\n  exposure: 0.5\n  blur: 0.3\n"


def mutate_camera(folder: Path, source: random.Random) -> None:
    put(folder, "c.yaml", odd_bytes(CAMERA, source))


def read_camera(folder: Path) -> None:
    from metasim_backend.grammar.reading_camera import load_camera_file

    load_camera_file(folder / "c.yaml")


def kinds(damaged: Damaged | None) -> dict[str, Kind]:
    """Every kind of file, by name; without a run's files those that need none."""
    of_a_run = (
        {}
        if damaged is None
        else {
            "checkpoint": Kind(damaged.mutate_checkpoint, damaged.read_checkpoint),
            "run": Kind(damaged.mutate_run, damaged.read_run),
            "detector": Kind(damaged.mutate_detector, damaged.read_detector),
        }
    )
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
        **of_a_run,
    }

"""Loads mutated models with Blender, one after the other: its arguments are FOLDER SEED FIRST LAST.

For each it prints a line of JSON before and after, so that it is seen which one ended the process.
It is limited in memory, and by a timer of its processor's time.
"""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import sys
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import bpy  # noqa: E402
from hostile_messages import flipped  # noqa: E402
from hostile_text import odd_glb, odd_json, odd_text  # noqa: E402

from blender_addon.contract.attribute_reading import WorldError  # noqa: E402
from blender_addon.contract.catalogue import user_assets  # noqa: E402
from blender_addon.world.library import Library  # noqa: E402

SECONDS = 10
MEMORY = 2 * 2**30
OBJ = "".join(
    f"v {x} {y} {z}\n" for x in (-2, 2) for y in (-0.9, 0.9) for z in (0, 1.5)
) + "mtllib a.mtl\nusemtl paint\n" + "".join(
    f"f {a} {b} {c} {d}\n" for a, b, c, d in ((1, 2, 4, 3), (5, 7, 8, 6), (1, 5, 6, 2),
                                              (3, 4, 8, 7), (1, 3, 7, 5), (2, 6, 8, 4))
)  # fmt: skip


class TooLong(BaseException):
    """A model took longer than any may."""


def too_long(*_: object) -> None:
    raise TooLong


def originals(folder: Path) -> dict[str, bytes]:
    """A small car in each format."""
    (folder / "car.obj").write_text(OBJ)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.wm.obj_import(filepath=str(folder / "car.obj"))
    bpy.ops.export_scene.gltf(filepath=str(folder / "car.glb"))
    bpy.ops.export_scene.gltf(filepath=str(folder / "car.gltf"), export_format="GLTF_SEPARATE")
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "car.blend"), compress=False)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return {name: (folder / name).read_bytes() for name in
            ("car.obj", "car.glb", "car.gltf", "car.bin", "car.blend")}  # fmt: skip


def mutant(made: dict[str, bytes], source: random.Random) -> tuple[str, bytes]:
    name = source.choice(("car.obj", "car.glb", "car.glb", "car.gltf", "car.blend"))
    data = made[name]
    if name == "car.obj":
        return name, odd_text(data.decode(), source).encode(errors="replace")
    if name == "car.gltf":
        return name, odd_json(json.loads(data), source)
    if name == "car.glb" and source.random() < 0.7:
        return name, odd_glb(data, source)
    return name, flipped(data, source)


def main() -> None:
    folder, seed = Path(sys.argv[1]), int(sys.argv[2])
    out = os.fdopen(os.dup(1), "w", buffering=1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    made = originals(folder)
    signal.signal(signal.SIGPROF, too_long)
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    pages = int(Path("/proc/self/statm").read_text().split()[5])
    resource.setrlimit(resource.RLIMIT_DATA, (pages * resource.getpagesize() + MEMORY, hard))
    for number in range(int(sys.argv[3]), int(sys.argv[4])):
        name, data = mutant(made, random.Random(f"{seed}/model/{number}"))
        (folder / name).write_bytes(data)
        entry = {"name": "mine", "class": "car", "file": name, "length": 4.5}
        (folder / "catalogue.json").write_text(json.dumps({"assets": [entry]}))
        out.write(json.dumps({"begins": number, "file": name}) + "\n")
        library = Library(user_assets((folder,)))
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        try:
            mesh = library.load(("car", "mine"))
            told = "result"
            if mesh is not None:
                bpy.data.meshes.remove(mesh)
        except WorldError as error:
            told = "sentence" if "\n" not in str(error) else f"no sentence: {error}"
        except BaseException:
            told = traceback.format_exc()
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        library.clear()
        out.write(json.dumps({"ended": number, "told": told}) + "\n")
        (folder / name).write_bytes(made[name])
    out.flush()
    os._exit(0)


if __name__ == "__main__":
    main()

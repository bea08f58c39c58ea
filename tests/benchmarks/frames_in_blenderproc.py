"""Times BlenderProc's labelled frames of a street saved as .blend, in which things move.

Run by BlenderProc's own Python with ``USE_EXTERNAL_BPY_MODULE=1`` and its checkout on PYTHONPATH:

    python frames_in_blenderproc.py REQUEST.json ANSWER.json
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from blender_addon.few_cores import few_cores  # noqa: E402

with few_cores(1):  # as our workers do, or an idle thread's time would count as theirs
    import blenderproc as bproc  # noqa: E402 - must come before bpy, it says

import json  # noqa: E402
import os  # noqa: E402
import time  # noqa: E402

import bpy  # noqa: E402
import numpy as np  # noqa: E402


def main() -> None:
    request = json.loads(Path(sys.argv[1]).read_text())
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    bproc.init()
    bproc.renderer.set_cpu_threads(1)
    objects = bproc.loader.load_blend(request["blend"], obj_types=["mesh", "light"])
    meshes = [one for one in objects if isinstance(one, bproc.types.MeshObject)]
    for number, one in enumerate(meshes):
        if one.blender_obj.name not in bpy.context.scene.objects:  # it came with a collection
            bpy.context.scene.collection.objects.link(one.blender_obj)
        one.set_cp("category_id", 1 + number % 20)
    with bpy.data.libraries.load(request["blend"]) as (source, target):
        target.worlds = source.worlds
    bpy.context.scene.world = target.worlds[0]
    cars = [one for one in meshes if "metasim car" in one.get_name()]
    bproc.renderer.enable_depth_output(activate_antialiasing=False)
    bproc.renderer.enable_segmentation_output(
        map_by=["category_id", "instance"], default_values={"category_id": 0}
    )
    bproc.renderer.set_noise_threshold(0)
    bproc.renderer.set_denoiser(None)
    bproc.renderer.set_light_bounces(
        diffuse_bounces=1,
        glossy_bounces=1,
        ao_bounces_render=0,
        max_bounces=2,
        transmission_bounces=0,
        transparent_max_bounces=4,
        volume_bounces=0,
    )
    world_to_camera = np.array(request["pose"])
    camera_to_world = np.linalg.inv(world_to_camera) @ np.diag([1, -1, -1, 1.0])
    answer = []
    rng = np.random.default_rng(0)
    places = [one.get_location() for one in cars]
    for size in request["settings"]:
        bproc.camera.set_resolution(size["width"], size["height"])
        bproc.renderer.set_max_amount_of_samples(size["samples"])
        times = []
        for turn in range(request["repeats"] + 2):
            begun = time.process_time()
            bproc.utility.reset_keyframes()
            bproc.camera.add_camera_pose(camera_to_world)
            for one, place in zip(cars, places, strict=True):
                one.set_location(place + np.array([0, rng.uniform(-0.3, 0.3), 0]))
            data = bproc.renderer.render()
            if turn >= 2:
                times.append(1e3 * (time.process_time() - begun))
        answer.append({
            "labelled": float(np.median(times)), "cars": len(cars), "maps": sorted(data),
            "shape": list(data["colors"][0].shape),
        })  # fmt: skip
    Path(sys.argv[2]).write_text(json.dumps({"blender": bpy.app.version_string, "sizes": answer}))


main()
os._exit(0)

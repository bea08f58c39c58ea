"""Times BlenderProc's labelled frames of one street saved as .blend, by number of samples.

Run by BlenderProc's own Python with ``USE_EXTERNAL_BPY_MODULE=1`` and its checkout on PYTHONPATH:

    python streets_in_blenderproc.py REQUEST.json ANSWER.json
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
    begun = time.process_time()
    load(request["blend"])
    load_ms = 1e3 * (time.process_time() - begun)
    sizes = []
    set_up()
    camera_to_world = np.linalg.inv(np.array(request["pose"])) @ np.diag([1, -1, -1, 1.0])
    for size in request["sizes"]:
        view = np.array(size["intrinsics"])
        view[:2, 2] -= 0.5  # BlenderProc counts from pixels' centres
        bproc.camera.set_intrinsics_from_K_matrix(view, size["width"], size["height"])
        bproc.utility.reset_keyframes()
        bproc.camera.add_camera_pose(camera_to_world)
        sizes.append(measured(request, size["pictures"]))
    Path(sys.argv[2]).write_text(json.dumps({"load_ms": load_ms, "sizes": sizes}))


def load(blend: str) -> None:
    objects = bproc.loader.load_blend(blend, obj_types=["mesh", "light"])
    for number, one in enumerate(objects):
        if one.blender_obj.name not in bpy.context.scene.objects:  # it came with a collection
            bpy.context.scene.collection.objects.link(one.blender_obj)
        if isinstance(one, bproc.types.MeshObject):
            one.set_cp("category_id", 1 + number % 20)
    with bpy.data.libraries.load(blend) as (source, target):
        target.worlds = source.worlds
    bpy.context.scene.world = target.worlds[0]


def set_up() -> None:
    """Picture, instance masks and depth, by path tracing that bounces as often as ours."""
    bproc.renderer.set_cpu_threads(1)
    bproc.renderer.enable_depth_output(activate_antialiasing=False)
    bproc.renderer.enable_segmentation_output(
        map_by=["category_id", "instance"], default_values={"category_id": 0}
    )
    bproc.renderer.set_output_format(view_transform="Standard")
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


def measured(request: dict, pictures: str) -> dict:
    """One size: times by sample count, in milliseconds of processor time; pictures to one file."""
    shot(1)  # the first frame of a street is dearer
    images, times = {}, {}
    for count in request["samples"]:
        own = []
        for _ in range(max(1, 4 // count)):  # one frame of few samples is soon disturbed
            begun = time.process_time()
            maps = shot(count)
            own.append(1e3 * (time.process_time() - begun))
        times[str(count)] = float(np.median(own))
        images[str(count)] = maps["colors"][0]
    bpy.context.scene.cycles.seed = 1  # or the many samples would hold the few
    images["0"] = shot(request["many"])["colors"][0]
    bpy.context.scene.cycles.seed = 0
    np.savez(pictures, **images)
    return {"ms": times, "maps": sorted(maps)}


def shot(samples: int) -> dict:
    bproc.renderer.set_max_amount_of_samples(samples)
    return bproc.renderer.render()


main()
os._exit(0)

"""Show what a trained run makes of ten streets: a picture before and after, and the moved scene.

blender --background --python examples/apply_trained_run.py -- runs/demo learned
"""

import sys
from pathlib import Path

import bpy

if "--" not in sys.argv:
    sys.exit("Name the run's folder: … --python examples/apply_trained_run.py -- runs/demo")
run, *rest = sys.argv[sys.argv.index("--") + 1 :]
folder = Path(rest[0] if rest else "learned")
count = int(rest[1]) if len(rest) > 1 else 10

for seed in range(count):
    bpy.ops.metasim.sample(seed=seed)
    settings = bpy.context.scene.metasim
    settings.width, settings.height, settings.preset = 640, 192, "train"
    bpy.ops.metasim.render_labels(folder=str(folder), stem=f"{seed:06d}_prior")
    bpy.ops.metasim.switch(to="LEARNED", run=str(Path(run).resolve()))
    bpy.ops.metasim.render_labels(folder=str(folder), stem=f"{seed:06d}_learned")
    bpy.ops.metasim.save_scene(filepath=str(folder / f"{seed:06d}_scene.json"))
    print(f"Applied {run} to scene {seed + 1} of {count}.")

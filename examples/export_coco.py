"""Write a COCO data set of a run's learned scenes, or of the grammar's own where no run is named.

blender --background --python examples/export_coco.py -- dataset 100 runs/demo
"""

import sys
from pathlib import Path

import bpy

arguments = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
folder = Path(arguments[0] if arguments else "dataset").resolve()
count = int(arguments[1]) if len(arguments) > 1 else 100
run = str(Path(arguments[2]).resolve()) if len(arguments) > 2 else ""

bpy.ops.metasim.dataset_start(
    run=run, count=count, format="coco", folder=str(folder), width=640, height=192, preset="train"
)
print(f"Wrote {count} labelled pictures to {folder}.")

"""Render ten labelled frames of the grammar's streets, without a window.

    blender --background --python examples/render_labelled_frames.py -- frames

The add-on must be enabled (``metasim addon install``); the backend's Python is taken from its
preferences, from METASIM_PYTHON, or is the one of ``metasim`` on the path.
"""

import sys

import bpy

arguments = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
folder = arguments[0] if arguments else "frames"
count = int(arguments[1]) if len(arguments) > 1 else 10

for seed in range(count):
    bpy.ops.metasim.sample(seed=seed)
    settings = bpy.context.scene.metasim  # of the street's own Blender scene
    settings.width, settings.height, settings.preset = 640, 192, "train"
    bpy.ops.metasim.render_labels(folder=folder, stem=f"{seed:06d}")
    print(f"Rendered {seed + 1} of {count} into {folder}.")

"""The camera model in numpy, for Blender: scene-linear light becomes a picture. No bpy here."""

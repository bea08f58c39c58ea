"""Blender objects become pictures, index maps, depth, labels and differences."""

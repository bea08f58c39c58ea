"""The language that Blender and the backend share; imports neither bpy nor torch."""

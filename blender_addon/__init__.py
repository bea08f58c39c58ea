"""Meta-Sim's Blender side. Importing it needs neither bpy nor a running Blender."""

"""The Blender add-on as one file that Blender installs, and installing it."""

"""A scene graph becomes Blender objects, kept in step by node id."""

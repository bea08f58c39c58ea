"""Scene graphs become frames: what a renderer is, Blender as one, and gradients through one."""

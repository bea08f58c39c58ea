"""Textured sprites in torch: whole batches of 2-D scenes, labels, and the exact gradient."""

from metasim_backend.rendering.sprites.layers import Layer, SpriteWorld
from metasim_backend.rendering.sprites.renderer import SpriteRenderer
from metasim_backend.rendering.sprites.scene_table import ClassTable, SceneTable

__all__ = ["ClassTable", "Layer", "SceneTable", "SpriteRenderer", "SpriteWorld"]

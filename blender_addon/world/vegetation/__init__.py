"""Shapes of trees and bushes, one metre tall: a node's height scales them. No bpy.

The origin is where the trunk meets the ground, wherever the crown leans.
"""

from .models import TREE_MODELS, tree
from .surfaces import SURFACES

__all__ = ["SURFACES", "TREE_MODELS", "tree"]

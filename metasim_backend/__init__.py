"""The learner: grammar, models, rendering clients, matching, tasks, training. Never imports bpy."""

from blender_addon.contract.version import ADDON_VERSION as __version__

__all__ = ["__version__"]

"""The learner: grammar, models, rendering clients, matching, tasks, training. Never imports bpy."""

__version__ = "0.1.0"

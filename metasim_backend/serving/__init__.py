"""What Blender's panel talks to: scenes at once, trainings and datasets as children."""

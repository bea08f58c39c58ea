"""A run on disk: its folder, its measurements, files that are there whole or not at all."""

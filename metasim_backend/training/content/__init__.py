"""Which scenes a generator is to make so that their pictures hold what photographs hold."""

"""Distances between two sets of vectors, and density ratios."""

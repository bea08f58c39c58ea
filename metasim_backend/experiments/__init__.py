"""Experiments: rows that are compared over several seeds, with intervals and figures to reach."""

"""The sidebar's tab Meta-Sim: one panel a file."""

CATEGORY = "Meta-Sim"

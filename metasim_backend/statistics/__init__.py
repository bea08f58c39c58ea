"""Moments, distances, histograms and intervals: once, for reports and experiments."""

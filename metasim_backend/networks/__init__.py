"""Pretrained networks and their weights, once for all rooms."""

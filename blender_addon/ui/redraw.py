"""Redraw the sidebar, not the viewport beside it, when a panel has something new to show."""

from __future__ import annotations

import bpy


def redraw_panels() -> None:
    """Mark the sidebars of all 3D views for redrawing."""
    _tag("VIEW_3D", "UI")


def redraw_views() -> None:
    """Mark 3D views and image editors, where labels are drawn, for redrawing."""
    _tag("VIEW_3D", "WINDOW")
    _tag("IMAGE_EDITOR", "WINDOW")


def _tag(area_type: str, region_type: str) -> None:
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == area_type:
                for region in area.regions:
                    if region.type == region_type:
                        region.tag_redraw()

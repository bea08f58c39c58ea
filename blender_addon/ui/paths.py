"""Paths as the backend gets them: absolute."""

from __future__ import annotations

import os

import bpy


def absolute(path: str) -> str:
    """An absolute path; ``//`` begins at the .blend's folder, ``~`` at home. Empty stays empty."""
    if not path:
        return ""
    return os.path.abspath(os.path.expanduser(bpy.path.abspath(path)))

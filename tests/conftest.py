"""Puts this folder on the path, so that tests can share its worlds and streets."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The checkout: where ``scenes`` and ``assets`` are."""
    return Path(__file__).resolve().parents[1]


# What a complete set-up has; a test that is skipped for want of it has not been run by mistake.
OF_THE_SET_UP = re.compile(
    r"bpy|blender|debian|denoiser|hatchling|hypothesis|psutil|timm", re.IGNORECASE
)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """With METASIM_STRICT=1, as in continuous integration, such a test fails."""
    outcome = yield
    report = outcome.get_result()
    if not report.skipped or os.environ.get("METASIM_STRICT") != "1":
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if OF_THE_SET_UP.search(reason) and "graphics card" not in reason:
        report.outcome, report.longrepr = "failed", f"skipped by a complete set-up: {reason}"

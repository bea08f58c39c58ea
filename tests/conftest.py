"""Puts this folder on the path, so that tests can share its worlds and streets."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The checkout: where ``scenes`` and ``assets`` are."""
    return Path(__file__).resolve().parents[1]

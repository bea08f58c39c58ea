"""Release notes are what the changelog says of a version, and nothing of another."""

from __future__ import annotations

from pathlib import Path

import pytest

import metasim_backend
from release.notes import notes, sections

TEXT = """# Changelog

What changed.

## [Unreleased]

### Added

- a

## [0.2.0] - 2026-12-01

### Fixed

- b

## [0.1.0] - 2026-11-01

- c
"""


def test_a_versions_notes_are_its_section_alone():
    assert list(sections(TEXT)) == ["Unreleased", "0.2.0", "0.1.0"]
    assert notes(TEXT, "0.2.0") == "# Meta-Sim for Blender 0.2.0\n\n### Fixed\n\n- b\n"
    assert notes(TEXT, "0.1.0").endswith("\n\n- c\n")


def test_a_version_without_a_section_has_what_is_unreleased():
    assert notes(TEXT, "0.3.0") == "# Meta-Sim for Blender 0.3.0\n\n### Added\n\n- a\n"


def test_nothing_to_say_is_refused():
    with pytest.raises(ValueError, match="says nothing of 0.3.0"):
        notes(TEXT.replace("### Added\n\n- a\n", ""), "0.3.0")


def test_the_changelog_says_something_of_this_version(project_root: Path):
    text = (project_root / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "- " in notes(text, metasim_backend.__version__)
    assert set(sections(text)) >= {"Unreleased"}

"""Release notes: what CHANGELOG.md says of a version.

python release/notes.py VERSION
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

CHANGELOG = Path(__file__).resolve().parents[2] / "CHANGELOG.md"
UNRELEASED = "Unreleased"
_HEADING = re.compile(r"^## \[(?P<name>[^]]+)\](?: - \d{4}-\d\d-\d\d)?$", re.MULTILINE)


def sections(text: str) -> dict[str, str]:
    """What stands below each version's heading, in the form of Keep a Changelog."""
    headings = list(_HEADING.finditer(text))
    ends = [heading.start() for heading in headings[1:]] + [len(text)]
    return {
        heading["name"]: text[heading.end() : end].strip()
        for heading, end in zip(headings, ends, strict=True)
    }


def notes(text: str, version: str) -> str:
    """The notes of a version; of one that has no section yet, what is unreleased.

    Raises:
        ValueError: when there is nothing to say.
    """
    found = sections(text)
    said = found.get(version) or found.get(UNRELEASED)
    if not said:
        raise ValueError(
            f"CHANGELOG.md says nothing of {version}; write a section '## [{version}] - DATE'."
        )
    return f"# Meta-Sim for Blender {version}\n\n{said}\n"


def main(arguments: list[str]) -> int:
    """Exit status 2 when there are no notes."""
    text = CHANGELOG.read_text(encoding="utf-8")
    try:
        print(notes(text, arguments[0]), end="")
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    if arguments[0] not in sections(text):
        print(
            f"note: CHANGELOG.md has no section {arguments[0]} yet, so these notes are those of "
            f"{UNRELEASED}",
            file=sys.stderr,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

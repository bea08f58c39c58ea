"""The version, everywhere it stands: say it, or set it.

    python .ci/release/version.py          says it, and fails where a copy differs
    python .ci/release/version.py 0.2.0    writes it everywhere

``blender_addon/contract/version.py`` is its source: package metadata, ``metasim --version`` and the
wire take it from there. Blender reads the add-on's manifest and ``bl_info`` without running code,
and a citation file is data, so these hold copies.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = "blender_addon/contract/version.py"
PLACES = {
    SOURCE: r'(?m)^ADDON_VERSION = "(.+)"$',
    "blender_addon/blender_manifest.toml": r'(?m)^version = "(.+)"$',
    "blender_addon/__init__.py": r'(?m)^    "version": \((.+)\),$',
    "CITATION.cff": r"(?m)^version: (.+)$",
}
"""Files, and the pattern of the line that has the version."""
FORM = re.compile(r"\d+\.\d+\.\d+")


def versions(root: Path = ROOT) -> dict[str, str]:
    """What each file says.

    Raises:
        ValueError: a file without a line for it.
    """
    return {file: _plain(_match(root, file)[1]) for file in PLACES}


def set_version(version: str, root: Path = ROOT) -> None:
    """Write it into each file.

    Raises:
        ValueError: not three numbers, or a file without a line for it.
    """
    if not FORM.fullmatch(version):
        raise ValueError(f"{version!r} is not a version of the form 1.2.3.")
    matches = {file: _match(root, file) for file in PLACES}
    for file, match in matches.items():
        text = match.string
        said = version.replace(".", ", ") if ", " in match[1] else version
        (root / file).write_text(text[: match.start(1)] + said + text[match.end(1) :], "utf-8")


def _match(root: Path, file: str) -> re.Match[str]:
    found = re.search(PLACES[file], (root / file).read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{file} has no line for the version.")
    return found


def _plain(said: str) -> str:
    return said.replace(", ", ".")


def main(arguments: list[str]) -> int:
    """Exit status 1 where copies differ, 2 for a version that is none."""
    try:
        if arguments:
            set_version(arguments[0])
        found = versions()
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    for file, version in found.items():
        if version != found[SOURCE]:
            print(f"{file} says {version}, {SOURCE} {found[SOURCE]}.", file=sys.stderr)
            return 1
    print(found[SOURCE])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

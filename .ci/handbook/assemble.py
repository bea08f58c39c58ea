"""Gathers the site's pages: those of ``docs/``, a few from elsewhere, and what the code says.

    python .ci/handbook/assemble.py FOLDER

Links are written for readers of the repository. Here they are turned to where the pages lie in the
site, so that no text stands twice.
"""

from __future__ import annotations

import posixpath
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / ".ci")]

from handbook.command_page import command_page  # noqa: E402
from handbook.grammar_page import grammar_page  # noqa: E402
from handbook.python_page import python_page  # noqa: E402
from handbook.result_page import result_page  # noqa: E402
from handbook.setting_page import setting_page  # noqa: E402

PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CODE_OF_CONDUCT.md": "code_of_conduct.md",
    "CHANGELOG.md": "changelog.md",
    "assets/README.md": "own_models.md",
}
"""Pages from outside of ``docs/``, and where they are in the site."""
_LINK = re.compile(r"(?P<before>\]\()(?P<target>[^)\s#]+)(?P<anchor>#[^)\s]*)?\)")


def place(source: str) -> str:
    """Where a file of the repository lies in the site."""
    if source in PAGES:
        return PAGES[source]
    return source.removeprefix("docs/") if source.startswith("docs/") else f"files/{source}"


def turned(text: str, source: str, wanted: set[str]) -> str:
    """A page with its links as the site needs them.

    Args:
        source: the page's path in the repository.
        wanted: gets the files outside of ``docs/`` that it links to.
    """
    here = posixpath.dirname(place(source))

    def link(match: re.Match[str]) -> str:
        target = match["target"]
        if re.match(r"[a-z]+:", target):
            return match[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        if place(path).startswith("files/"):
            wanted.add(path)
        return f"{match['before']}{posixpath.relpath(place(path), here)}{match['anchor'] or ''})"

    return _LINK.sub(link, text)


def made_pages() -> dict[str, str]:
    """What the code says of itself, by the page's path in the site."""
    return {
        "reference/commands.md": command_page(),
        "reference/settings.md": setting_page(),
        "reference/grammar.md": grammar_page(),
        "reference/python.md": python_page(),
        "reference/tables.md": result_page(ROOT / "docs/results"),
    }


def assemble(folder: Path) -> None:
    """Write all pages into an empty folder; what lies there is removed."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "docs", folder)
    wanted: set[str] = set()
    pages = [path.relative_to(ROOT).as_posix() for path in sorted(ROOT.glob("docs/**/*.md"))]
    for source in [*pages, *PAGES]:
        text = turned((ROOT / source).read_text(encoding="utf-8"), source, wanted)
        (folder / place(source)).write_text(text, encoding="utf-8")
    for source in sorted(wanted):
        (folder / place(source)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / source, folder / place(source))
    (folder / "reference").mkdir()
    for name, text in made_pages().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    assemble(Path(sys.argv[1]))

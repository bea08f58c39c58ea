"""Finds what a page of the site would load from another server when somebody looks at it.

python .ci/handbook/outside.py SITE
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path

LOADED = {"link": "href", "script": "src", "img": "src", "iframe": "src", "source": "src"}
"""Elements that a browser loads by itself, and the attribute that says from where."""


class _Loads(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get(LOADED.get(tag, "")) or ""
        if address.startswith(("http:", "https:", "//")):
            self.outside.append(address)


def loads_from_outside(page: str) -> list[str]:
    """Addresses of other servers that a page's elements are loaded from; links do not count."""
    parser = _Loads()
    parser.feed(page)
    return parser.outside


def main(site: Path) -> int:
    """Name each such address with its page; 1 when there is one, or no page at all."""
    pages = sorted(site.rglob("*.html"))
    found = [
        f"{path.relative_to(site)} loads {address}"
        for path in pages
        for address in loads_from_outside(path.read_text(encoding="utf-8"))
    ]
    print("\n".join(found) or f"{len(pages)} pages in {site} load nothing from outside.")
    return 1 if found or not pages else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

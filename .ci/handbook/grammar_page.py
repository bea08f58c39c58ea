"""The page of the grammar language: what stands in the head of the driving grammar, and a list."""

from __future__ import annotations

from metasim_backend.shipped_files.folders import SCENES


def grammar_page() -> str:
    """The language as the file that most people copy explains it, and which grammars come along."""
    lines = [
        "# Grammar language\n",
        "A grammar says what scenes there are, and how likely each is. The text below is the "
        "head of `driving`. `metasim grammars driving -o mine.yaml` copies the whole file.\n",
        "```text",
        *head((SCENES / "driving.yaml").read_text(encoding="utf-8")),
        "```\n",
        "## Grammars that come along\n",
        "Their names serve wherever a command asks for a grammar.\n",
        "| Name | What it is |",
        "|---|---|",
    ]
    for path in sorted(SCENES.glob("*.yaml")):
        said = " ".join(head(path.read_text(encoding="utf-8")))
        first = said.partition(". ")[0].partition(":")[0].rstrip(".")
        lines.append(f"| `{path.stem}` | {first} |")
    return "\n".join([*lines, ""])


def head(text: str) -> list[str]:
    """The comment with which a file begins, without its marks."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").removeprefix(" "))
    return lines

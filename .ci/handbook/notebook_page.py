"""A notebook with its outputs as a page, its pictures as files."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def notebook_page(path: Path, pictures: Path) -> str:
    """The cells of a notebook in order, as Markdown.

    Args:
        path: the notebook.
        pictures: a folder beside the page, which gets the pictures of its outputs.
    """
    notebook = json.loads(path.read_text(encoding="utf-8"))
    parts = []
    for number, cell in enumerate(notebook["cells"]):
        source = "".join(cell["source"]).strip()
        if cell["cell_type"] == "markdown":
            parts.append(source)
            continue
        parts.append(f"```python\n{source}\n```")
        parts.extend(_outputs(cell, pictures, f"{path.stem}_{number}"))
    return "\n\n".join(parts) + "\n"


def code_of(path: Path) -> str:
    """All code of a notebook as one program."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")


def _outputs(cell: dict[str, Any], pictures: Path, stem: str) -> Iterator[str]:
    said = "".join(
        "".join(output["text"]) for output in cell["outputs"] if output["output_type"] == "stream"
    ).strip()
    if said:
        yield f"```text\n{said}\n```"
    for number, output in enumerate(cell["outputs"]):
        data = output.get("data", {}).get("image/png")
        if data is not None:
            pictures.mkdir(parents=True, exist_ok=True)
            name = f"{stem}_{number}.png"
            (pictures / name).write_bytes(base64.b64decode(data))
            yield f"![The picture that the cell shows]({pictures.name}/{name})"

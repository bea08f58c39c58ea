"""Runs notebooks from top to bottom, and saves them with their outputs.

python .ci/handbook/execute_notebooks.py NOTEBOOK ...

A cell that fails ends it, and that notebook stays as it was.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

MOST_BYTES = 300_000
"""Of a notebook with its pictures."""


def execute(path: Path) -> None:
    """Run one notebook in a new kernel, in an empty folder of its own.

    Raises:
        ValueError: when it has become too large.
    """
    import nbformat  # type: ignore[import-not-found,import-untyped,unused-ignore]
    from nbclient import NotebookClient  # type: ignore[import-not-found,unused-ignore]

    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(
            notebook,
            timeout=1800,
            record_timing=False,
            resources={"metadata": {"path": folder}},
        ).execute()
    text = nbformat.writes(notebook)
    if len(text.encode()) > MOST_BYTES:
        raise ValueError(f"{path} has {len(text)} bytes; show fewer or smaller pictures.")
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        execute(Path(name))

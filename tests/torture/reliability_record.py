"""The result file of ``make torture``: what was run of each guarantee, part by part."""

from __future__ import annotations

import json
import os
import platform
from importlib import metadata
from pathlib import Path

GUARANTEES = {
    "killed runs": "runs in a 2-D world killed by SIGKILL at a random moment and resumed: the "
    "parameters of an uninterrupted one, bit for bit",
    "killed data sets": "metasim generate killed by SIGKILL at a random moment and given again: "
    "the same bytes",
    "killed runs with Blender": "small runs with Blender whose backend or worker is killed by "
    "SIGKILL, and resumed: the parameters of an uninterrupted one, bit for bit",
    "killed panel's servers": "servers of the panel killed by SIGKILL while a training runs: "
    "nothing stays behind, and the run resumes to the parameters of an uninterrupted one",
    "messages to the worker pool": "mutated messages and connections, before and after "
    "authentication, while honest workers do jobs",
    "messages to the panel's server": "the same, while an honest panel asks",
    "messages to the worker": "mutated jobs for a real worker, which does honest ones meanwhile",
    "files": "mutated files of each kind that is read: a sentence or a result",
    "models": "mutated .glb, .obj and .blend files: a sentence or a mesh",
    "jobs with faulty workers": "jobs of which a quarter lose their worker, beside workers that "
    "hang, answer garbage, answer twice or late: the same answers as without",
    "streets": "new streets shown and rendered by one process: memory",
    "panel traffic": "requests of panels that come and go: memory, threads and open files of the "
    "server",
    "killed workers": "jobs of real workers that are killed by SIGKILL now and then: the same "
    "pixels",
    "full disks": "runs that a full disk ends, each at another file, and that go on with room: the "
    "parameters of an undisturbed one, bit for bit",
    "handshakes": "replayed, reflected, truncated and downgraded handshakes: refused",
}
"""What each count counts."""


def add_part(path: Path, guarantee: str, part: dict) -> None:
    """Add what one run of a guarantee measured; one of the same seed and form is replaced."""
    assert guarantee in GUARANTEES, guarantee
    record = json.loads(path.read_text()) if path.exists() else {"guarantees": {}}
    known = record["guarantees"].get(guarantee, {"parts": []})["parts"]
    part = part | {"made_with": made_with()}
    parts = [one for one in known if _which(one) != _which(part)] + [part]
    record["guarantees"][guarantee] = {
        "about": GUARANTEES[guarantee],
        "count": sum(one["count"] for one in parts),
        "parts": sorted(parts, key=_which),
    }
    record = {
        "measures": "how often each guarantee of robustness was tried; every single one held, or "
        "make torture would have failed and written nothing of it. A part's long_form is what "
        "the test does by default; its count is what was done",
        "command": "make torture",
        "guarantees": {name: record["guarantees"][name] for name in GUARANTEES
                       if name in record["guarantees"]},
    }  # fmt: skip
    draft = path.with_name(f"{path.name}.tmp")
    draft.write_text(json.dumps(record, indent=1) + "\n")
    draft.replace(path)


def _which(part: dict) -> tuple[str, ...]:
    """What tells a part from the others of its guarantee."""
    return tuple(str(part.get(name, "")) for name in ("at", "form", "seed"))


def made_with() -> dict:
    versions = {"python": platform.python_version()}
    for package in ("metasim-blender", "torch", "numpy", "bpy"):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions | {"system": platform.system(), "cores": os.cpu_count()}

"""Which module of a package imports which, read from the sources without running them."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
Graph = dict[str, set[str]]


def modules(package: str, root: Path = ROOT) -> dict[str, Path]:
    """Files by dotted name; ``__init__.py`` has its package's name."""
    named = {}
    for path in sorted((root / package).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        named[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return named


@cache
def imported(name: str, path: Path) -> tuple[str, ...]:
    """Dotted names that a module's text imports, also within functions and for types alone.

    ``from a import b`` gives ``a.b``, whether b is a module or not. Of ``importlib.import_module``
    it gives the literal beginning of the name, with ``.*`` where more is put in.
    """
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    targets: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            targets += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = [*(above if node.level else []), *([node.module] if node.module else [])]
            targets += [".".join([*base, alias.name]) for alias in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            target = node.args[0]
            if isinstance(target, ast.JoinedStr) and isinstance(target.values[0], ast.Constant):
                targets.append(f"{str(target.values[0].value).rstrip('.')}.*")
            elif isinstance(target, ast.Constant):
                targets.append(str(target.value))
    return tuple(targets)


def graph(named: Mapping[str, Path]) -> Graph:
    """Edges between these modules."""
    edges: Graph = {}
    for name, path in named.items():
        edges[name] = set()
        for target in imported(name, path):
            if target.endswith(".*"):
                edges[name] |= {other for other in named if other.startswith(target[:-1])}
            else:
                module = target if target in named else target.rpartition(".")[0]
                edges[name] |= {module} & named.keys()
        edges[name].discard(name)
    return edges


def circles(edges: Mapping[str, set[str]]) -> set[frozenset[str]]:
    """The largest sets whose members all reach each other: strongly connected components."""
    reached = {name: _reached(name, edges) for name in edges}
    return {
        frozenset(other for other in reached[name] if name in reached[other])
        for name in edges
        if name in reached[name]
    }


def _reached(start: str, edges: Mapping[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = list(edges[start])
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += edges[name]
    return seen

"""No file of the training needs another that needs it, wherever in a file the import stands."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "metasim_backend" / "training"


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path) -> set[str]:
    """All modules that a file names in imports, also within functions and for types alone."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def test_there_is_no_circle():
    files = {module_of(path): path for path in PACKAGE.rglob("*.py")}
    assert len(files) > 30
    needs = {name: imported(path) & files.keys() - {name} for name, path in files.items()}
    order = list(TopologicalSorter(needs).static_order())  # a circle raises CycleError
    assert order.index("metasim_backend.training.state") < order.index(
        "metasim_backend.training.stages.match"
    )


def test_a_stage_knows_neither_the_plan_nor_the_loop():
    for path in PACKAGE.rglob("*.py"):
        asks = {name.rpartition(".")[2] for name in imported(path)} & {"plan", "loop"}
        assert path.name == "loop.py" or not asks, path

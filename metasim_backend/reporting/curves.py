"""The report's curves: losses, MMD², scores, a chart for each group of measures in a phase."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from blender_addon.contract.phases import LABELS
from metasim_backend.reporting.charts import Line, line_chart
from metasim_backend.reporting.run_record import RunRecord, as_number

_NAMES = {
    "mmd2": "MMD² to matched targets",
    "mmd2_unseen": "MMD² to unseen targets",
    "gradient_norm": "norm of the gradient",
    "score": "detector's score",
    "reward": "reward",
    "baseline": "baseline (moving average)",
    "loss": "loss",
}
# Measures that share a scale share a chart; others have one each.
_TOGETHER = (("mmd2", "mmd2_unseen"), ("score", "baseline"), ("loss",), ("reward",))
_FAINT = ("mmd2", "baseline")  # what stands behind the curve that matters
_IGNORED = ("phase", "step", "seconds")


@dataclass(frozen=True)
class Curves:
    """One chart: the phase, its lines, and the SVG."""

    phase: str
    lines: tuple[Line, ...]
    chart: Markup


def curves(record: RunRecord) -> tuple[list[Curves], list[Curves]]:
    """All charts, phase by phase; those of unknown measures apart, to be shown folded."""
    phases = dict.fromkeys(
        [*(p for p in LABELS if any(e.get("phase") == p for e in record.metrics))]
        + [str(e.get("phase", "")) for e in record.metrics]
    )
    shown, folded = [], []
    for phase in phases:
        series = _series(record, phase)
        groups = [[name for name in group if name in series] for group in _TOGETHER]
        shown += [_curves(phase, group, series) for group in groups if group]
        grouped = {name for group in groups for name in group}
        folded += [_curves(phase, [name], series) for name in series if name not in grouped]
    return shown, folded


def _series(record: RunRecord, phase: str) -> dict[str, list[tuple[float, float]]]:
    series: dict[str, list[tuple[float, float]]] = {}
    for entry in record.metrics:
        step = as_number(entry.get("step"))
        if str(entry.get("phase", "")) != phase or step is None:
            continue
        for name, value in entry.items():
            measured = as_number(value)
            if name not in _IGNORED and measured is not None:
                series.setdefault(name, []).append((step, measured))
    return series


def _curves(
    phase: str, names: list[str], series: Mapping[str, list[tuple[float, float]]]
) -> Curves:
    lines = tuple(
        Line(_NAMES.get(name, name), series[name], "one" if name in _FAINT else "two")
        for name in names
    )
    title = f"{LABELS.get(phase, phase)}: {' and '.join(line.name for line in lines)}"
    return Curves(LABELS.get(phase, phase), lines, Markup(line_chart(lines, title=title)))

"""The report's curves: losses, MMD², scores, a chart for each group of measures in a phase."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

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


def curves(record: RunRecord) -> str:
    """All charts, phase by phase; those of unknown measures come after and folded."""
    if not record.metrics:
        return (
            '<p class="absent">No measures were recorded (no metrics.jsonl, or an empty one).</p>'
        )
    phases = dict.fromkeys(
        [*(p for p in LABELS if any(e.get("phase") == p for e in record.metrics))]
        + [str(e.get("phase", "")) for e in record.metrics]
    )
    shown, folded = [], []
    for phase in phases:
        series = _series(record, phase)
        groups = [[name for name in group if name in series] for group in _TOGETHER]
        known = {name for group in _TOGETHER for name in group}
        for group in groups:
            if group:
                shown.append(_figure(phase, group, series))
        folded += [_figure(phase, [name], series) for name in series if name not in known]
    more = (
        f"<details><summary>{len(folded)} more measure{'s' * (len(folded) > 1)}</summary>"
        f'<div class="charts">{"".join(folded)}</div></details>'
        if folded
        else ""
    )
    return f'<div class="charts">{"".join(shown)}</div>{more}'


def _series(record: RunRecord, phase: str) -> dict[str, list[tuple[float, float]]]:
    series: dict[str, list[tuple[float, float]]] = {}
    for entry in record.metrics:
        step = as_number(entry.get("step"))
        if str(entry.get("phase", "")) != phase or step is None:
            continue
        for name, value in entry.items():
            found = as_number(value)
            if name not in _IGNORED and found is not None:
                series.setdefault(name, []).append((step, found))
    return series


def _figure(phase: str, names: list[str], series: Mapping[str, list[tuple[float, float]]]) -> str:
    lines = [
        Line(_NAMES.get(name, name), series[name], "one" if name in _FAINT else "two")
        for name in names
    ]
    title = f"{LABELS.get(phase, phase)}: {' and '.join(line.name for line in lines)}"
    keys = "".join(f'<span class="key {line.style}">{escape(line.name)}</span>' for line in lines)
    chart = line_chart(lines, title=title)
    head = escape(LABELS.get(phase, phase))
    return f'<figure class="card"><figcaption><b>{head}</b>{keys}</figcaption>{chart}</figure>'

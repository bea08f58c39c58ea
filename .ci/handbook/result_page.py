"""The page of measured results, made from the files in ``docs/results``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from handbook.command_page import cell


def result_page(folder: Path) -> str:
    """A table for each experiment over seeds, and a list of the other measurements.

    Args:
        folder: with a JSON file a measurement, as ``docs/results`` has them.
    """
    lines = [
        "# Tables\n",
        "Made from the files in `docs/results`. Each table names the command that measured it. "
        "What the numbers mean, and what did not work, is in "
        "[Experiments](../experiments.md), [Structure](../structure.md) and "
        "[Matching](../matching.md).\n",
        "± is half a 95 % interval over the seeds. One seed has no interval.\n",
    ]
    others = []
    for path in sorted(folder.glob("*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        if "rows" in content and "seeds" in content:
            lines += _experiment(path.name, content)
        else:
            others.append((path.name, content))
    lines += ["## Other measurements\n", "| File | What | Command |", "|---|---|---|"]
    for name, content in others:
        what = content.get("title") or content.get("measures") or ""
        command = cell(str(content.get("command", "")))
        lines.append(f"| [{name}](../results/{name}) | {cell(str(what))} | {command} |")
    return "\n".join([*lines, ""])


def _experiment(name: str, content: dict[str, Any]) -> Iterator[str]:
    yield f"## {content['title']}\n"
    yield f"    {content['command']}\n"
    seeds = ", ".join(str(seed) for seed in content["seeds"])
    yield f"Measure: {content['metric']}. Seeds: {seeds}. Figures: [{name}](../results/{name}).\n"
    rows, digits = content["rows"], content.get("digits", 3)
    measures = list(dict.fromkeys(measure for row in rows.values() for measure in row))
    labels = content.get("labels", {})
    paper = {f"paper: {row}": scores for row, scores in content.get("paper", {}).items()}
    # Few rows and many measures read better the other way round.
    columns = [*paper, *rows]
    heads = [cell(str(labels.get(column, column))) for column in columns]
    yield f"| | {' | '.join(heads)} |"
    yield "|---" * (len(columns) + 1) + "|"
    for measure in measures:
        values = [paper[c].get(measure) if c in paper else rows[c].get(measure) for c in columns]
        yield f"| {cell(measure)} | {' | '.join(number(value, digits) for value in values)} |"
    yield ""
    if content.get("verdict"):
        yield f"{cell(_sentence(content['verdict']))}\n"


def _sentence(verdict: Any) -> str:
    return verdict if isinstance(verdict, str) else json.dumps(verdict)


def number(value: Any, digits: int) -> str:
    """A mean with its interval, or a plain number; nothing for what was not measured."""
    if isinstance(value, dict):
        mean, half = value.get("mean"), value.get("half_width")
        if mean is None:
            return ""
        return f"{mean:.{digits}f}" + (f" ± {half:.{digits}f}" if half is not None else "")
    return "" if value is None else f"{value:g}"

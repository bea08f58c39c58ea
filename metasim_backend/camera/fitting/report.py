"""What a fit found, for people and as a camera model's file."""

from __future__ import annotations

import yaml

from blender_addon.contract.camera_model import BOUNDS
from metasim_backend.camera.fitting.fit import FittedCamera

DIGITS = 4


def table(fitted: FittedCamera) -> str:
    """A line a parameter: value, standard error, unit and what it was read off."""
    lines = [f"{'parameter':<16}{'found':>10}{'±':>10}  {'unit':<15} from"]
    for finding in fitted.findings:
        error = "" if finding.error is None else f"{finding.error:.2g}"
        unit = BOUNDS[finding.name].unit
        lines.append(
            f"{finding.name:<16}{finding.value:>10.4g}{error:>10}  {unit:<15} {finding.remark}"
        )
    rows = "; ".join(
        " ".join(f"{entry:.3f}" for entry in row) for row in fitted.camera.colour_matrix
    )
    lines.append(f"{'colour_matrix':<16}  [{rows}]: saturation alone was fitted")
    return "\n".join(lines)


def camera_yaml(fitted: FittedCamera, source: str) -> str:
    """The file's text: a comment, then ``camera_model:`` with what differs from the identity."""
    values = {
        name: [[_short(v) for v in row] for row in value]
        if name == "colour_matrix"
        else _short(value)
        for name, value in fitted.camera.changes().items()
    }
    data = yaml.safe_dump({"camera_model": values}, sort_keys=False, default_flow_style=None)
    return (
        f"# Fitted by metasim camera fit to {source}.\n"
        "# Exposure, gains and tones are relative to the light of the grammar's prior.\n"
        f"{data}"
    )


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")

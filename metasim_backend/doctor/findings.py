"""Findings: one thing looked at, whether it is there, and the remedy when it is not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Finding:
    """One line of the diagnosis.

    Attributes:
        name: what was looked at, such as ``"bpy renders"``.
        ok: whether it is as it should be.
        detail: what was found, in a few words.
        remedy: what to do about it; empty when ``ok``.
        required: whether Meta-Sim cannot work without it.
    """

    name: str
    ok: bool
    detail: str
    remedy: str = ""
    required: bool = True


def healthy(findings: Iterable[Finding]) -> bool:
    """Whether everything that is required is there."""
    return all(finding.ok or not finding.required for finding in findings)


def format_findings(findings: Iterable[Finding]) -> str:
    """The findings for a terminal: a line each, remedies below, and a verdict last."""
    findings = tuple(findings)
    width = max((len(finding.name) for finding in findings), default=0)
    lines = []
    for finding in findings:
        mark = "ok     " if finding.ok else "MISSING" if finding.required else "note   "
        lines.append(f"{mark}  {finding.name:<{width}}  {finding.detail}".rstrip())
        if finding.remedy and not finding.ok:
            lines.append(f"{'':7}  {'':<{width}}  -> {finding.remedy}")
    wrong = [finding.name for finding in findings if finding.required and not finding.ok]
    if wrong:
        lines.append(f"To mend: {', '.join(wrong)}.")
    else:
        lines.append("Everything that is needed is there.")
    return "\n".join(lines)


def findings_to_json(findings: Iterable[Finding]) -> dict:
    """JSON-ready form: ``{"healthy": bool, "findings": [{"name", "ok", ...}]}``."""
    findings = tuple(findings)
    return {"healthy": healthy(findings), "findings": [asdict(finding) for finding in findings]}

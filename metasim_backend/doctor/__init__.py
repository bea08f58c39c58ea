"""What this machine has, what it lacks for Meta-Sim and how to mend it."""

from metasim_backend.doctor.diagnosis import diagnose
from metasim_backend.doctor.findings import Finding, findings_to_json, format_findings, healthy

__all__ = ["Finding", "diagnose", "findings_to_json", "format_findings", "healthy"]

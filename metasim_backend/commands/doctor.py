"""``metasim doctor``: what is there, what is missing and how to mend it."""

from __future__ import annotations

import argparse
import json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(arguments: argparse.Namespace) -> int:
    from metasim_backend.doctor import diagnose, findings_to_json, format_findings, healthy

    findings = diagnose()
    if arguments.json:
        print(json.dumps(findings_to_json(findings), indent=1))
    else:
        print(format_findings(findings))
    return 0 if healthy(findings) else 1

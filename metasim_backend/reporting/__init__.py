"""What a run did, as one self-contained page and a few pictures."""

from metasim_backend.reporting.attributes import (
    AttributeRow,
    AttributeSamples,
    ReportError,
    attribute_table,
)
from metasim_backend.reporting.plots import comparison_strip
from metasim_backend.reporting.report import write_report

__all__ = [
    "AttributeRow",
    "AttributeSamples",
    "ReportError",
    "attribute_table",
    "comparison_strip",
    "write_report",
]

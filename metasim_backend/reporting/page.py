"""Pages from the templates beside this file: self-contained, without scripts, everything escaped.

Templates hold the words and the structure of a page, Python its numbers and its charts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from metasim_backend.reporting import charts, count_bars, numbers
from metasim_backend.reporting.plots import data_uri
from metasim_backend.statistics.histograms import total_variation


def render(template: str, **values: object) -> str:
    """A page as HTML.

    Args:
        template: its file's name in ``templates/``.
        values: what it shows; ``title``, ``verdict`` and ``mood`` (good, mixed, bad or unknown)
            every page does. Text is escaped, ``Markup`` is not.
    """
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("metasim_backend.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "data_uri": data_uri,
        "duration": numbers.duration,
        "fixed": numbers.fixed,
        "mean_count": count_bars.mean_count,
        "number": numbers.number,
        "plain": _plain,
        "short": numbers.short,
        "yaml": _yaml,
    }
    environment.globals |= {
        "COLOURS": count_bars.COLOURS,
        "bars": lambda rows: Markup(count_bars.bars(rows)),
        "count_bars": lambda rows: Markup(count_bars.bars_of_counts(rows)),
        "count_heads": count_bars.count_heads,
        "histogram": lambda item: Markup(charts.histogram(item)),
        "total_variation": total_variation,
    }
    return environment


def _plain(value: object) -> str:
    if isinstance(value, (Mapping, list)):
        return json.dumps(value, ensure_ascii=False)
    return numbers.short(value) if isinstance(value, float) else str(value)


def _yaml(data: Mapping) -> str:
    return yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True)

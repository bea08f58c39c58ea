"""Numbers as text: short for the eye, and whole for a machine that reads the page."""

from __future__ import annotations

import math

from markupsafe import Markup, escape


def short(value: float) -> str:
    """At most four significant digits, with a true minus sign and no needless zeros."""
    if not math.isfinite(value):
        return "not finite"
    if value == 0:
        return "0"
    size = abs(value)
    if size < 1e-4 or size >= 1e6:
        mantissa, exponent = f"{value:.2e}".split("e")
        text = f"{mantissa}e{int(exponent)}"
    elif size >= 1000:
        text = f"{value:.0f}"
    else:
        digits = max(0, 2 - math.floor(math.log10(size)))
        text = f"{value:.{digits}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace("-", "\N{MINUS SIGN}")


def number(value: float | None, unit: str = "") -> Markup:
    """A number for the page; its ``value`` attribute holds every digit of the file's."""
    return _data(value, "" if value is None else short(value), unit)


def fixed(value: float | None, digits: int, sign: bool = False) -> Markup:
    """The same with a fixed number of digits, a needless zero of more than two cut."""
    text = "" if value is None else f"{value:{'+' if sign else ''}.{digits}f}"
    if digits > 2:
        text = text.removesuffix("0")
    return _data(value, text.replace("-", "\N{MINUS SIGN}"))


def _data(value: float | None, text: str, unit: str = "") -> Markup:
    if value is None:
        return Markup('<span class="absent">unknown</span>')
    tail = f"\N{NO-BREAK SPACE}{escape(unit)}" if unit else ""
    return Markup(f'<data value="{value!r}">{text}{tail}</data>')


def duration(seconds: float) -> str:
    """Such as ``42 s``, ``3 min 20 s`` or ``1 h 5 min``."""
    total = round(seconds)
    if total < 60:
        return f"{short(seconds)} s"
    minutes, rest = divmod(total, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"

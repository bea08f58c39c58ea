"""What a fit finds."""

from __future__ import annotations

from dataclasses import dataclass

CLEAR = 2.0
"""Standard errors that a value must differ from the identity's by, to be told from it."""


@dataclass(frozen=True)
class Finding:
    """One parameter as found.

    Attributes:
        name: the parameter's, as in the camera model.
        value: as it stands in the model.
        error: its standard error; None where none was estimated.
        measured: what was measured before it was found not to differ from the identity.
        remark: for people.
    """

    name: str
    value: float
    error: float | None = None
    measured: float | None = None
    remark: str = ""


def kept_if_clear(name: str, value: float, error: float, identity: float, remark: str) -> Finding:
    """The identity's value where what was measured cannot be told from it."""
    if abs(value - identity) < CLEAR * error:
        return Finding(name, identity, error, value, f"{value:.3g} measured: not told from none")
    return Finding(name, value, error, value, remark)

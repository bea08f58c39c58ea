"""Attributes of a run, prior against learned against target, as samples and as a table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from metasim_backend.statistics.differences import differs
from metasim_backend.statistics.moments import KINDS, Moments, mean_distance, moments
from metasim_backend.statistics.wasserstein import wasserstein

LEAST_COUNTED = 20
"""Of an attribute's values in the target; fewer say little of a distribution."""


class ReportError(ValueError):
    """A file of a run's folder that the report cannot use; one sentence with the remedy."""


@dataclass(frozen=True)
class AttributeSamples:
    """Values of one attribute, such as ``car.yaw``, over many scenes.

    Attributes:
        name: class and attribute.
        kind: ``"continuous"``, ``"circular"`` or ``"categorical"``.
        unit: such as ``"m"``, or empty.
        period: of a circular one.
        range: lowest and highest value of a continuous one, when known.
        prior, learned, target: the values; None when unknown.
    """

    name: str
    kind: str
    unit: str = ""
    period: float | None = None
    range: tuple[float, float] | None = None
    prior: tuple | None = None
    learned: tuple | None = None
    target: tuple | None = None

    @property
    def samples(self) -> dict[str, tuple]:
        """The non-empty samples among prior, learned and target, by name."""
        return {
            name: values
            for name in ("prior", "learned", "target")
            if (values := getattr(self, name))
        }

    @property
    def extent(self) -> float:
        """What a distance of 1 is a share of: the range, half the period, or 1 for categories."""
        if self.kind == "categorical":
            return 1.0
        if self.kind == "circular":
            return (self.period or 1.0) / 2
        if self.range is not None and self.range[1] > self.range[0]:
            return self.range[1] - self.range[0]
        values = [float(v) for sample in self.samples.values() for v in sample]
        return (max(values) - min(values)) or 1.0 if values else 1.0


@dataclass(frozen=True)
class AttributeRow:
    """One attribute in numbers; distances are Wasserstein-1 in the attribute's unit.

    Attributes:
        prior, learned, target: mean and spread; None when unknown.
        moved: distance between prior and learned.
        moved_share: the same as a share of the range (half the period; 1 for categories).
        prior_to_target, learned_to_target: distances to the target, where it is known.
        counted: how many values the target has.
        mean_closer, spread_closer: whether learning brought the mean (the spread) nearer to the
            target's; None when unknown, and for the mean of categories.
    """

    name: str
    kind: str
    unit: str
    prior: Moments | None
    learned: Moments | None
    target: Moments | None
    moved: float | None
    moved_share: float | None
    prior_to_target: float | None
    learned_to_target: float | None
    mean_closer: bool | None
    spread_closer: bool | None
    counted: int = 0

    @property
    def differs(self) -> bool:
        """Whether the target is known to be another than the prior: by a quarter of its standard
        deviation (Wasserstein-1) more than chance makes, in a class that is not rare."""
        return self._is_other(self.prior_to_target)

    @property
    def astray(self) -> bool:
        """Whether the target is the prior's, and what was learned is known to be another."""
        return not self.differs and self._is_other(self.learned_to_target)

    def _is_other(self, distance: float | None) -> bool:
        return (
            self.kind != "categorical"
            and self.target is not None
            and distance is not None
            and self.counted >= LEAST_COUNTED
            and differs(distance, self.target.spread, self.counted)
        )

    @property
    def ratio(self) -> float | None:
        """Distance to the target as a share of the prior's; None where either is unknown or 0."""
        if self.learned_to_target is None or not self.prior_to_target:
            return None
        return self.learned_to_target / self.prior_to_target

    @property
    def closer(self) -> bool | None:
        """Whether the learned distribution as a whole is nearer to the target than the prior."""
        if self.prior_to_target is None or self.learned_to_target is None:
            return None
        return self.learned_to_target < self.prior_to_target


def read_attributes(data: object, source: str = "attributes.json") -> tuple[AttributeSamples, ...]:
    """Check the JSON form ``{"car.yaw": {"kind": ..., "prior": [...], ...}, ...}``.

    Raises:
        ReportError: naming the file, the attribute and what was expected.
    """
    if not isinstance(data, Mapping):
        raise ReportError(f"{source} is not an object of attributes; write the run's data again.")
    return tuple(_read_attribute(str(name), item, source) for name, item in data.items())


def attribute_table(
    attributes: Sequence[AttributeSamples] | Mapping[str, object],
) -> tuple[AttributeRow, ...]:
    """A row per attribute, the one that moved farthest (as a share of its range) first.

    Args:
        attributes: samples, or the JSON form that :func:`read_attributes` takes.
    """
    samples = read_attributes(attributes) if isinstance(attributes, Mapping) else attributes
    rows = [_row(item) for item in samples]
    return tuple(sorted(rows, key=lambda row: -(row.moved_share or 0.0)))


def _row(item: AttributeSamples) -> AttributeRow:
    described = {
        name: moments(item.kind, values, item.period) for name, values in item.samples.items()
    }
    prior, learned, target = (described.get(name) for name in ("prior", "learned", "target"))

    def distance(first: tuple | None, second: tuple | None) -> float | None:
        return wasserstein(item.kind, first or (), second or (), item.period)

    moved = distance(item.prior, item.learned)
    mean_closer = spread_closer = None
    if prior and learned and target:
        before = mean_distance(item.kind, prior, target, item.period)
        after = mean_distance(item.kind, learned, target, item.period)
        if before is not None and after is not None:
            mean_closer = after < before
        spread_closer = abs(learned.spread - target.spread) < abs(prior.spread - target.spread)
    return AttributeRow(
        name=item.name,
        kind=item.kind,
        unit=item.unit,
        prior=prior,
        learned=learned,
        target=target,
        moved=moved,
        moved_share=None if moved is None else moved / item.extent,
        prior_to_target=distance(item.prior, item.target),
        learned_to_target=distance(item.learned, item.target),
        mean_closer=mean_closer,
        spread_closer=spread_closer,
        counted=len(item.target or ()),
    )


def _read_attribute(name: str, item: object, source: str) -> AttributeSamples:
    if not isinstance(item, Mapping):
        raise ReportError(f"{source}, attribute {name!r}: not an object; write the data again.")
    kind = item.get("kind")
    if kind not in KINDS:
        raise ReportError(
            f"{source}, attribute {name!r}: kind is {kind!r}; use one of {', '.join(KINDS)}."
        )
    period = item.get("period") if kind == "circular" else None
    if kind == "circular" and not (_is_number(period) and float(period or 0) > 0):
        raise ReportError(
            f"{source}, attribute {name!r}: period is {period!r}; a positive number was expected."
        )
    samples: dict[str, tuple | None] = {}
    for part in ("prior", "learned", "target"):
        values = item.get(part)
        if values is None:
            samples[part] = None
            continue
        if not isinstance(values, list):
            raise ReportError(
                f"{source}, attribute {name!r}: {part} is not a list; write the data again."
            )
        if kind == "categorical":
            samples[part] = tuple(str(value) for value in values)
            continue
        wrong = next((value for value in values if not _is_number(value)), None)
        if wrong is not None or any(value is None for value in values):
            raise ReportError(
                f"{source}, attribute {name!r}: {part} holds {wrong!r}; "
                "finite numbers were expected."
            )
        samples[part] = tuple(float(value) for value in values)
    limits = item.get("range")
    known = isinstance(limits, list) and len(limits) == 2 and all(_is_number(v) for v in limits)
    return AttributeSamples(
        name=name,
        kind=kind,
        unit=str(item.get("unit") or ""),
        period=float(period) if period is not None else None,
        range=(float(limits[0]), float(limits[1])) if known and limits is not None else None,
        **samples,
    )


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)

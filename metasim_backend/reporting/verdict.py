"""The run's result in one sentence, and the numbers it stands on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from metasim_backend.reporting.attributes import AttributeRow
from metasim_backend.reporting.numbers import short
from metasim_backend.reporting.run_record import RunRecord, as_number


@dataclass(frozen=True)
class Comparison:
    """One measure without (prior) and with (learned) optimisation.

    Attributes:
        name: for a table's head.
        prior, learned: None when not measured.
        lower_is_better: as for a distance.
    """

    name: str
    prior: float | None
    learned: float | None
    lower_is_better: bool

    @property
    def measured(self) -> bool:
        """Whether one of the two is there."""
        return self.prior is not None or self.learned is not None

    @property
    def difference(self) -> float | None:
        """What learning changed."""
        if self.prior is None or self.learned is None:
            return None
        return self.learned - self.prior

    @property
    def better(self) -> bool | None:
        """Whether learning improved it; None when unknown or unchanged."""
        if self.prior is None or self.learned is None or self.prior == self.learned:
            return None
        return (self.learned < self.prior) is self.lower_is_better


def mmd_comparisons(record: RunRecord) -> tuple[Comparison, ...]:
    """MMD² to the matched and to the unseen target pictures."""
    return tuple(
        Comparison(
            f"MMD² to {which} targets",
            record.number("mmd2", "prior", which),
            record.number("mmd2", "learned", which),
            True,
        )
        for which in ("matched", "unseen")
    )


def distance_comparisons(record: RunRecord) -> tuple[Comparison, ...]:
    """Fréchet and kernel distance to the unseen target pictures, under their recorded names."""
    rows = {
        row: {name: as_number(value) for name, value in found.items()}
        for row, found in record.section("distances").items()
        if isinstance(found, Mapping)
    }
    prior, learned = rows.get("prior", {}), rows.get("learned", {})
    return tuple(
        Comparison(f"{name} to unseen targets", prior.get(name), learned.get(name), True)
        for name in dict.fromkeys([*prior, *learned])
    )


def collision_comparisons(record: RunRecord) -> tuple[Comparison, ...]:
    """How many things stand in another; nothing where the grammar forbids none."""
    prior, learned = (record.number("collisions", name) for name in ("prior", "learned"))
    if prior is None and learned is None:
        return ()
    return (Comparison("collisions a scene", prior, learned, True),)


def detector_comparisons(record: RunRecord) -> tuple[Comparison, ...]:
    """Every number of the detector's scores, AP@0.5 first."""
    found: dict[str, dict[str, float]] = {}
    for part in ("prior", "learned"):
        scores = record.section("detector").get(part)
        if isinstance(scores, Mapping):
            for key, value in _flat(scores):
                found.setdefault(key, {})[part] = value
    names = sorted(found, key=lambda key: (key != "ap50", list(found).index(key)))
    return tuple(
        Comparison(
            "AP@0.5" if name == "ap50" else name,
            found[name].get("prior"),
            found[name].get("learned"),
            "loss" in name.lower() or "error" in name.lower(),
        )
        for name in names
    )


@dataclass(frozen=True)
class Recovery:
    """How many attributes of a known truth were found.

    Attributes:
        differing: how many are others than the prior's; the counts below are among them.
        found: at most a quarter of the prior's distance away.
        nearer: at least a twentieth nearer than the prior: what was put back to the prior's is as
            often a hair nearer as farther.
        median: of the distances as shares of the prior's.
        astray: names of those that are the prior's in the truth, and not in what was learned.
    """

    differing: int
    found: int
    nearer: int
    median: float
    astray: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        return (
            f"{self.found} of {self.differing} attributes that differ in the truth were found "
            f"(within {FOUND:.0%} of the prior's distance), {self.nearer} came nearer; the median "
            f"distance is {short(self.median)} of the prior's"
            + (
                f"; {', '.join(self.astray)} went astray, where the prior was right"
                * bool(self.astray)
            )
        )

    @property
    def good(self) -> bool | None:
        """Good with most of them found and none astray; neither good nor bad with half of the way
        gone."""
        if self.found > self.differing / 2 and not self.astray:
            return True
        return None if self.median < 1 else False


FOUND, NEARER = 0.25, 0.95


def recovery(rows: Sequence[AttributeRow]) -> Recovery | None:
    """None where no truth is known, or it differs in nothing."""
    ratios = sorted(row.ratio for row in rows if row.differs and row.ratio is not None)
    if not ratios:
        return None
    middle = len(ratios) // 2
    median = ratios[middle] if len(ratios) % 2 else (ratios[middle - 1] + ratios[middle]) / 2
    return Recovery(
        len(ratios),
        sum(ratio <= FOUND for ratio in ratios),
        sum(ratio < NEARER for ratio in ratios),
        median,
        tuple(row.name for row in rows if row.astray),
    )


def readable(record: RunRecord) -> dict[str, bool]:
    """By attribute, whether as many pictures as the target has can say something of it; empty
    where that was not measured."""
    return _reaches(record.evidence, "readable_from")


def supported(record: RunRecord) -> dict[str, bool]:
    """By attribute, whether the target's pictures support that it was moved; empty where that was
    not measured."""
    return _reaches(record.support, "supported_from")


def _reaches(measured: Mapping[str, Any], threshold: str) -> dict[str, bool]:
    least, attributes = as_number(measured.get(threshold)), measured.get("attributes")
    if least is None or not isinstance(attributes, Mapping):
        return {}
    numbers = {name: as_number(value) for name, value in attributes.items()}
    return {name: value >= least for name, value in numbers.items() if value is not None}


def verdict(record: RunRecord, rows: Sequence[AttributeRow] = ()) -> tuple[str, str]:
    """(one sentence, mood); the mood is ``good``, ``bad``, ``mixed`` or ``unknown``."""
    unseen = mmd_comparisons(record)[1]
    detector = next((c for c in detector_comparisons(record) if c.name == "AP@0.5"), None)
    sentences, moods = [], []
    truth = recovery(rows)
    if truth is not None:
        sentences.append(truth.sentence)
        moods.append(truth.good)
    elif evidence := readable(record):
        can = sum(evidence.values())
        moved = ""
        if support := supported(record):
            count = sum(support.values())
            moved = f", {count} {'was' if count == 1 else 'were'} moved"
        sentences.append(
            f"{can} of {len(evidence)} attributes can be read in as many pictures{moved}; "
            "the truth is not known"
        )
    if unseen.prior is not None and unseen.learned is not None:
        sentences.append(f"MMD² to unseen target pictures {change(unseen)}")
        moods.append(unseen.better)
    if detector is not None and detector.prior is not None and detector.learned is not None:
        sentences.append(f"the detector's AP@0.5 {change_in_points(detector)}")
        moods.append(detector.better)
    if not sentences:
        return "This run has no result yet: neither MMD² nor a detector's score is recorded.", (
            "unknown"
        )
    text = "; ".join(sentences) + "."
    mood = "unknown"
    if moods:
        mood = "good" if all(moods) else "mixed" if any(moods) else "bad"
    return text[0].upper() + text[1:], mood


def change(comparison: Comparison) -> str:
    """Such as ``fell by 43 % (0.214 → 0.121)``; without a share where the start is not positive."""
    before, after = comparison.prior, comparison.learned
    if before is None or after is None:
        return "was not measured"
    numbers = f"({short(before)} → {short(after)})"
    if after == before:
        return f"did not change {numbers}"
    word = "fell" if after < before else "rose"
    # An unbiased MMD² may be negative: a share of it, or of next to nothing, would say nothing.
    if before <= 0 or after < 0 or after > 10 * before:
        return f"{word} {numbers}"
    share = abs(after - before) / before
    return f"{word} by {short(100 * share) if share < 0.1 else f'{100 * share:.0f}'} % {numbers}"


def change_in_points(comparison: Comparison) -> str:
    """Such as ``rose by 4.6 points (0.014 → 0.060)``: a share of a score near 0 would boast."""
    before, after = comparison.prior, comparison.learned
    if before is None or after is None or before == after:
        return change(comparison)
    word = "fell" if after < before else "rose"
    points = 100 * abs(after - before)
    return f"{word} by {points:.1f} points ({short(before)} → {short(after)})"


def _flat(scores: Mapping, prefix: str = "") -> list[tuple[str, float]]:
    pairs: list[tuple[str, float]] = []
    for key, value in scores.items():
        if isinstance(value, Mapping):
            pairs += _flat(value, f"{prefix}{key}.")
        elif (found := as_number(value)) is not None:
            pairs.append((f"{prefix}{key}", found))
    return pairs

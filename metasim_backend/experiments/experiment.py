"""What an experiment is: rows that are compared, what one seed measures, figures to reach."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from metasim_backend.experiments.goals import Goal, SeedsThatMeet

Tell = Callable[[str], object]
Rows = Mapping[str, Mapping[str, float | None]]
"""Numbers by row and by what is measured."""


class ExperimentError(ValueError):
    """An experiment that does not exist or cannot be run here; one sentence."""


@dataclass(frozen=True)
class Options:
    """What is asked of an experiment beside its seeds.

    Attributes:
        overrides: ``name=value`` for the training's settings.
        data: where MNIST is; None: where the environment says.
        command: the command line.
        target, unseen: folders of photographs, to learn from and to compare with.
        boxes: a table of 2-D boxes in real frames.
        validation, test: folders of labelled photographs: settings are chosen on the first, nothing
            on the second.
        features, match_features, detector: files of ImageNet networks' weights.
    """

    overrides: tuple[str, ...] = ()
    data: Path | None = None
    command: tuple[str, ...] = ()
    target: Path | None = None
    unseen: Path | None = None
    validation: Path | None = None
    test: Path | None = None
    boxes: Path | None = None
    features: Path | None = None
    match_features: Path | None = None
    detector: Path | None = None


@dataclass(frozen=True)
class Measurement:
    """The numbers of one seed.

    Attributes:
        rows: by row and measure; what a row lacks is left out or None.
        seconds: by part of the work.
        attributes: by name how near a learned distribution is (``Nearness.to_dict``).
        histograms: shares by value, by quantity and row.
    """

    rows: Rows = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    attributes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    histograms: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Experiment(ABC):
    """One table of a paper, or one claim of ours: what a definition fills in.

    Attributes:
        name: on the command line.
        title: for people.
        about: what it shows, in one sentence.
        metric: what the numbers are.
        rows: what is compared, by name with the words for people.
        differences: pairs of rows, whose difference is taken seed by seed.
        paper: published rows by name.
        goals: figures to reach.
        takes: options beside those that every experiment takes; needs: those it cannot do without.
        digits: behind the point, in tables.
        long: whether it is the variant with more training.
    """

    name: str
    title: str
    about: str
    metric: str
    rows: Mapping[str, str]
    differences: Sequence[tuple[str, str]] = ()
    paper: Rows = field(default_factory=dict)
    goals: Sequence[Goal | SeedsThatMeet] = ()
    takes: Sequence[str] = ()
    needs: Sequence[str] = ()
    digits: int = 2
    long: bool = False

    @abstractmethod
    def depends_on(self, options: Options) -> dict[str, Any]:
        """Plain data that decides the results, but for the seed: results of equal data may stand
        in one table.

        Raises:
            GrammarError, SettingsError, DatasetError: the user's mistakes, before any work.
        """

    def key(self, options: Options) -> str:
        """A short name of what decides the results, equal for equal data."""
        text = json.dumps(self.depends_on(options), sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @abstractmethod
    def measure(self, seed: int, folder: Path, options: Options, tell: Tell) -> dict[str, Any]:
        """All of one seed as plain data; what an earlier call finished is not done again.

        Args:
            folder: gets the run or runs, and what was measured so far.
            tell: is told what is going on.

        Raises:
            ExperimentError: when the folder was begun with other settings.
        """

    @abstractmethod
    def measurement(self, content: Mapping[str, Any]) -> Measurement:
        """The numbers in what :meth:`measure` gave, now or in an earlier version."""

    def runs(self, folder: Path) -> dict[str, Path]:
        """The runs in a seed's folder, by the words for them; some may not be there."""
        return {"": folder}

    def label(self, row: str, measurements: Sequence[Measurement]) -> str:
        """A row's words for people."""
        return self.rows[row]

    def more(
        self, contents: Sequence[Mapping[str, Any]], record: dict[str, Any], options: Options
    ) -> dict[str, Any]:
        """Parts of the record that only this experiment has; ``notes`` are sentences, and
        ``curves`` are points (x, y) by title and row for each seed.

        Args:
            contents: of each seed what :meth:`measure` gave.
            record: what all records have, but for goals and verdict.
        """
        return {}

    def highlights(self, record: Mapping[str, Any]) -> str:
        """The numbers that the verdict names; may be empty."""
        return ""

    def longer(self) -> Self:
        """The variant with more training.

        Raises:
            ExperimentError: when there is none.
        """
        raise ExperimentError(f"{self.name} has no longer training; leave --long out.")

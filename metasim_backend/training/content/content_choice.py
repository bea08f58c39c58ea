"""A generator's scenes chosen so that their pictures show as many objects, as tall and as far from
the middle, as photographs do.

Nothing is rendered: where vehicles show in a picture follows from the scene graph. Of all
distributions over the proposed scenes whose counts have the photographs' means, up to the error
that so few photographs leave, the one of least relative entropy to the proposals is taken. It
weighs a scene by exp(λ · counts). In the terms of Meta-Sim2 this learns the structure and, with it,
where the objects stand; with one convex problem in place of REINFORCE.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from blender_addon.contract.scene_graph import SceneGraph
from blender_addon.contract.text_files import read_json
from metasim_backend.grammar.street_boxes import street_boxes
from metasim_backend.run_files.atomic_files import write_text
from metasim_backend.statistics.entropy_projection import entropy_projection
from metasim_backend.training.content.box_counts import BoxCounts, PictureBoxes
from metasim_backend.training.content.proposals import proposals
from metasim_backend.training.scene_generator import SceneGenerator
from metasim_backend.training.seeds import derive_seed

LEAST_HEIGHT = 20 / 375
"""Of a counted box, as a share of the picture's height: what a detector finds about as well in
photographs as in renders of KITTI's size."""
PROPOSED = 4000
"""Scenes that the weights are learned on."""
CANDIDATES = 24
"""Scenes of which one is chosen."""
MOST_TIMES = 6.0
"""By which an object in a cell makes a scene more or less likely, at most: what the proposals
hardly ever show cannot be had by weighing."""
CHUNK = 200
FEW_PHOTOGRAPHS = 10
VERSION = 1


class ContentError(ValueError):
    """Photographs or scenes that content cannot be learned from."""


@dataclass(frozen=True)
class ContentChoice:
    """How scenes are weighed.

    Attributes:
        counts: what is counted in a scene's picture.
        multipliers: λ, one for each count.
        width, height: of the picture in which it is counted, pixels.
        whole: whether boxes of whole vehicles are counted, or of what is visible of them.
    """

    counts: BoxCounts
    multipliers: tuple[float, ...]
    width: int
    height: int
    whole: bool

    def choose(self, scenes: SceneGenerator, seed: int, *, learned: bool = True) -> SceneGraph:
        """A scene of the generator with the learned content; a function of the arguments.

        One of :data:`CANDIDATES` proposals by its weight (sampling, importance, resampling: Rubin,
        1987).
        """
        candidates = proposals(scenes, CANDIDATES, seed, learned=learned)
        scores = self.counts(self._pictures(candidates)) @ np.array(self.multipliers)
        draws = np.random.default_rng(derive_seed(seed, "chosen")).gumbel(size=len(scores))
        return candidates[int(np.argmax(scores + draws))]

    def _pictures(self, scenes: Sequence[SceneGraph]) -> list[PictureBoxes]:
        return pictures_of(scenes, self.width, self.height, whole=self.whole)

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "counts": self.counts.to_dict(),
            "multipliers": list(self.multipliers),
            "width": self.width,
            "height": self.height,
            "whole": self.whole,
        }

    @property
    def digest(self) -> str:
        """A short name: equal choices have equal ones."""
        return hashlib.sha256(json.dumps(self.to_dict()).encode()).hexdigest()[:16]

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ContentChoice:
        return cls(
            BoxCounts.from_dict(values["counts"]),
            tuple(values["multipliers"]),
            values["width"],
            values["height"],
            values["whole"],
        )


@dataclass(frozen=True)
class LearnedContent:
    """A choice, and what it was learned from.

    Attributes:
        choice: weighs scenes.
        photographs, errors: means of the counts in photographs, and their standard errors.
        before, after: means in the generator's own scenes, and in those that are chosen.
        effective_share: effective sample size of the weighed proposals as a share of them.
        seen: how many photographs.
    """

    choice: ContentChoice
    photographs: tuple[float, ...]
    errors: tuple[float, ...]
    before: tuple[float, ...]
    after: tuple[float, ...]
    effective_share: float
    seen: int

    def differed(self, times: float) -> int:
        """How many counts the generator's own scenes miss by that many standard errors."""
        return self._missed(self.before, times)

    def unmet(self, times: float) -> int:
        """How many counts the chosen scenes still miss by that many standard errors."""
        return self._missed(self.after, times)

    def _missed(self, made: Sequence[float], times: float) -> int:
        far = np.abs(np.subtract(made, self.photographs))
        return int((far > times * np.array(self.errors)).sum())

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON; with the ``names`` of the counts."""
        return {
            "choice": self.choice.to_dict(),
            "names": list(self.choice.counts.names),
            "photographs": list(self.photographs),
            "errors": list(self.errors),
            "before": list(self.before),
            "after": list(self.after),
            "effective_share": self.effective_share,
            "seen": self.seen,
        }


def learn_content(
    scenes: SceneGenerator,
    photographs: Sequence[PictureBoxes],
    seed: int,
    count: int = PROPOSED,
    learned: bool = True,
    whole: bool = True,
    progress: Callable[[int], object] = lambda done: None,
) -> LearnedContent:
    """Weights by which a generator's scenes show what photographs show.

    Args:
        scenes: the generator.
        photographs: what was read in pictures of equal size.
        seed: of the proposals.
        count: how many of them.
        learned: of what the generator has learned; else of its grammar.
        whole: whether the photographs' boxes are of whole vehicles, or of what is visible of them.
        progress: told how many are there.

    Raises:
        ContentError: too few photographs, or none with an object.
        ProjectionError: no weights were found.
    """
    check_enough(len(photographs))
    width, height = photographs[0].width, photographs[0].height
    shown: list[PictureBoxes] = []
    own: list[PictureBoxes] = []
    for start in range(0, count, CHUNK):
        number = min(CHUNK, count - start)
        some = proposals(scenes, number, derive_seed(seed, "content", start), learned=learned)
        shown += pictures_of(some, width, height, whole=whole)
        seeds = [derive_seed(seed, "content-own", start, i) for i in range(len(some) // 4)]
        drawn = scenes.learned(seeds) if learned else scenes.prior(seeds)
        own += pictures_of(drawn, width, height, whole=whole)
        progress(len(shown))
    try:
        counts = BoxCounts.between_quartiles(photographs, LEAST_HEIGHT)
    except ValueError:
        raise ContentError(
            f"None of {len(photographs)} photographs shows an object of at least "
            f"{LEAST_HEIGHT:.0%} of its height; give photographs of streets with traffic."
        ) from None
    real, made = counts(photographs), counts(shown)
    # What none of a few photographs shows is not known to be never there: both variances count.
    errors = np.sqrt((real.var(axis=0) + made.var(axis=0)) / 2 / len(real)) + 1e-6
    found = entropy_projection(made, real.mean(axis=0), errors, math.log(MOST_TIMES))
    return LearnedContent(
        ContentChoice(counts, tuple(found.multipliers.tolist()), width, height, whole),
        tuple(real.mean(axis=0).tolist()),
        tuple(errors.tolist()),
        tuple(counts(own).mean(axis=0).tolist()),
        tuple(found.means.tolist()),
        found.effective_share,
        len(photographs),
    )


def save_content(path: Path, learned: LearnedContent) -> None:
    """Write what was learned as JSON, whole or not at all."""
    write_text(path, json.dumps({"version": VERSION, **learned.to_dict()}, indent=1) + "\n")


def read_choice(path: Path) -> ContentChoice:
    """How scenes are chosen, from a file of :func:`save_content`.

    Raises:
        ContentError: when it is none.
    """
    if not path.is_file():
        raise ContentError(f"There is no content {path}; learn it with metasim content.")
    try:
        return ContentChoice.from_dict(read_json(path)["choice"])  # type: ignore[index]
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ContentError(
            f"{path} is no content as metasim content writes it ({type(error).__name__}); give the "
            "file that it wrote."
        ) from None


def check_enough(count: int) -> None:
    """Raises ContentError when there are too few photographs to learn content from."""
    if count < FEW_PHOTOGRAPHS:
        raise ContentError(
            f"Content can be learned from {FEW_PHOTOGRAPHS} photographs that differ, or more; "
            f"there are {count}."
        )


def pictures_of(
    scenes: Sequence[SceneGraph], width: int, height: int, *, whole: bool
) -> list[PictureBoxes]:
    """The boxes of vehicles that scenes show in pictures of that size."""
    seen = [street_boxes(scene, width, height) for scene in scenes]
    return [PictureBoxes(one.whole if whole else one.visible, width, height) for one in seen]

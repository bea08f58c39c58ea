"""Guarantees of robustness, each in a quick form and, by ``make torture``, in a long one.

``METASIM_TORTURE=long`` asks for the long forms. ``METASIM_TORTURE_KILLS=20`` and so on, one for
each count that a test asks for, say how much is done of it. ``METASIM_TORTURE_SEED`` makes other
random choices, so that a long form can be run in parts. What was measured is added to the file
that ``METASIM_TORTURE_RESULT`` names.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from forked_commands import Commands
from PIL import Image
from reliability_record import add_part
from small_runs import training

LONG = os.environ.get("METASIM_TORTURE") == "long"
SEED = int(os.environ.get("METASIM_TORTURE_SEED", "0"))


@pytest.fixture
def seed() -> int:
    return SEED


@pytest.fixture
def long_form() -> dict[str, int]:
    """How much the long form of a test does of each thing, for the record of one that did less."""
    return {}


@pytest.fixture
def how_many(long_form: dict[str, int]) -> Callable[[str, int, int], int]:
    """How much of something is done: as the environment says, or by default in the quick or in the
    long form."""

    def of(name: str, quick: int, long: int) -> int:
        long_form[name] = long
        return int(os.environ.get(f"METASIM_TORTURE_{name.upper()}", long if LONG else quick))

    return of


@pytest.fixture
def record(long_form: dict[str, int]) -> Callable[..., None]:
    """Print what was measured, and add it to the result file where one is named."""
    started = time.monotonic()

    def note(guarantee: str, count: int, **figures: object) -> None:
        part = {
            "seed": SEED,
            "count": count,
            "long_form": dict(long_form),
            "seconds": round(time.monotonic() - started),
            **figures,
        }
        print(f"\n{guarantee}: {json.dumps(part)}")
        named = os.environ.get("METASIM_TORTURE_RESULT")
        if named:
            add_part(Path(named), guarantee, part)

    return note


@pytest.fixture(scope="session")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    started = Commands(tmp_path_factory.mktemp("commands"))
    yield started
    started.close()


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of eight target pictures."""
    folder = tmp_path_factory.mktemp("target")
    source = np.random.default_rng(0)
    for number in range(8):
        pixels = source.integers(0, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


@pytest.fixture(scope="session")
def whole(
    commands: Commands, target: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, float]:
    """A run that nobody disturbed, and about the seconds that others take, which find more in the
    system's memory."""
    run = tmp_path_factory.mktemp("whole") / "run"
    started = time.monotonic()
    assert commands.run(*training(target, run)) == 0, commands.said()
    return run, 0.6 * (time.monotonic() - started)

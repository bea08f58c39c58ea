"""Seeds one after the other; those that a result file already holds are not measured again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from metasim_backend.experiments.experiment import Experiment, Options, Tell
from metasim_backend.experiments.record import provenance, record_of
from metasim_backend.run_files.atomic_files import write_text

EACH, KEY, ORIGIN = "each_seed", "made_with", "measured_by"


def run_experiment(
    experiment: Experiment,
    seeds: Iterable[int],
    folder: Path,
    output: Path,
    options: Options,
    tell: Tell,
) -> dict[str, Any]:
    """The record of these seeds and of all others in the result file.

    The file is read and written anew after each seed. So what is interrupted leaves a result, and
    what another process has added meanwhile is kept.

    Args:
        folder: below which each seed has a folder, from which it is gone on with.
        output: the result file, JSON.

    Raises:
        ValueError: the user's mistakes; one sentence.
    """
    key = experiment.key(options)
    record: dict[str, Any] = {}
    for seed in seeds:
        kept = kept_seeds(output, key)
        if seed in kept and not seed_folder(folder, seed).exists():
            tell(f"seed {seed}: already in {output}")
            content = kept[seed]
        else:
            content = experiment.measure(seed, seed_folder(folder, seed), options, tell)
        record = _with_seed(experiment, output, key, seed, content, options)
        write_record(output, record)
    return record


def seed_folder(folder: Path, seed: int) -> Path:
    """Where a seed's runs are."""
    return folder / f"seed_{seed}"


def kept_seeds(output: Path, key: str) -> dict[int, dict[str, Any]]:
    """The finished seeds of a result file, by seed; none when it was made with something else."""
    return {int(seed): content for seed, content in _kept_record(output, key)[EACH].items()}


def write_record(path: Path, record: Mapping[str, Any]) -> None:
    """Write a record as JSON, whole or not at all."""
    write_text(path, json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def _kept_record(output: Path, key: str) -> dict[str, Any]:
    try:
        record = json.loads(output.read_text("utf-8"))
    except (OSError, ValueError):
        record = None
    if not isinstance(record, dict) or record.get(KEY) != key:
        return {EACH: {}}
    return {EACH: {}, **record}


def _with_seed(
    experiment: Experiment, output: Path, key: str, seed: int, content: dict, options: Options
) -> dict[str, Any]:
    """The record of a seed and of those in the file, with each seed's own result and origin."""
    kept = _kept_record(output, key)
    contents = {int(number): one for number, one in kept[EACH].items()}
    # Files that name no seed's origin were written at once by one version.
    origins = dict.fromkeys(map(str, contents), {k: kept.get(k) for k in ("versions", "machine")})
    origins |= kept.get(ORIGIN, {})
    if json.loads(json.dumps(content)) != contents.get(seed):
        origins[str(seed)] = provenance()
    contents = dict(sorted((contents | {seed: content}).items()))
    return {
        **record_of(experiment, contents, options),
        KEY: key,
        ORIGIN: {str(number): origins[str(number)] for number in contents},
        EACH: {str(number): one for number, one in contents.items()},
    }

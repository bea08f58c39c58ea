"""The shards of a data set become the data set, with the bytes that it has without shards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from metasim_backend.datasets.json_files import read_json
from metasim_backend.datasets.readers.pictures import DatasetError
from metasim_backend.datasets.sample_files import HIDDEN, JOB
from metasim_backend.datasets.shards import FRAMES, SHARD, Shard
from metasim_backend.datasets.writers.writer import DatasetWriter, continue_writer


@dataclass(frozen=True)
class ShardFolder:
    """A shard that has been written.

    Attributes:
        folder: where it is.
        shard: which part it is.
        frames: of the whole data set.
        job: of the whole data set.
    """

    folder: Path
    shard: Shard
    frames: int
    job: Mapping[str, object]

    @property
    def samples(self) -> range:
        return self.shard.samples(self.frames)


def read_shards(folders: Sequence[Path]) -> list[ShardFolder]:
    """The shards in these folders, in the data set's order.

    Raises:
        DatasetError: when they are not all the finished shards of one data set, each once.
    """
    shards = sorted((_read_shard(folder) for folder in folders), key=lambda s: s.shard.index)
    first = shards[0]
    for other in shards[1:]:
        _check_same(first, other)
    for one, next_one in zip(shards, shards[1:], strict=False):
        if one.shard == next_one.shard:
            raise DatasetError(
                f"{one.folder} and {next_one.folder} are both shard {one.shard}; give one of them."
            )
    there = {shard.shard.index for shard in shards}
    absent = [str(Shard(i, first.shard.of)) for i in range(first.shard.of) if i not in there]
    if absent:
        several = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
        raise DatasetError(
            f"Shard {absent[0]}{several} of the data set of {first.folder} is not among the "
            f"folders; generate it and give all {first.shard.of}."
        )
    for shard in shards:
        own = shard.shard.job(shard.frames)
        writer = continue_writer(shard.folder, {**shard.job, **own})
        lacking = len(writer.missing(shard.samples.stop, shard.samples.start))
        if lacking:
            raise DatasetError(
                f"The shard {shard.folder} lacks {lacking} of its {len(shard.samples)} frames; "
                "finish it with the metasim generate that began it."
            )
    return shards


def check_apart(shards: Sequence[ShardFolder], output: Path) -> None:
    """That a data set is not written into one of its shards, nor around one.

    Raises:
        DatasetError: when it would be.
    """
    whole = output.resolve()
    for shard in shards:
        part = shard.folder.resolve()
        if part == whole or part in whole.parents or whole in part.parents:
            raise DatasetError(
                f"The output {output} and the shard {shard.folder} are one folder or one in the "
                "other; give another output."
            )


def open_merged(shards: Sequence[ShardFolder], output: Path) -> DatasetWriter:
    """A writer for the whole data set, new or interrupted.

    Raises:
        DatasetError: when the output holds anything else.
    """
    return continue_writer(output, shards[0].job)


def merge(
    shards: Sequence[ShardFolder],
    writer: DatasetWriter,
    progress: Callable[[int], object] = lambda done: None,
) -> int:
    """Take over what the data set lacks, and write what belongs to the whole.

    Returns:
        how many frames were lacking.
    """
    lacking = 0
    for shard in shards:
        missing = writer.missing(shard.samples.stop, shard.samples.start)
        writer.take(missing, shard.folder, progress)
        lacking += len(missing)
    writer.finish()
    return lacking


def _read_shard(folder: Path) -> ShardFolder:
    path = folder / HIDDEN / JOB
    job = read_json(path) if path.is_file() else {}
    if SHARD not in job:
        kind = "a whole data set" if job else "no data set of metasim generate"
        raise DatasetError(f"{folder} is {kind}; give folders that --shard wrote.")
    whole = {key: value for key, value in job.items() if key not in (SHARD, FRAMES)}
    try:
        return ShardFolder(folder, Shard.parse(job[SHARD]), int(job[FRAMES]), whole)
    except (TypeError, ValueError, KeyError) as error:
        raise DatasetError(f"{path} is damaged; generate the shard again.") from error


def _check_same(one: ShardFolder, other: ShardFolder) -> None:
    a, b = (
        _flat({**shard.job, "number of shards": shard.shard.of, FRAMES: shard.frames})
        for shard in (one, other)
    )
    for key in sorted(a.keys() | b.keys()):
        if a.get(key) != b.get(key):
            raise DatasetError(
                f"{one.folder} and {other.folder} are shards of different data sets: their "
                f"{_NAMES.get(key, key)} is {a.get(key)!r} and {b.get(key)!r}; give shards of one."
            )


_NAMES = {
    "generator": "generator (run or grammar)",
    "learned": "scenes' being learned",
    FRAMES: "number of frames",
}


def _flat(content: Mapping[str, object], before: str = "") -> dict[str, object]:
    """The values of nested mappings by dotted names."""
    flat: dict[str, object] = {}
    for key, value in content.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{before}{key}.")
        else:
            flat[before + key] = value
    return flat

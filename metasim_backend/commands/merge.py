"""``metasim merge``: the shards of a labelled dataset become the dataset."""

from __future__ import annotations

import argparse
from pathlib import Path

from metasim_backend.commands.generate import replaceable
from metasim_backend.commands.options import print_result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "The shards are those of metasim generate --shard, all of them, in any order. The result "
        "has the bytes that generate writes without --shard. Files are linked where the disk "
        "allows it, else copied; the shards stay, and may be removed afterwards. A merge that was "
        "interrupted goes on when it is given again."
    )
    parser.add_argument("shards", type=Path, nargs="+", metavar="SHARD", help="a shard's folder")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--force", action="store_true", help="replace a dataset that is there")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(arguments: argparse.Namespace) -> int:
    from metasim_backend.datasets.merging import check_apart, merge, open_merged, read_shards
    from metasim_backend.datasets.sample_files import remove_data_set
    from metasim_backend.run_files.progress import Progress

    shards = read_shards(arguments.shards)
    check_apart(shards, arguments.output)
    if arguments.force and replaceable(arguments.output):
        remove_data_set(arguments.output)
    writer = open_merged(shards, arguments.output)
    frames = shards[0].frames
    with writer.owned():
        present = frames - len(writer.missing(frames))
        with Progress("merging", frames, present, quiet=arguments.json) as progress:
            merged = merge(shards, writer, progress.update)
    print_result(
        arguments,
        {"output": str(arguments.output), "frames": frames, "merged": merged},
        f"{arguments.output} holds {frames} labelled frames of {len(shards)} shards; "
        f"{merged} of them were missing and have been taken over.",
    )
    return 0

"""``metasim content``: choose a generator's streets so that they show what photographs show."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from metasim_backend.commands.options import (
    UsageError,
    add_generator_argument,
    add_skip_option,
    output_file,
    positive,
    print_result,
    tell_of_skipped,
)

if TYPE_CHECKING:
    from metasim_backend.training.content.content_choice import LearnedContent

CLEAR = 2.0
"""Standard errors from which a difference of means is told."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_generator_argument(parser, "generator")
    parser.add_argument("detector", type=Path, help="a file of metasim detector train")
    parser.add_argument("photographs", type=Path, help="a folder of png and jpg pictures")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="JSON")
    parser.add_argument(
        "--scenes", type=positive, default=4000, help="weighed, not rendered (default 4000)"
    )
    parser.add_argument(
        "--most-alike",
        type=float,
        default=0.9,
        metavar="SHARE",
        help="photographs that are more alike count once, such as a drive's neighbouring frames "
        "(default 0.9)",
    )
    parser.add_argument("--prior", action="store_true", help="the grammar's scenes, not learned")
    parser.add_argument("--seed", type=int, default=0)
    add_skip_option(parser)
    parser.add_argument("--force", action="store_true", help="replace the file if it is there")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(arguments: argparse.Namespace) -> int:
    from metasim_backend.commands.generate import open_generator
    from metasim_backend.datasets.targets import TargetImages
    from metasim_backend.models.street_view import has_streets
    from metasim_backend.run_files.progress import Progress
    from metasim_backend.training.content.content_choice import (
        CANDIDATES,
        check_enough,
        learn_content,
        save_content,
    )
    from metasim_backend.training.content.reading import read_photographs
    from metasim_backend.training.detector_file import load_detector

    scenes, _, _ = open_generator(arguments.generator)
    if not has_streets(scenes.encoding):
        raise UsageError(
            f"{arguments.generator} is of the world {scenes.grammar.domain!r}, which has no "
            "streets with a camera; give a generator of streets."
        )
    trained = load_detector(arguments.detector)
    output = output_file(arguments.output, force=arguments.force)
    images = TargetImages.read(arguments.photographs, *trained.size, skipped=arguments.skipped)
    tell_of_skipped(arguments.skipped)
    different = images.different(arguments.most_alike)
    check_enough(len(different))
    photographs = read_photographs(trained.detector, different.images, trained.least_score)
    with Progress("scenes", arguments.scenes, quiet=arguments.json) as progress:
        learned = learn_content(
            scenes,
            photographs,
            arguments.seed,
            arguments.scenes,
            learned=not arguments.prior and not arguments.generator.is_file(),
            whole=trained.detector.settings.whole_boxes,
            progress=progress.reach,
        )
    save_content(output, learned)
    short = (
        f" Only {learned.effective_share:.1%} of the proposed streets are like the photographs, "
        f"and a street is chosen out of {CANDIDATES}: chosen streets will not meet the counts."
        if learned.effective_share < 1 / CANDIDATES
        else ""
    )
    print_result(
        arguments,
        learned.to_dict(),
        _table(learned) + f"{output}: of {len(different)} photographs that differ, "
        f"{learned.differed(CLEAR)} of {len(learned.errors)} counts are not as in the generator's "
        f"streets; in chosen streets {learned.unmet(CLEAR)} are not. Choose streets by it with "
        f"metasim generate --content.{short}",
    )
    return 0


def _table(learned: LearnedContent) -> str:
    """Each count in photographs, in the generator's streets and in chosen ones."""
    lines = [f"{'photographs':>18}{'before':>9}{'chosen':>9}  a picture"]
    rows = zip(
        learned.photographs,
        learned.errors,
        learned.before,
        learned.after,
        learned.choice.counts.names,
        strict=True,
    )
    for real, error, before, after, name in rows:
        lines.append(f"{real:>10.2f} ± {error:.2f} {before:>9.2f}{after:>9.2f}  {name}")
    return "".join(f"{line}\n" for line in lines)

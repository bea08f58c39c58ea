"""``metasim report``: a run's page, its figures as JSON, its picture, from what the run left."""

from __future__ import annotations

import argparse
from pathlib import Path

from metasim_backend.commands.options import UsageError, output_file, print_result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, help="a run's folder")
    parser.add_argument(
        "--save", type=Path, metavar="FILE", help="also write the run's figures as a JSON file"
    )
    parser.add_argument(
        "--picture", type=Path, metavar="FILE", help="also write prior / learned / target as PNG"
    )
    parser.add_argument(
        "--animation",
        type=Path,
        metavar="FILE",
        help="also write a street and its attributes' distributions while learning, as GIF or WebP",
    )
    parser.add_argument("--force", action="store_true", help="replace such files that are there")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(arguments: argparse.Namespace) -> int:
    import json

    from metasim_backend.reporting.plots import comparison_strip
    from metasim_backend.reporting.report import write_report
    from metasim_backend.run_files.atomic_files import write_atomically, write_text
    from metasim_backend.run_files.run_folder import RunFolder

    folder = RunFolder.open(arguments.run)
    for path in (arguments.save, arguments.picture, arguments.animation):
        if path is not None:
            output_file(path, force=arguments.force)
    written = [write_report(folder.path)]
    if arguments.save:
        write_text(arguments.save, json.dumps(figures(folder), indent=1) + "\n")
        written.append(arguments.save)
    if arguments.picture:
        pictures = folder.report_data / "pictures"
        rows = [sorted((pictures / n).glob("*.png")) for n in ("prior", "learned", "target")]
        if not all(rows):
            raise UsageError(f"{folder.path} has no pictures yet; finish its training first.")
        strip = comparison_strip(*rows)
        write_atomically(arguments.picture, lambda file: file.write(strip))
        written.append(arguments.picture)
    if arguments.animation:
        written.append(_animated(folder.path, arguments.animation))
    names = [str(path) for path in written]
    print_result(arguments, {"written": names}, f"Wrote {', '.join(names)}.")
    return 0


def _animated(folder: Path, path: Path) -> Path:
    from metasim_backend.reporting.learning_film import film_of, write_film
    from metasim_backend.reporting.run_record import read_run

    film = film_of(read_run(folder))
    if film is None:
        raise UsageError(
            f"{folder} was not followed while it learned, or is not finished; train with "
            "match.report_every=1."
        )
    try:
        return write_film(path, film)
    except ValueError as error:
        raise UsageError(str(error)) from None


def figures(folder) -> dict:
    """A run's result without its pictures: summary, settings, and each attribute in numbers."""
    from dataclasses import asdict

    from metasim_backend.reporting.attributes import attribute_table

    summary = folder.read_json("summary.json")
    if summary is None:
        raise UsageError(f"{folder.path} has no results yet; finish its training first.")
    config = folder.read_config()
    attributes = folder.read_json("attributes.json") or {}
    return {
        **summary,
        "command": " ".join(shortened(word) for word in config["command"]),
        "settings": shortened_paths(config["settings"]),
        "attributes": [asdict(row) for row in attribute_table(attributes)],
        "identity_error": folder.read_json("identity_error.json"),
    }


def shortened(word: str) -> str:
    """A path's last two parts, so that a result names no machine's folders; other words as they
    are."""
    parts = Path(word).parts
    return "/".join(parts[-2:]) if word.startswith(("/", "..")) else word


def shortened_paths(value):
    """The same for every text in nested plain data."""
    if isinstance(value, dict):
        return {name: shortened_paths(item) for name, item in value.items()}
    if isinstance(value, list):
        return [shortened_paths(item) for item in value]
    return shortened(value) if isinstance(value, str) else value

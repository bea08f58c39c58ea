"""``metasim read``: what a run's reader sees in photographs, and a street like each of them."""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path

from metasim_backend.commands.options import (
    UsageError,
    add_skip_option,
    empty_folder,
    positive,
    print_result,
    tell_of_skipped,
)

DRAWN = 300
"""Streets of the generator, of which the nearest gives what was not read."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, help="the folder of a run that matched on a surrogate")
    parser.add_argument("photographs", type=Path, help="a folder of png and jpg pictures")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--most", type=positive, default=50, help="pictures (default 50)")
    add_skip_option(parser)
    parser.add_argument("--force", action="store_true", help="replace files that are there")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(arguments: argparse.Namespace) -> int:
    from dataclasses import asdict
    from functools import partial

    from blender_addon.contract import scene_graph
    from metasim_backend.datasets.sample_files import distinct_stems
    from metasim_backend.datasets.targets import TargetImages
    from metasim_backend.features.reader.description import described
    from metasim_backend.features.reader.readings import read_pictures
    from metasim_backend.features.reader.twin import twin
    from metasim_backend.models.street_view import has_streets
    from metasim_backend.reporting.read_picture import with_readings
    from metasim_backend.run_files.atomic_files import write_atomically, write_text
    from metasim_backend.training.estimators.kept_reader import trained_reader
    from metasim_backend.training.run_config import load_generator, open_run
    from metasim_backend.training.seeds import derive_seed

    folder, config = open_run(arguments.run)
    scenes = load_generator(folder, config)
    reader = trained_reader(folder, config.settings, scenes.encoding)
    if reader is None:
        raise UsageError(
            f"{arguments.run} has no reader: it was not matched with match.estimator=surrogate, or "
            "has not finished its first round."
        )
    output = empty_folder(arguments.output, force=arguments.force)
    size = config.settings.rendering
    images = TargetImages.read(
        arguments.photographs,
        size.width,
        size.height,
        most=arguments.most,
        skipped=arguments.skipped,
    )
    tell_of_skipped(arguments.skipped)
    for name in ("pictures", "scenes"):
        (output / name).mkdir(exist_ok=True)
    readings = read_pictures(reader, reader.see(images.images))
    pictures = described(reader, readings, scenes.encoding)
    streets = has_streets(scenes.encoding)
    drawn = scenes.learned([derive_seed(0, "read", i) for i in range(DRAWN)])
    stems = distinct_stems([name.replace(".", "_") for name in images.names])
    for stem, image, picture in zip(stems, images.images, pictures, strict=True):
        objects = [(one.box, one.words) for one in picture.objects]
        sheet = with_readings(image.permute(1, 2, 0).numpy(), picture.lines, objects)
        path = output / "pictures" / f"{stem}.png"
        write_atomically(path, partial(sheet.save, format="PNG"))
        if streets:
            street = twin(picture, drawn, scenes.encoding)
            scene_graph.save(street, output / "scenes" / f"{stem}.json")
    result = {name: asdict(picture) for name, picture in zip(images.names, pictures, strict=True)}
    write_text(output / "readings.json", json.dumps(result, indent=1) + "\n")
    count = sum(len(picture.objects) for picture in pictures)
    sentence = f"Read {count} objects in {len(pictures)} pictures: {output / 'pictures'}."
    if streets:
        scenes_folder = shlex.quote(str(output / "scenes"))
        sentence += f" Render a street like each: metasim render {scenes_folder}/*.json -o PICTURES"
    print_result(
        arguments,
        {"pictures": len(pictures), "objects": count, "folder": str(output)},
        sentence,
    )
    return 0

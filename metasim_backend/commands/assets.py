"""``metasim assets check``: users' models as they will stand on a street, with their sizes."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from metasim_backend.commands.options import (
    UsageError,
    add_worker_options,
    output_file,
    print_result,
    worker_settings,
)

if TYPE_CHECKING:
    import numpy as np

    from blender_addon.contract.catalogue import Asset
    from blender_addon.contract.frames import Frame
    from metasim_backend.rendering.blender import BlenderRenderer

WIDTH, HEIGHT = 320, 192


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    check = actions.add_parser("check", help="show each model of a folder from four sides")
    check.add_argument("folder", type=Path, help="a folder with a catalogue.json")
    check.add_argument("-o", "--output", type=Path, default=Path("assets.png"), metavar="PNG")
    check.add_argument("--force", action="store_true", help="replace a picture that is there")
    check.add_argument("--json", action="store_true", help="print the result as JSON")
    add_worker_options(check)


def run(arguments: argparse.Namespace) -> int:
    from blender_addon.contract.catalogue import FOLDERS, user_assets
    from metasim_backend.rendering.blender import BlenderRenderer
    from metasim_backend.reporting.captioned_sheet import captioned_sheet
    from metasim_backend.run_files.atomic_files import write_atomically

    output = output_file(arguments.output, force=arguments.force)
    folder = arguments.folder.resolve()
    assets = [one for one in user_assets((folder,)) if one.file is not None]
    if not assets:
        raise UsageError(f"{folder} has no model with a file; name files in its catalogue.json.")
    os.environ[FOLDERS] = str(folder)  # the workers load from there
    rows: list[list[tuple[np.ndarray, str]]] = []
    models: list[dict[str, object]] = []
    wrong: list[str] = []
    with BlenderRenderer(worker_settings(arguments)) as renderer:
        for asset in assets:
            frames, problem = views(renderer, asset)
            name = f"{asset.class_name} {asset.name}"
            if problem:
                wrong.append(problem)
                models.append({"name": asset.name, "class": asset.class_name, "problem": problem})
                continue
            size = measured(frames)
            models.append({"name": asset.name, "class": asset.class_name, "metres": size})
            words = "" if size is None else ": {:.2f} x {:.2f} x {:.2f} m".format(*size)
            rows.append([(frame.image, f"{name}{words}, {side}") for side, frame in frames.items()])
    if rows:
        sheet = captioned_sheet(rows)
        write_atomically(output, lambda file: sheet.save(file, format="PNG"))
    told = [f"{len(assets) - len(wrong)} of {len(assets)} models stand: {output}."] if rows else []
    print_result(
        arguments,
        {"output": str(output) if rows else None, "models": models},
        "\n".join([*told, *wrong]),
    )
    return 1 if wrong else 0


def views(renderer: BlenderRenderer, asset: Asset) -> tuple[dict[str, Frame], str]:
    """What is seen of a model from each side, or what is wrong with it."""
    from blender_addon.contract.frames import RenderSettings
    from metasim_backend.rendering.model_views import model_views
    from metasim_backend.rendering.renderer import RenderingError, RenderingInputError

    scenes = model_views(asset)
    settings = replace(RenderSettings(WIDTH, HEIGHT), samples=4)
    try:
        frames = renderer.render(list(scenes.values()), [settings] * len(scenes))
    except (RenderingError, RenderingInputError) as error:
        said = str(error)
        # The scene is ours, and says nothing to people.
        return {}, said.partition(": ")[2] if said.startswith("The scene with seed") else said
    return dict(zip(scenes, frames, strict=True)), ""


def measured(frames: dict[str, Frame]) -> tuple[float, float, float] | None:
    """Length, width and height in metres, of a labelled model."""
    from metasim_backend.rendering.model_views import NODE

    for frame in frames.values():
        for label in frame.labels:
            if label.node == NODE and label.box3d is not None:
                box = label.box3d
                return box.length, box.width, box.height
    return None

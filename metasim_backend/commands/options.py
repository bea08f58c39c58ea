"""Options that several commands share, and what they mean."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from blender_addon.contract.camera_model import CameraModel
from blender_addon.contract.frames import LIGHTINGS, RenderSettings
from blender_addon.contract.presets import PRESETS, with_preset
from blender_addon.contract.text_files import shown
from metasim_backend.rendering.workers import WorkerSettings
from metasim_backend.shipped_files.grammars import grammar_file, nearest_grammar
from metasim_backend.worlds.driving import DRIVING

GRAMMAR_HELP = "a grammar's name or file, such as driving; metasim grammars lists the names"


class UsageError(ValueError):
    """An option or a path that cannot be used; one sentence."""


def add_worker_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("Blender")
    group.add_argument(
        "--workers", type=int, metavar="N", help="local Blender processes (default: the cores)"
    )
    group.add_argument(
        "--blender", metavar="PATH", help="an installed Blender (default: the module bpy)"
    )
    group.add_argument(
        "--listen",
        metavar="HOST:PORT",
        help="also take workers from elsewhere; the token is METASIM_TOKEN",
    )


def add_grammar_argument(parser: argparse.ArgumentParser, **how: Any) -> None:
    """``grammar``: the path of a file, whether it was given so or by a shipped one's name."""
    parser.add_argument("grammar", type=grammar_file, help=GRAMMAR_HELP, **how)


def add_generator_argument(parser: argparse.ArgumentParser, name: str) -> None:
    """The path of a run's folder, or of a grammar's file, which may be given by name."""
    parser.add_argument(
        name,
        type=generator_path,
        help="a run's folder, or a grammar's name or file, of which it is the prior",
    )


def generator_path(text: str) -> Path:
    """What is there by that path, or else the shipped grammar of that name."""
    return Path(text) if os.path.exists(text) else grammar_file(text)


def check_generator(source: Path) -> None:
    """Raises UsageError when there is neither a run's folder nor a grammar by that path."""
    if not os.path.exists(source):
        raise UsageError(
            f"There is no {str(source)!r}; give a run's folder, a grammar file, or a name that "
            f"metasim grammars lists, such as {nearest_grammar(source.stem)!r}."
        )


def add_network_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--network-device",
        choices=("auto", "cpu", "cuda", "mps"),
        default="auto",
        help="where the network runs; auto: the CPU, which gives the same bits each time",
    )


def add_data_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="where MNIST is, or is fetched to (2-D worlds)"
    )


def worker_settings(arguments: argparse.Namespace) -> WorkerSettings:
    """What the worker options ask for.

    Raises:
        UsageError: on a wrong number of workers or address.
    """
    count = arguments.workers
    if count is None:
        count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2
        count = max(1, min(count, 8))
    if count < 0 or (count == 0 and not arguments.listen):
        raise UsageError(
            f"--workers {count}: give at least 1, or 0 together with --listen to wait for others."
        )
    host, port = ("127.0.0.1", 0)
    if arguments.listen:
        host, port = parse_address(arguments.listen)
        if not os.environ.get("METASIM_TOKEN"):
            raise UsageError("--listen needs a secret in the environment: set METASIM_TOKEN.")
    return WorkerSettings(
        count=count,
        blender=arguments.blender,
        host=host,
        port=port,
        token=os.environ.get("METASIM_TOKEN") if arguments.listen else None,
    )


def parse_address(text: str) -> tuple[str, int]:
    """``HOST:PORT``; an IPv6 host stands in brackets.

    Raises:
        UsageError: when it is not of that form.
    """
    host, colon, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    number = whole_number(port)
    wrong = not colon or number is None or number > 65535
    if wrong or (":" in bare) != (bare != host):  # an IPv6 host, and no other, has brackets
        raise UsageError(f"{shown(text)} is not an address of the form HOST:PORT, or [IPV6]:PORT.")
    return bare or "127.0.0.1", number or 0


def add_render_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("rendering")
    group.add_argument(
        "--preset", choices=tuple(PRESETS), help="engine, samples, bounces and denoising in a word"
    )
    group.add_argument("--size", metavar="WxH", help="pixels, such as 621x188")
    group.add_argument("--samples", type=int, metavar="N", help="samples a pixel")
    group.add_argument("--engine", choices=DRIVING.engines, help="default: as trained, or cycles")
    group.add_argument("--device", help="cpu, or a GPU kind such as cuda or optix")
    group.add_argument(
        "--light",
        choices=LIGHTINGS,
        dest="lighting",
        help="direct: sun and ambient sky, without noise; traced: path tracing",
    )
    group.add_argument(
        "--bounces", type=int, metavar="N", help="of traced light; 0 is direct light only"
    )
    group.add_argument(
        "--denoise", action=argparse.BooleanOptionalAction, help="take the noise out of pictures"
    )


def add_camera_option(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument(
        "--camera",
        type=Path,
        metavar="YAML",
        help=f"a camera model, as metasim camera fit writes it (default: {default})",
    )


def camera_of(arguments: argparse.Namespace, domain: str, default: CameraModel) -> CameraModel:
    """The camera that --camera names, or the default.

    Raises:
        GrammarError: on a file that holds none; RendererSetupError: in a world without linear
            light.
    """
    from metasim_backend.grammar.reading_camera import load_camera_file
    from metasim_backend.worlds.registry import check_camera

    camera = default if arguments.camera is None else load_camera_file(arguments.camera)
    check_camera(domain, camera)
    return camera


def render_settings(arguments: argparse.Namespace, default: RenderSettings) -> RenderSettings:
    """The default settings with what the preset changes, and then the other render options.

    Raises:
        UsageError, RenderSettingsError: on a wrong size or number, or a preset for a world that
            Blender does not show.
    """
    changes: dict[str, Any] = {}
    if arguments.preset is not None:
        if default.engine not in DRIVING.engines:
            raise UsageError(
                f"--preset {arguments.preset} is for worlds that Blender shows; the engine "
                f"{default.engine!r} has no presets, so leave it out."
            )
        default = with_preset(default, arguments.preset)
    if arguments.size:
        changes["width"], changes["height"] = parse_size(arguments.size)
    for name in ("samples", "engine", "device", "lighting", "bounces", "denoise"):
        if getattr(arguments, name) is not None:
            changes[name] = getattr(arguments, name)
    return replace(default, **changes)


def parse_size(text: str) -> tuple[int, int]:
    """``WIDTHxHEIGHT``.

    Raises:
        UsageError: when it is not of that form.
    """
    width, _, height = text.replace("×", "x").partition("x")
    sides = whole_number(width), whole_number(height)
    if sides[0] is None or sides[1] is None:
        raise UsageError(f"--size {shown(text)} is not of the form WIDTHxHEIGHT, such as 621x188.")
    return sides[0], sides[1]


def empty_folder(path: Path, *, force: bool = False) -> Path:
    """A folder to write into: new, empty, or one whose files may be replaced.

    Raises:
        UsageError: when it holds something and force is not given, or cannot be made.
    """
    if path.exists() and not path.is_dir():
        raise UsageError(f"{path} is a file; give a folder with -o.")
    if path.is_dir() and any(path.iterdir()) and not force:
        raise UsageError(f"{path} is not empty; choose another folder, or replace with --force.")
    writable_folder(path)
    return path


def output_file(path: Path, *, force: bool = False) -> Path:
    """A file to write, checked before any long work; its folder is made.

    Raises:
        UsageError: when it is there and force is not given, or cannot be written.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder; give the file to write.")
    if path.exists() and not force:
        raise UsageError(f"{path} is already there; replace it with --force, or choose another.")
    writable_folder(path.parent)
    return path


def writable_folder(folder: Path) -> None:
    """Make a folder where there is none, and try it.

    Raises:
        UsageError: when it cannot be made or written into.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"Cannot make the folder {folder}: {error.strerror}.") from None
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageError(f"Cannot write into the folder {folder}: {error.strerror}.") from None


def add_skip_option(parser: argparse.ArgumentParser) -> None:
    """``--skip-bad``; ``skipped`` then holds a list for what is left out, or None."""
    parser.add_argument(
        "--skip-bad",
        action="store_const",
        dest="skipped",
        const=[],
        help="go on without files that cannot be used",
    )


def tell_of_skipped(skipped: Sequence[str] | None) -> None:
    """Name files that --skip-bad has left out."""
    if skipped:
        print("Left out, as they cannot be used:", *skipped, sep="\n  ", file=sys.stderr)


def print_result(arguments: argparse.Namespace, result: dict, sentence: str) -> None:
    """The result for a person, or as JSON with --json."""
    print(json.dumps(result) if getattr(arguments, "json", False) else sentence)


def positive(text: str) -> int:
    """A whole number of at least 1, for argparse."""
    number = whole_number(text)
    if not number:
        raise argparse.ArgumentTypeError(f"{shown(text)} is not a whole number of at least 1")
    return number


def not_negative(text: str) -> int:
    """A whole number of at least 0, for argparse."""
    number = whole_number(text)
    if number is None:
        raise argparse.ArgumentTypeError(f"{shown(text)} is not a whole number of at least 0")
    return number


def whole_number(text: str) -> int | None:
    """A number of plain digits, as many as anything here can be counted by; None for other text."""
    return int(text) if re.fullmatch(r"[0-9]{1,12}", text) else None

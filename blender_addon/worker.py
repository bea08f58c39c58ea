"""The headless renderer: dial the backend, render what it asks for until told to stop.

Runs with the ``bpy`` module, or inside an installed Blender::

    python -m blender_addon.worker --connect 127.0.0.1:5005
    blender --background --factory-startup --python blender_addon/worker.py -- \\
        --connect 127.0.0.1:5005

The token comes from ``--token-file`` or the environment's ``METASIM_TOKEN``. The worker leaves
when it is told to (exit code 0) or when the connection is lost (1); bad usage is 2.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

if not __package__:  # Blender runs this file by its path: make relative imports work (PEP 366)
    _folder = Path(__file__).resolve().parent
    sys.path.insert(0, str(_folder.parent))
    __package__ = _folder.name
    importlib.import_module(__package__)

from .few_cores import few_cores  # noqa: E402


def _threads(argv: Sequence[str]) -> int:
    """The option --threads, before all others can be read; 0 where it is not given."""
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    parser.add_argument("--threads", type=int, default=0)
    try:
        return int(parser.parse_known_args(argv)[0].threads)
    except argparse.ArgumentError:
        return 0  # the whole parser finds the words for it


with few_cores(_threads(sys.argv) if __name__ == "__main__" else 0):
    import bpy  # noqa: E402
import numpy as np  # noqa: E402

from .capture.differences import differences  # noqa: E402
from .capture.engines import capabilities  # noqa: E402
from .capture.picture import render  # noqa: E402
from .capture.staging import Stage  # noqa: E402
from .contract import scene_graph, wire  # noqa: E402
from .contract.attribute_reading import WorldError  # noqa: E402
from .contract.catalogue import user_assets  # noqa: E402
from .contract.frames import (  # noqa: E402
    AttributeStep,
    RenderSettings,
    RenderSettingsError,
    frame_to_message,
)
from .contract.scene_graph import SceneGraphError  # noqa: E402
from .contract.version import ADDON_VERSION  # noqa: E402

TOKEN_VARIABLE = "METASIM_TOKEN"
_MAX_STEPS = 100_000


class WorkerError(ValueError):
    """A worker that cannot start; the sentence says what is wrong and what to do."""


def main(argv: Sequence[str]) -> int:
    """Dial, say hello, work. Returns the exit code.

    Args:
        argv: the arguments after the program's name.
    """
    options = _parser().parse_args(argv)
    try:
        address, token = _address(options.connect), _token(options.token_file)
    except WorkerError as error:
        print(error, file=sys.stderr)
        return 2
    try:

        def waiting() -> None:
            print(f"Waiting for a backend at {options.connect}.", file=sys.stderr, flush=True)

        with wire.connect(address, token, wait=options.wait, waiting=waiting) as connection:
            if not _hello(connection):
                return 1
            _quiet()
            return serve(connection, _new_stage(), options.threads)
    except wire.WireError as error:
        print(f"The worker leaves: {error}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 1


def serve(connection: wire.Connection, stage: Stage, threads: int = 0) -> int:
    """Answer messages until ``stop``; a job that fails is answered with an error.

    Raises:
        wire.WireError: when the connection is lost.
    """
    while True:
        message = connection.receive()
        if message.kind == "stop":
            return 0
        if message.kind == "ping":
            connection.send(wire.Message("pong", {"memory": _memory()}))
            continue
        try:
            stage = _fit_for(message, stage)
            answer = _work(message, stage, threads)
        except Exception as error:
            answer = _error(message, error)
        connection.send(answer)


def _work(message: wire.Message, stage: Stage, threads: int) -> wire.Message:
    body = message.body
    if message.kind not in ("render", "differences"):
        raise ValueError(f"The worker knows no message {message.kind!r}.")
    scene = scene_graph.from_dict(body["scene"])
    settings = RenderSettings.from_dict(_dict(body["settings"]))
    if message.kind == "render":
        following = body.get("next_scene")
        next_scene = None if following is None else scene_graph.from_dict(following)
        stage.show(scene)
        labels, arrays = frame_to_message(render(stage, settings, threads, next_scene))
        return wire.Message("frame", {"job": body["job"], **labels}, arrays)
    found = differences(
        stage, scene, _steps(body["steps"]), settings, body.get("full_frame") is True, threads
    )
    values = [difference.values.reshape(-1) for difference in found]
    return wire.Message(
        "differences",
        {"job": body["job"], "windows": [list(difference.window) for difference in found]},
        {"values": np.concatenate(values) if values else np.zeros(0, np.float32)},
    )


def _error(message: wire.Message, error: Exception) -> wire.Message:
    reason = str(error).strip() or type(error).__name__
    if not isinstance(error, ValueError):
        reason = f"{type(error).__name__}: {reason}"
    body = {
        "job": message.body.get("job"),
        "reason": " ".join(reason.split()),
        "traceback": traceback.format_exc(),
        # Our own errors are sentences about the scene: trying again would not help.
        "input": isinstance(error, (WorldError, SceneGraphError, RenderSettingsError)),
    }
    return wire.Message("error", body)


def _steps(items: object) -> list[AttributeStep]:
    if not isinstance(items, list) or len(items) > _MAX_STEPS:
        raise ValueError(f"'steps' is not a list of at most {_MAX_STEPS} steps.")
    return [
        AttributeStep(str(i["node"]), str(i["attribute"]), float(i["minus"]), float(i["plus"]))
        for i in map(_dict, items)
    ]


def _dict(value: object) -> dict:
    if not isinstance(value, dict):
        raise ValueError(f"A JSON object was expected, not {type(value).__name__}.")
    return value


def _hello(connection: wire.Connection) -> bool:
    found = capabilities()
    connection.send(
        wire.Message(
            "hello",
            {
                "protocol": wire.PROTOCOL,
                "addon_version": ADDON_VERSION,
                "blender": ".".join(str(n) for n in bpy.app.version),
                "pid": os.getpid(),
                "capabilities": {"engines": list(found.engines), "devices": list(found.devices)},
            },
        )
    )
    answer = connection.receive(wait=60.0)
    if answer.kind == "welcome":
        return True
    reason = answer.body.get("reason", f"it answered {answer.kind!r}")
    print(f"The backend refused this worker: {reason}", file=sys.stderr)
    return False


def _fit_for(message: wire.Message, stage: Stage) -> Stage:
    """The stage, or another one whose materials Workbench shows in their colours."""
    settings = message.body.get("settings")
    asked = isinstance(settings, dict) and settings.get("engine") == "workbench"
    return _new_stage(solid_view=True) if asked and not stage.solid_view else stage


def _new_stage(*, solid_view: bool = False) -> Stage:
    from .world.stage import Stage as BlenderStage

    # Nothing of a user's start-up file: every worker begins with the same, empty scene.
    bpy.ops.wm.read_factory_settings(use_empty=True)
    # Every operator has Blender evaluate the current scene, before and after a render that
    # evaluates the street's by itself: so the current one is another, and empty.
    bpy.context.scene.world = bpy.data.worlds.new("metasim idle")
    scene = bpy.data.scenes.new("metasim street")
    return BlenderStage(scene, user_assets(), solid_view=solid_view)


def _quiet() -> None:
    """Send standard output to nowhere: Blender writes lines there at every render."""
    sys.stdout.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def _memory() -> int:
    """Resident bytes of this process; the largest so far where /proc is not there."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        try:
            import resource
        except ImportError:  # Windows
            return 0
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="metasim worker", description="Render scenes in Blender for a Meta-Sim backend."
    )
    parser.add_argument("--connect", required=True, metavar="HOST:PORT", help="the backend")
    parser.add_argument(
        "--token-file",
        metavar="PATH",
        help=f"file that holds the token; without it the environment's {TOKEN_VARIABLE}",
    )
    parser.add_argument(
        "--threads", type=int, default=0, metavar="N", help="CPU threads to render with (0: all)"
    )
    parser.add_argument(
        "--wait", type=float, default=0.0, metavar="SECONDS", help="for a backend to be there"
    )
    return parser


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise WorkerError(f"{text!r} is not HOST:PORT, such as 127.0.0.1:5005.")
    return host.strip("[]"), int(port)


def _token(path: str | None) -> str:
    if path is not None:
        try:
            token = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise WorkerError(f"The token file {path!r} cannot be read: {error}.") from None
    else:
        token = os.environ.get(TOKEN_VARIABLE, "")
    if not token:
        raise WorkerError(f"There is no token; give --token-file PATH or set {TOKEN_VARIABLE}.")
    return token


def _arguments(argv: Sequence[str]) -> list[str]:
    """This program's own arguments: under Blender, those after ``--``."""
    if bpy.app.binary_path:
        return list(argv[argv.index("--") + 1 :]) if "--" in argv else []
    return list(argv[1:])


def _leave(code: int) -> None:
    """End at once: bpy's own end can hang, and prints lists of leaked blocks."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    try:
        _code = main(_arguments(sys.argv))
    except SystemExit as _end:  # argparse
        _code = _end.code if isinstance(_end.code, int) else 1
    except BaseException:
        traceback.print_exc()
        _code = 1
    _leave(_code)

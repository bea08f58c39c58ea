"""A worker that speaks the real protocol and draws next to nothing, with faults of every kind.

As a program it is a worker process: ``python stand_in_worker.py --connect HOST:PORT``. The
environment's ``STAND_IN_FAULTS`` says how often it does what, such as ``dies=0.25,garbage=0.02``,
and ``STAND_IN_LATE`` after how many seconds a late answer comes. All that share the folder
``STAND_IN_ONCE`` do each job wrong once at most.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from blender_addon.contract import wire  # noqa: E402
from blender_addon.contract.frames import Frame, frame_to_message  # noqa: E402
from blender_addon.contract.version import ADDON_VERSION  # noqa: E402

FAULTS = ("dies", "hangs", "garbage", "twice", "late", "another", "error")


def frame_of(seed: int, width: int, height: int) -> Frame:
    """The picture of a scene, a function of its seed and size alone."""
    source = np.random.default_rng(seed)
    return Frame(
        image=source.integers(0, 256, (height, width, 3), dtype=np.uint8),
        index=np.zeros((height, width), np.uint16),
        depth=source.random((height, width), dtype=np.float32),
        intrinsics=np.eye(3),
        pose=np.eye(4),
        labels=(),
    )


def answer(job: wire.Message) -> wire.Message:
    settings, scene = job.body["settings"], job.body["scene"]
    labels, arrays = frame_to_message(
        frame_of(scene["seed"], settings["width"], settings["height"])
    )
    return wire.Message("frame", {"job": job.body["job"], **labels}, arrays)


def chosen_fault(faults: dict[str, float], source: random.Random) -> str:
    at = source.random()
    for name, share in faults.items():
        at -= share
        if at < 0:
            return name
    return ""


def is_the_first(seed: int) -> bool:
    """Whether no stand-in has had this scene before; always where they share no folder."""
    folder = os.environ.get("STAND_IN_ONCE")
    if not folder:
        return True
    try:
        (Path(folder) / str(seed)).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def garbage(right: wire.Message, source: random.Random) -> wire.Message:
    """An answer to the job that is none."""
    body, arrays = dict(right.body), dict(right.arrays)
    choice = source.randrange(6)
    if choice == 0:
        arrays["image"] = arrays["image"][:, :-1]
    elif choice == 1:
        arrays["image"] = arrays["image"].astype(np.float64)[..., :2]
    elif choice == 2:
        del arrays["depth"]
    elif choice == 3:
        body["labels"] = [{"node": 3}]
    elif choice == 4:
        body["labels"] = None
    else:
        return wire.Message("pong", {"job": body["job"]})
    return wire.Message("frame", body, arrays)


def misbehave(connection: wire.Connection, job: wire.Message, fault: str,
              source: random.Random) -> None:  # fmt: skip
    right = answer(job)
    if fault == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    elif fault == "hangs":
        time.sleep(3600)
    elif fault == "garbage" and source.random() < 0.3:
        connection._socket.sendall(source.randbytes(source.randrange(1, 200)))
        connection.close()
        sys.exit(1)
    elif fault == "garbage":
        connection.send(garbage(right, source))
    elif fault == "twice":
        connection.send(right)
        connection.send(right)
    elif fault == "late":
        time.sleep(float(os.environ["STAND_IN_LATE"]))
        connection.send(right)
    elif fault == "another":
        connection.send(wire.Message("frame", {**right.body, "job": 10**9}, right.arrays))
    elif fault == "error":
        reason = {"job": job.body["job"], "reason": "no memory", "traceback": "line 1"}
        connection.send(wire.Message("error", reason))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--connect", required=True)
    parser.add_argument("--threads")
    options = parser.parse_args()
    host, _, port = options.connect.rpartition(":")
    named = (part.split("=") for part in os.environ.get("STAND_IN_FAULTS", "").split(",") if part)
    faults = {name: float(share) for name, share in named}
    assert set(faults) <= set(FAULTS)
    source = random.Random(f"{os.environ.get('STAND_IN_SEED', '0')}/{os.getpid()}/{time.time_ns()}")
    try:
        with wire.connect((host, int(port)), os.environ["METASIM_TOKEN"]) as connection:
            hello = {"protocol": wire.PROTOCOL, "addon_version": ADDON_VERSION, "pid": os.getpid()}
            connection.send(wire.Message("hello", hello))
            assert connection.receive(wait=60).kind == "welcome"
            while (job := connection.receive()).kind != "stop":
                fault = chosen_fault(faults, source)
                if fault and is_the_first(job.body["scene"]["seed"]):
                    misbehave(connection, job, fault, source)
                else:
                    connection.send(answer(job))
    except wire.WireError:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""A worker pool in a process of its own, whose jobs honest workers do while others misbehave.

It prints the pool's port, then gives out jobs until its standard input ends, and prints how many
came back right.
"""

from __future__ import annotations

import os
import sys
import threading

from metasim_backend.rendering.workers import WorkerPool, WorkerSettings


def main() -> None:
    ended = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    settings = WorkerSettings(count=0, token=os.environ["POOL_TOKEN"], job_timeout=60)
    done = 0
    with WorkerPool(settings) as pool:
        print(pool.address[1], flush=True)
        while not ended.is_set():
            some = [pool.submit("render", {"value": done + i}, f"job {i}") for i in range(8)]
            for future in some:
                assert future.result(120).body["value"] == done
                done += 1
            print(f"done {done}", flush=True)
            ended.wait(0.01)


if __name__ == "__main__":
    main()

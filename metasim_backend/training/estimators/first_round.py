"""The first round of matching on a surrogate, taken over from another run.

Its renders, reader and surrogate do not depend on the target. So runs with equal grammar, settings
and seed, but for the target, share them.
"""

from __future__ import annotations

import shutil

from metasim_backend.run_files.run_folder import RunFolder

NETWORKS = ("reader_0", "surrogate_0")


def take_over_first_round(run: RunFolder, earlier: RunFolder) -> bool:
    """Copy what the first round made, unless it is there; False when there is nothing to copy.

    Both runs must have the same grammar, seed and settings; the caller knows.
    """
    if not all(earlier.has_checkpoint(name) for name in NETWORKS):
        return False
    renders = run.renders / "round_0"
    if not renders.exists():
        temporary = run.renders / ".round_0.part"
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.copytree(earlier.renders / "round_0", temporary)
        temporary.replace(renders)
    for name in NETWORKS:
        if not run.has_checkpoint(name):
            content = earlier.load_checkpoint(name)
            assert content is not None
            run.save_checkpoint(content, name)
    return True

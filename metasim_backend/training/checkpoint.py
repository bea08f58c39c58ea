"""A run's checkpoints: all that it takes to go on as if nothing had happened."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from blender_addon.contract.camera_model import CameraModel
from metasim_backend.training.structure_phase import LEARN, PRETRAIN

if TYPE_CHECKING:
    from metasim_backend.training.loop import Run


def save_run(run: Run) -> None:
    """The run as it is now, into its folder."""
    state: dict = {
        "transformer": run.scenes.transformer.state_dict(),
        "camera_model": run.camera_model.to_dict(),
        "done": dict(run.done),
        "seconds": dict(run.seconds),
        "baseline": run.baseline.value,
        "optimiser_phase": run.optimiser_phase,
        "optimiser": run.optimiser.state_dict() if run.optimiser else None,
        "task_network": run.task_network.state_dict() if run.task_network else None,
    }
    if run.structure is not None:
        state["structure"] = run.structure.state()
    run.folder.save_checkpoint(state)


def keep_generator(run: Run, phase: str) -> None:
    """The generator as it is after a phase, so that phases can be compared. What was kept after
    the same step stays: a resumed run comes by again, with what later phases have made of it."""
    kept = run.folder.load_checkpoint(f"after_{phase}")
    if kept is not None and kept.get("done", {}).get(phase) == run.done[phase]:
        return
    state: dict = {"transformer": run.scenes.transformer.state_dict(), "done": dict(run.done)}
    if run.structure is not None:
        state["structure"] = run.structure.state()
    run.folder.save_checkpoint(state, f"after_{phase}")


def restore_run(run: Run) -> bool:
    """Put a fresh run into the state that its folder holds; False when it holds none."""
    state = run.folder.load_checkpoint()
    if state is None:
        run.metrics.keep_until({})
        return False
    run.scenes.transformer.load_state_dict(state["transformer"])
    if "camera_model" in state:
        run.use_camera(CameraModel.from_dict(state["camera_model"]))
    run.done |= {k: v for k, v in state["done"].items() if k in run.done}
    run.seconds |= {k: v for k, v in state["seconds"].items() if k in run.seconds}
    run.baseline = replace(run.baseline, value=state["baseline"])
    if run.structure is not None:
        run.structure.restore(state["structure"])
    if state["optimiser"] is not None:
        # Which parameters a phase's optimiser holds depends on whether the encoder is frozen.
        phase = state["optimiser_phase"]
        if phase not in ("pretrain", PRETRAIN, LEARN):
            run.freeze()
        if run.structure is not None and phase in (PRETRAIN, LEARN):
            own = list(run.structure.network.parameters())
            run.optimiser_of(phase, own, 1e-3).load_state_dict(state["optimiser"])
        else:
            run.transformer_optimiser(phase, 1e-3).load_state_dict(state["optimiser"])
    if state["task_network"] is not None:
        run.known_task_network().load_state_dict(state["task_network"])
    run.metrics.keep_until(run.done)
    return True

"""A run's checkpoints: all that it takes to go on as if nothing had happened."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from blender_addon.contract.camera_model import CameraModel
from metasim_backend.training.services import Services
from metasim_backend.training.state import State, load_learned
from metasim_backend.training.task_network import new_task_network


def save_state(state: State, services: Services) -> None:
    """The state as it is now, into the run's folder."""
    optimiser = state.optimiser.state_dict() if state.optimiser else state.optimiser_state
    services.folder.save_checkpoint(
        generator_of(state)
        | {
            "camera_model": state.camera_model.to_dict(),
            "seconds": dict(state.seconds),
            "baseline": state.baseline.value,
            "optimiser_phase": state.optimiser_of,
            "optimiser": optimiser,
            "task_network": state.task_network.state_dict() if state.task_network else None,
        }
    )


def keep_generator(state: State, services: Services, stage: str) -> None:
    """The generator as it is after a stage, so that stages can be compared. What was kept after
    the same step stays: a resumed run comes by again, with what later stages have made of it."""
    kept = services.folder.load_checkpoint(f"after_{stage}")
    if kept is None or kept.get("done", {}).get(stage) != state.steps[stage]:
        services.folder.save_checkpoint(generator_of(state), f"after_{stage}")


def generator_of(state: State) -> dict[str, Any]:
    """What a checkpoint holds of the generator."""
    saved = {"transformer": state.scenes.transformer.state_dict(), "done": dict(state.steps)}
    if state.structure is not None:
        saved["structure"] = {
            "network": state.structure.state_dict(),
            "baseline": state.structure_baseline.value,
        }
    return saved


def restore_state(state: State, services: Services) -> bool:
    """Put a fresh state where the run's folder has it; False when that holds none."""
    saved = services.folder.load_checkpoint()
    if saved is None:
        return False
    with services.folder.used():
        _restore(state, services, saved)
    return True


def _restore(state: State, services: Services, saved: dict[str, Any]) -> None:
    load_learned(state.scenes, state.structure, saved, services.settings.structure)
    if "camera_model" in saved:
        state.camera_model = CameraModel.from_dict(saved["camera_model"])
    state.steps |= {name: done for name, done in saved["done"].items() if name in state.steps}
    state.seconds |= {k: v for k, v in saved["seconds"].items() if k in state.seconds}
    state.baseline = replace(state.baseline, value=saved["baseline"])
    if state.structure is not None:
        state.structure_baseline = replace(
            state.structure_baseline, value=saved["structure"]["baseline"]
        )
    state.optimiser_of, state.optimiser_state = saved["optimiser_phase"], saved["optimiser"]
    if saved["task_network"] is not None:
        state.task_network = new_task_network(services.settings, services.grammar.domain)
        state.task_network.load_state_dict(saved["task_network"])

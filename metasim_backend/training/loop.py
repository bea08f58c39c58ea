"""A run from start to finish, or from wherever it was interrupted."""

from __future__ import annotations

from metasim_backend.training.checkpoint import keep_generator, restore_state, save_state
from metasim_backend.training.plan import Plan, make_plan
from metasim_backend.training.seeds import derive_seed
from metasim_backend.training.services import Services
from metasim_backend.training.state import State, new_state, timed

PRIOR_SCENES = 200


def train(services: Services) -> State:
    """Do what the run's plan says and is not done yet.

    Returns:
        the state after it.

    Raises:
        RunFolderError: another process is at it.
    """
    with services.folder.owned():
        plan = make_plan(services.settings)
        state = open_state(services, plan)
        for stage in plan:
            if not stage.is_done(state):
                with timed(state, services, stage.phase):
                    stage.run(state, services)
                if stage.has_steps:
                    save_state(state, services)
            if stage.has_steps:
                keep_generator(state, services, stage.name)
        services.metrics.close()
        return state


def open_state(services: Services, plan: Plan) -> State:
    """The state as the run's folder has it, or that of a new run."""
    state = new_state(services, [stage.name for stage in plan if stage.has_steps])
    if not restore_state(state, services):
        seeds = [derive_seed(services.settings.seed, "prior", i) for i in range(PRIOR_SCENES)]
        state.scenes.transformer.fit_prior(state.scenes.propose(seeds).batch)
    services.metrics.keep_until(state.steps)
    return state

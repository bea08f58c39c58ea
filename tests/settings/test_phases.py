"""The phases that settings know are those that the panel and the report name."""

from blender_addon.contract.phases import PHASES as NAMED
from metasim_backend.settings import PHASES, TrainSettings
from metasim_backend.training.plan import PHASES as PLANNED


def test_settings_plan_and_panel_know_the_same_phases():
    names = tuple(phase.name for phase in NAMED)
    assert names == PHASES
    assert set(PLANNED) == set(names)
    assert TrainSettings().phases == tuple(phase.name for phase in NAMED if phase.by_default)

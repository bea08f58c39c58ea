"""What the settings of the 2-D experiments on attributes have in common."""

from __future__ import annotations

from collections.abc import Mapping

Groups = dict[str, dict[str, object]]

SETTINGS: Groups = {
    "features": {
        "network": "prior",
        "scenes": 8000,
        "epochs": 4,
        "widen": "range",
        "least_explained": 0.1,
        "rounds": 3,
    },
    "pretrain": {"steps": 100, "batch": 64, "scenes": 500},
    "match": {
        "steps": 600,
        "batch": 64,
        "learning_rate": 0.004,
        "fraction": 1.0,
        "report_every": 10,
        "hold_spread": True,
    },
    "task": {
        "epochs": 10,
        "scenes": 256,
        "network_steps": 20,
        "learning_rate": 1e-4,
        "match_weight": 1.0,
    },
    "evaluation": {"scenes": 400, "pictures": 8, "followed": 8},
}


def changed(settings: Groups, **groups: Mapping[str, object]) -> Groups:
    """The settings with some of some groups."""
    return {**settings, **{name: {**settings[name], **group} for name, group in groups.items()}}

"""Driving: are hidden settings found, and by which estimator?"""

from __future__ import annotations

from metasim_backend.experiments.driving_truth import DrivingTruth
from metasim_backend.experiments.goals import row_goal

EXPERIMENTS = (
    DrivingTruth(
        name="driving-truth",
        title="Driving: hidden settings are found",
        about="How near each attribute comes to hidden truths, and how near it can come.",
        metric="Wasserstein-1 to the truth as a share of the prior's",
        rows={
            "off": "off (the grammar alone)",
            "bound": "the matched pictures' true attributes",
            "surrogate": "surrogate of what a reader reads",
        },
        differences=(("surrogate", "off"), ("surrogate", "bound")),
        grammar="driving.yaml",
        truths={
            "evening": "demo_target.yaml",
            "lorry": "driving_truth_lorry.yaml",
            "wide": "driving_truth_wide.yaml",
        },
        settings={
            "phases": ["pretrain", "match"],
            "evaluation": {"scenes": 60},
            "detector": {"compare_steps": 0},
        },
        row_settings={
            "surrogate": {
                "rendering": {"width": 320, "height": 192},
                "features": {"network": "efficientnet_lite0"},
                "match": {"estimator": "surrogate"},
            },
        },
        goals=(
            row_goal("surrogate", "median ratio", "≤", 0.25, "median W1 ratio", mean=True),
            row_goal(
                "surrogate", "ratio ≤ 0.25, %", "≥", 60, "attributes found", unit="%", mean=True
            ),
            row_goal(
                "surrogate", "ratio ≤ 0.5, %", "≥", 80, "at least halfway", unit="%", mean=True
            ),
            row_goal("surrogate", "nearer, %", "≥", 95, "nearer at all", unit="%", mean=True),
            row_goal(
                "surrogate", "deviation found, %", "≥", 70, "right deviations", unit="%", mean=True
            ),
            row_goal(
                "surrogate",
                "worst drift of others",
                "≤",
                0.15,
                "farthest drift of an attribute that is the prior's, in its deviations",
            ),
        ),
    ),
)

"""Seeds that a result file already holds, so that a run's folder may be gone and the work not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from metasim_backend.grammar import load_grammar
from metasim_backend.reproduction.experiments import Experiment
from metasim_backend.reproduction.structure_experiments import StructureExperiment
from metasim_backend.settings import without_younger
from metasim_backend.training.run_config import resolve_settings

EACH = "each_seed"
KEY = "made_with"


def experiment_key(experiment: Experiment, overrides: Sequence[str], *, long: bool) -> str:
    """A short name for all that is asked for: both grammars, the settings and the budget.

    Results of equal keys may stand in one table; the seed is no part of it, nor are the settings
    of learning structures where none are learned.
    """
    grammar, hidden = load_grammar(experiment.grammar_file), load_grammar(experiment.target_file)
    settings = resolve_settings(grammar, overrides, dict(experiment.settings))
    budget = experiment.long_budget if long else experiment.budget
    used = without_younger(settings)
    if "structure" not in settings.phases:
        del used["structure"]
    return short_name(
        {
            "grammar": grammar.to_dict(),
            "target": hidden.to_dict(),
            "settings": used,
            "budget": None if budget is None else asdict(budget),
        }
    )


def structure_key(experiment: StructureExperiment, overrides: Sequence[str]) -> str:
    """The same for an experiment on structure."""
    grammar, hidden = load_grammar(experiment.grammar_file), load_grammar(experiment.target_file)
    settings = resolve_settings(grammar, overrides, dict(experiment.settings))
    return short_name(
        {
            "grammar": grammar.to_dict(),
            "target": hidden.to_dict(),
            "settings": without_younger(settings),
            "pictures": experiment.pictures,
            "quantities": [asdict(quantity) for quantity in experiment.quantities],
        }
    )


def short_name(wanted: Mapping[str, Any]) -> str:
    """Equal for equal plain data."""
    text = json.dumps(wanted, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def kept_seeds(output: Path, key: str) -> dict[int, dict]:
    """The finished seeds of a result file, by seed; none when it was made with something else."""
    try:
        record = json.loads(output.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(record, dict) or record.get(KEY) != key:
        return {}
    return {int(seed): content for seed, content in record.get(EACH, {}).items()}


def with_each_seed(record: Mapping[str, Any], seeds: Mapping[int, dict], key: str) -> dict:
    """The record with each seed's own result, from which it can be made again."""
    return {**record, KEY: key, EACH: {str(seed): content for seed, content in seeds.items()}}

"""Scene grammars: read and check a file, sample scenes, check scenes.

The encoding for torch_geometric is in :mod:`metasim_backend.grammar.encoding`, which is not
imported here: sampling needs no torch.
"""

from metasim_backend.grammar.conditions import (
    CountBetween,
    NoCollision,
    NoOverlap,
    failed_conditions,
)
from metasim_backend.grammar.fitting import check_scene
from metasim_backend.grammar.language import AttributeSpec, ClassSpec, Grammar, GrammarError
from metasim_backend.grammar.reading import grammar_from_dict, load_grammar, with_overrides
from metasim_backend.grammar.rules import Item, Rule
from metasim_backend.grammar.samples import attribute_samples
from metasim_backend.grammar.sampling import (
    RuleChoice,
    SkeletonNode,
    expand,
    sample_attributes,
    sample_scene,
    sample_structure,
    structure_failures,
)

__all__ = [
    "AttributeSpec",
    "ClassSpec",
    "CountBetween",
    "Grammar",
    "GrammarError",
    "Item",
    "NoCollision",
    "NoOverlap",
    "Rule",
    "RuleChoice",
    "SkeletonNode",
    "attribute_samples",
    "check_scene",
    "expand",
    "failed_conditions",
    "grammar_from_dict",
    "load_grammar",
    "sample_attributes",
    "sample_scene",
    "sample_structure",
    "structure_failures",
    "with_overrides",
]

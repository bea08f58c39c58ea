"""Users' own models take part in a grammar: one more category of their class's ``model``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from blender_addon.contract.catalogue import Asset
from metasim_backend.grammar.language import AttributeSpec, Grammar
from metasim_backend.grammar.priors import Choice, Constant

ATTRIBUTE = "model"


def with_own_models(grammar: Grammar, assets: Sequence[Asset]) -> Grammar:
    """The grammar in which each asset may be drawn where its class's prior draws the model.

    An asset of weight 1 is drawn as often as the others in the mean. Rules that set a class's
    models keep to theirs. What the grammar knows already stays as it is.

    Args:
        assets: from :func:`blender_addon.contract.catalogue.user_assets`.
    """
    classes = []
    for spec in grammar.classes:
        own = [one for one in assets if one.class_name == spec.name]
        attributes = tuple(
            _extended(one, own) if one.name == ATTRIBUTE and one.kind == "categorical" else one
            for one in spec.attributes
        )
        classes.append(replace(spec, attributes=attributes))
    return replace(grammar, classes=tuple(classes))


def _extended(attribute: AttributeSpec, assets: Sequence[Asset]) -> AttributeSpec:
    new = [one for one in assets if one.name not in attribute.values]
    if not new:
        return attribute
    prior = attribute.prior
    if isinstance(prior, Constant) and isinstance(prior.value, str):
        weights: tuple[tuple[str, float], ...] = ((prior.value, 1.0),)
    elif isinstance(prior, Choice):
        weights = prior.weights
    else:
        weights = ()  # a prior that depends on the parent: the file's author decides
    values = (*attribute.values, *(one.name for one in new))
    if not weights:
        return replace(attribute, values=values)
    mean = sum(weight for _, weight in weights) / len(weights)
    more = tuple((one.name, one.weight * mean) for one in new)
    return replace(attribute, values=values, prior=Choice((*weights, *more)))

"""Scenes whose things the transformer moved into each other, taken apart again."""

from __future__ import annotations

from blender_addon.contract.scene_graph import Node, SceneGraph
from metasim_backend.grammar.conditions import NoCollision
from metasim_backend.grammar.footprints import collisions
from metasim_backend.grammar.language import Grammar
from metasim_backend.grammar.priors import AttributeValue

# How much of its way a thing keeps, tried in this order.
SHARES = (1.0, 0.75, 0.5, 0.25, 0.0)


def separated(grammar: Grammar, before: SceneGraph, after: SceneGraph) -> SceneGraph:
    """The transformed scene with colliding things moved back towards where the prior had them.

    Again and again the later of two things that stand in each other (the earlier, when the later
    is back already) goes a quarter of its way back, until none do. What still collides where the
    prior had it, as it can on a road that the transformer made narrower, is left there.

    Args:
        grammar: its ``no_collision`` conditions say which classes count; without one nothing is
            changed.
        before: the prior's scene, which meets them.
        after: the same scene transformed.
    """
    classes = {name for c in grammar.conditions if isinstance(c, NoCollision) for name in c.classes}
    backed: dict[str, int] = {}
    scene = after
    while classes:
        moved = set()
        for later, earlier in collisions(scene, classes):
            for name in (later, earlier):
                if name in moved:
                    break
                if backed.get(name, 0) < len(SHARES) - 1 and before.node(name) != after.node(name):
                    backed[name] = backed.get(name, 0) + 1
                    moved.add(name)
                    break
        if not moved:
            return scene
        changes = {
            name: _between(grammar, before.node(name), after.node(name), SHARES[backed[name]])
            for name in moved
        }
        scene = scene.with_attributes(changes)
    return scene


def _between(
    grammar: Grammar, before: Node, after: Node, share: float
) -> dict[str, AttributeValue]:
    """A node's attributes with its numbers a share of the way from before to after."""
    values = dict(after.attributes)
    for spec in grammar.class_by_name[after.class_name].attributes:
        if not spec.mutable or spec.kind not in ("continuous", "circular"):
            continue
        start, end = float(before.attributes[spec.name]), float(after.attributes[spec.name])
        way = end - start
        if spec.period:
            way = (way + spec.period / 2) % spec.period - spec.period / 2
        values[spec.name] = spec.fit(start + share * way)
    return values

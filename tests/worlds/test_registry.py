"""Which renderer shows which world."""

from pathlib import Path

import pytest

from metasim_backend.datasets.readers.mnist import LABELS as DIGITS
from metasim_backend.datasets.writers.writer import CLASSES
from metasim_backend.grammar import load_grammar, sample_scene
from metasim_backend.rendering.renderer import RendererSetupError
from metasim_backend.worlds.registry import WORLDS, open_renderer, world_of


def test_every_world_has_an_engine():
    assert world_of("driving").engines[0] == "cycles"
    for domain, world in WORLDS.items():
        assert world_of(domain) is world and world.domain == domain
        assert world.usual.engine == world.engines[0]


def test_an_unknown_world_is_named_with_the_known_ones():
    with pytest.raises(RendererSetupError, match="'lunar'.*driving"):
        open_renderer("lunar")


def test_the_aerial_world_opens_without_any_data():
    renderer = open_renderer("aerial2d")
    assert renderer.name == "aerial2d"
    renderer.close()


def test_data_sets_name_every_class_that_a_world_labels():
    assert world_of("driving").labels == tuple(CLASSES) and world_of("mnist").labels == DIGITS
    grammar = load_grammar(Path(__file__).parents[2] / "scenes/aerial2d.yaml")
    scenes = [sample_scene(grammar, seed) for seed in range(8)]
    frames = open_renderer("aerial2d").render(scenes, [grammar.render] * 8)
    assert {label.class_name for f in frames for label in f.labels} == set(
        world_of("aerial2d").labels
    )

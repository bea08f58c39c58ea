"""Which renderer shows which world."""

import pytest

from metasim_backend.rendering.renderer import RendererSetupError
from metasim_backend.rendering.worlds import ENGINES, engines_of, open_renderer


def test_every_world_has_an_engine():
    assert engines_of("driving")[0] == "cycles"
    for domain, engines in ENGINES.items():
        assert engines_of(domain) == engines and engines


def test_an_unknown_world_is_named_with_the_known_ones():
    with pytest.raises(RendererSetupError, match="'lunar'.*driving"):
        open_renderer("lunar")


def test_the_aerial_world_opens_without_any_data():
    renderer = open_renderer("aerial2d")
    assert renderer.name == "aerial2d"
    renderer.close()

import numpy as np
import pytest
import torch

from metasim_backend.distances.frechet import frechet_distance, kernel_distance
from metasim_backend.distances.mmd import MatchingError, median_bandwidths, mmd2_unbiased
from metasim_backend.distances.resampled import InnerProducts


@pytest.fixture(params=[7, 200], ids=["fewer dimensions than pictures", "more"])
def features(request: pytest.FixtureRequest) -> tuple[torch.Tensor, torch.Tensor]:
    source = torch.Generator().manual_seed(3)
    x = torch.randn(60, request.param, generator=source)
    return x, 0.5 + 1.7 * torch.randn(40, request.param, generator=source)


def test_inner_products_give_the_distances(features: tuple) -> None:
    x, y = features
    products = InnerProducts.of(x, y)
    assert products.kernel_distance() == pytest.approx(float(kernel_distance(x, y)), rel=1e-9)
    assert products.frechet_distance() == pytest.approx(float(frechet_distance(x, y)), rel=1e-9)
    bandwidths = median_bandwidths(y.double())
    assert products.bandwidths().tolist() == pytest.approx(bandwidths.tolist(), rel=1e-9)
    expected = float(mmd2_unbiased(x.double(), y.double(), bandwidths))
    assert products.mmd2(products.bandwidths()) == pytest.approx(expected, rel=1e-9)


def test_a_choice_has_the_distances_of_the_chosen_pictures(features: tuple) -> None:
    x, y = features
    rng = np.random.default_rng(0)
    rows, columns = rng.integers(60, size=50), rng.integers(40, size=30)
    chosen = InnerProducts.of(x, y).chosen(rows, columns)
    own = x[torch.from_numpy(rows)], y[torch.from_numpy(columns)]
    assert chosen.kernel_distance() == pytest.approx(float(kernel_distance(*own)), rel=1e-9)
    assert chosen.frechet_distance() == pytest.approx(float(frechet_distance(*own)), rel=1e-9)
    bandwidths = torch.tensor([3.0, 9.0])
    expected = float(mmd2_unbiased(own[0].double(), own[1].double(), bandwidths))
    assert chosen.mmd2(bandwidths) == pytest.approx(expected, rel=1e-9)


def test_sets_of_different_dimension_are_refused() -> None:
    with pytest.raises(MatchingError, match="cannot be compared"):
        InnerProducts.of(torch.zeros(3, 2), torch.zeros(3, 4))

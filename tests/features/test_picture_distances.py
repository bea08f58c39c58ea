from pathlib import Path

import pytest
import torch
from torch.nn import functional
from torchvision import models

from metasim_backend.distances.frechet import frechet_distance, kernel_distance
from metasim_backend.distances.mmd import MatchingError
from metasim_backend.features.extractor import build_features
from metasim_backend.features.picture_distances import inception_pool, picture_distances
from metasim_backend.features.prior_network import PriorNetwork, Sizes


def pictures(count: int, seed: int) -> torch.Tensor:
    return torch.rand(count, 3, 40, 64, generator=torch.Generator().manual_seed(seed))


def test_on_inception_they_are_fid_and_kid_of_its_last_pooling_layer(tmp_path: Path) -> None:
    torch.manual_seed(0)
    inception = models.inception_v3(weights=None, init_weights=False, transform_input=False).eval()
    path = tmp_path / "inception.pth"
    torch.save(inception.state_dict(), path)
    x, y = pictures(3, 1), pictures(4, 2)
    extractor = build_features(path)
    found = picture_distances(extractor, x, y)

    inception.fc = torch.nn.Identity()  # what comes before it is the last pooling layer
    with torch.no_grad():
        first, second = (
            inception(functional.interpolate((own - 0.5) / 0.5, (299, 299), mode="bilinear"))
            for own in (x, y)
        )
    assert (found.frechet_name, found.kernel_name) == ("FID", "KID")
    torch.testing.assert_close(inception_pool(extractor.network, x), first, rtol=1e-3, atol=1e-5)
    assert found.frechet == pytest.approx(float(frechet_distance(first, second)), rel=1e-3)
    assert found.kernel == pytest.approx(float(kernel_distance(first, second)), rel=1e-3, abs=1e-9)


def test_on_other_features_they_are_not_called_so() -> None:
    extractor = build_features("prior", prior=PriorNetwork(Sizes(2, 1, 2)))
    x, y = pictures(5, 1), pictures(6, 2)
    found = picture_distances(extractor, x, (y * 255).to(torch.uint8))
    assert "FID" not in str(found) and "KID" not in str(found)
    assert f"on {extractor.name}, 5 against 6 pictures" in str(found)
    alike = extractor.extract(x), extractor.extract((y * 255).to(torch.uint8))
    assert found.frechet == pytest.approx(float(frechet_distance(*alike)))


def test_one_picture_has_no_distance() -> None:
    extractor = build_features("prior", prior=PriorNetwork(Sizes(2, 1, 2)))
    with pytest.raises(MatchingError, match="at least 2"):
        picture_distances(extractor, pictures(1, 1), pictures(3, 2))

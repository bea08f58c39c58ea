import json
import os
import socket
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional
from torchvision import models

from metasim_backend.features import extractor as features_module
from metasim_backend.features.extractor import FeaturesError, build_features
from metasim_backend.features.prior_network import PriorNetwork, Sizes
from metasim_backend.networks import weights_download
from metasim_backend.networks.imagenet import file_network
from metasim_backend.networks.weights_download import DownloadError, cached_or_downloaded

DATA = Path(os.environ.get("METASIM_DATA", Path(__file__).parents[3] / "shared" / "data"))
WEIGHTS = DATA / "weights"
needs_weights = pytest.mark.skipif(not WEIGHTS.is_dir(), reason=f"no weights in {WEIGHTS}")


def pictures(count, height=48, width=80, seed=0):
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def resnet_file(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "resnet18.pth"
    torch.save(models.resnet18().state_dict(), path)
    return path


def test_a_resnet_state_dict_is_recognised_and_its_last_stage_is_torchvisions(resnet_file):
    extractor = build_features(resnet_file)
    assert "resnet18" in extractor.name and "resnet18.pth" in extractor.name
    assert extractor.dimension == 8 * (128 + 256) + 512
    network = models.resnet18()
    network.load_state_dict(torch.load(resnet_file, weights_only=True))
    network.fc = torch.nn.Identity()
    x = pictures(2, 96, 160)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    expected = network.eval()((x - mean.view(3, 1, 1)) / std.view(3, 1, 1))
    torch.testing.assert_close(extractor(x)[:, -512:] * 512**0.5, expected)


def test_gradients_flow_to_the_picture_and_to_nothing_else(resnet_file):
    extractor = build_features(resnet_file)
    x = pictures(2).requires_grad_()
    extractor(x).square().sum().backward()
    assert float(x.grad.abs().min()) >= 0 and float(x.grad.abs().mean()) > 0
    assert not any(p.requires_grad for p in extractor.parameters())
    assert not extractor.train().training and not extractor.network.training


def test_fitted_scale_standardises_and_gives_stages_equal_say(resnet_file):
    reference = (pictures(40) * 255).to(torch.uint8)
    extractor = build_features(resnet_file).fit_scale(reference, batch_size=16)
    found = extractor.extract(reference)
    torch.testing.assert_close(found.mean(0), torch.zeros(extractor.dimension), atol=1e-4, rtol=0)
    parts = found.split(extractor.stage_dimensions, dim=1)
    spreads = [float(part.var(0).sum()) for part in parts]
    assert all(0.5 < s <= 1.0 for s in spreads)
    other = build_features(resnet_file)
    other.load_state_dict(extractor.state_dict())
    assert torch.equal(other.extract(reference), found)


def test_a_moved_patch_changes_features_though_the_global_average_stays(resnet_file):
    left = torch.full((1, 3, 96, 160), 0.5)
    left[:, :, 40:60, 20:50] = 1.0
    right = left.flip(3)
    extractor = build_features(resnet_file)
    a, b = extractor(left), extractor(right)
    grid = slice(0, sum(extractor.stage_dimensions[:2]))
    assert float((a - b)[:, grid].norm()) > 3 * float((a - b)[:, grid.stop :].norm())


def test_prior_choice_trains_only_when_needed_and_reads_saved_files(tmp_path, resnet_file):
    calls = []

    def train():
        calls.append(1)
        return PriorNetwork(Sizes(3, 1, 1)).eval()

    build_features(resnet_file, prior=train)
    assert not calls
    extractor = build_features("prior", prior=train)
    assert calls and "prior's own renders" in extractor.name
    path = tmp_path / "prior.pt"
    extractor.network.save(path)
    x = pictures(2)
    assert torch.equal(build_features(path)(x), extractor(x))
    with pytest.raises(FeaturesError, match="none was given"):
        build_features("prior")


def test_auto_falls_back_to_the_prior_without_a_network(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(weights_download, "urlopen", lambda *_, **__: _raise(OSError("no route")))
    extractor = build_features("auto", prior=PriorNetwork(Sizes(2, 1, 1)))
    assert "prior's own renders" in extractor.name
    with pytest.raises(FeaturesError, match="resnet50.*no route.*features 'prior'"):
        build_features("resnet50")


def _raise(error):
    raise error


def test_auto_uses_cached_weights(monkeypatch, tmp_path, resnet_file):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    cached = tmp_path / "hub" / "checkpoints" / "resnet18-f37072fd.pth"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(resnet_file.read_bytes())
    monkeypatch.setattr(features_module, "AUTO_NETWORK", "resnet18")
    assert "IMAGENET1K_V1" in build_features("auto").name


def test_a_server_that_never_answers_is_given_up_and_a_wrong_file_refused(tmp_path, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/net-00000000.pth"
        begun = time.monotonic()
        with pytest.raises(DownloadError, match=r"net-00000000\.pth is not in"):
            cached_or_downloaded(url, first_answer=0.3, folder=tmp_path)
        assert time.monotonic() - begun < 3
    file = tmp_path / "served-12345678.pth"
    file.write_bytes(b"not it")
    target = tmp_path / "cache"
    with pytest.raises(DownloadError, match="SHA-256"):
        cached_or_downloaded(file.as_uri(), folder=target)
    assert list(target.iterdir()) == []


def test_unknown_choices_and_bad_files_give_one_sentence(tmp_path, resnet_file):
    with pytest.raises(FeaturesError, match="Unknown features 'resnet51'"):
        build_features("resnet51")
    with pytest.raises(FeaturesError, match=r"missing\.pth does not exist"):
        build_features(tmp_path / "missing.pth")
    text = tmp_path / "text.pth"
    text.write_text("hello")
    with pytest.raises(FeaturesError, match="cannot be read"):
        build_features(text)
    torch.save({"a": torch.zeros(1)}, text)
    with pytest.raises(FeaturesError, match="no network that is known"):
        build_features(text)
    state = torch.load(resnet_file, weights_only=True)
    del state["layer3.0.conv1.weight"]
    torch.save(state, text)
    with pytest.raises(FeaturesError, match=r"layer3\.0\.conv1\.weight is missing"):
        build_features(text)
    with pytest.raises(ValueError, match="not .B, 3, H, W. floats"):
        build_features(resnet_file)(torch.zeros(1, 3, 32, 32, dtype=torch.uint8))
    with pytest.raises(FeaturesError, match="equal features"):
        build_features(resnet_file).fit_scale(torch.zeros(3, 3, 48, 80))


@pytest.mark.parametrize(
    "name",
    [
        "resnet34",
        "resnet50",
        "mobilenet_v2",
        "mobilenet_v3_large",
        "squeezenet1_1",
        "vgg16",
        "inception_v3",
    ],
)
def test_every_family_is_told_by_its_keys(name, tmp_path):
    with torch.device("meta"):
        options = {"init_weights": False} if name == "inception_v3" else {}
        state = getattr(models, name)(weights=None, **options).state_dict()
    # Zeros of full shape that share one number, so that nothing large is written or drawn.
    state = {k: torch.zeros((), dtype=v.dtype).expand(v.shape) for k, v in state.items()}
    path = tmp_path / "weights.pth"
    torch.save(state, path)
    network = file_network(path)
    assert name in network.described
    with torch.no_grad():
        stages = network(pictures(1, 96, 160))
    assert [stage.ndim for stage in stages] == [4, 4, 4]
    assert stages[0].shape[-1] >= stages[1].shape[-1] >= stages[2].shape[-1] >= 2


# First names of ImageNet's classes, whole words: parts of words are found in many others.
VEHICLES = {
    "ambulance", "beach wagon", "cab", "convertible", "jeep", "limousine", "minibus", "minivan",
    "model T", "moving van", "passenger car", "pickup", "police van", "racer", "sports car",
    "recreational vehicle", "tow truck", "trailer truck", "garbage truck", "car wheel", "grille",
    "car mirror",
}  # fmt: skip


@needs_weights
@pytest.mark.skipif(not (DATA / "kitti").is_dir(), reason=f"no KITTI pictures in {DATA}")
def test_mobilenet_from_tensorflow_sees_vehicles_in_pictures_of_cars():
    crops = DATA / "kitti" / "crops352" / "val"
    labels = (WEIGHTS / "imagenet_labels_1001.txt").read_text().splitlines()
    path = WEIGHTS / "mobilenet_v2_imagenet_1001.pth"
    network = file_network(path)
    state = torch.load(path, weights_only=True)
    boxes = [
        (name, box)
        for name, entry in json.loads((crops / "boxes.json").read_text()).items()
        for box in entry["boxes_xyxy"]
        if box[0] > 20 and box[2] < 332 and box[3] < 332 and box[3] - box[1] > 60
    ]
    assert len(boxes) >= 10
    cars = []
    for name, (x0, y0, x1, y1) in boxes:
        with Image.open(crops / "images" / f"{name}.jpg") as picture:
            car = picture.convert("RGB").crop((x0 - 15, y0 - 15, x1 + 15, y1 + 15))
        pixels = np.array(car.resize((224, 224), Image.Resampling.BICUBIC))
        cars.append(torch.from_numpy(pixels).permute(2, 0, 1).float() / 255)
    with torch.no_grad():
        pooled = network(torch.stack(cars))[-1].mean((2, 3))
        scores = functional.linear(pooled, state["classifier.1.weight"], state["classifier.1.bias"])
    top = [[labels[i].split(",")[0] for i in row.topk(5).indices] for row in scores]
    assert scores.argmax(1).unique().numel() > 1
    # With PyTorch's symmetric padding the first guess is a vehicle in two cases of three only.
    assert sum(names[0] in VEHICLES for names in top) >= 0.8 * len(top)
    assert sum(bool(VEHICLES & set(names)) for names in top) >= 0.9 * len(top)


@needs_weights
@pytest.mark.parametrize(
    ("file", "name", "dimension"),
    [
        ("mobilenet_v2_imagenet_1001.pth", "TensorFlow's padding", 8 * (32 + 96) + 1280),
        ("squeezenet1_1_imagenet_features.pth", "BGR", 8 * (128 + 256) + 512),
    ],
)
def test_given_weights_files_make_features(file, name, dimension):
    extractor = build_features(WEIGHTS / file)
    assert name in extractor.name and extractor.dimension == dimension
    assert torch.isfinite(extractor(pictures(2, 96, 160))).all()


@needs_weights
def test_squeezenet_from_caffe_reads_bgr_minus_its_mean():
    network = file_network(WEIGHTS / "squeezenet1_1_imagenet_features.pth")
    reference = models.squeezenet1_1(weights=None).features
    state = torch.load(WEIGHTS / "squeezenet1_1_imagenet_features.pth", weights_only=True)
    reference.load_state_dict({k.removeprefix("features."): v for k, v in state.items()})
    x = pictures(1, 96, 160)
    bgr = x.flip(1) * 255 - torch.tensor([103.939, 116.779, 123.68]).view(3, 1, 1)
    torch.testing.assert_close(network(x)[-1], reference(bgr), rtol=1e-3, atol=1e-3)

"""The camera among a run's settings, in its pictures and in its checkpoint."""

from dataclasses import replace

import pytest
import torch
import yaml
from blob_world import GRAMMAR, SIZE, BlobRenderer

from blender_addon.contract.camera_model import CameraModel
from blender_addon.contract.frames import RenderSettings
from metasim_backend.grammar import grammar_from_dict, sample_scene
from metasim_backend.rendering.renderer import RendererSetupError
from metasim_backend.run_files.run_folder import RunFolder
from metasim_backend.settings import (
    SettingsError,
    settings_from_dict,
    settings_to_dict,
)
from metasim_backend.training.checkpoint import save_state
from metasim_backend.training.loop import open_state, train
from metasim_backend.training.plan import make_plan
from metasim_backend.training.run_config import (
    RunConfig,
    load_camera,
    open_run,
    resolve_settings,
)
from metasim_backend.training.services import Services
from metasim_backend.training.target import Target

MATRIX = ((1.2, -0.2, 0.0), (0.0, 1.0, 0.0), (0.0, -0.5, 1.5))
ALONG = {"kind": "continuous", "range": [0, 9], "mutable": True, "prior": {"uniform": [0, 9]}}
STREET = {
    "domain": "driving",
    "start": "street",
    "classes": {"street": {"attributes": {}}, "car": {"attributes": {"along": ALONG}}},
    "rules": [{"name": "street", "expand": "street", "into": ["car"]}],
}
CAMERA = CameraModel(exposure=-1.0, read_noise=0.01, gamma=1.3)


def street(**camera):
    return grammar_from_dict({**STREET, **({"camera_model": camera} if camera else {})})


def test_the_grammars_camera_is_the_runs_and_set_changes_it():
    grammar = street(exposure=0.5, gamma=1.5)
    assert resolve_settings(grammar).camera_model == CameraModel(exposure=0.5, gamma=1.5)
    matrix = ",".join(str(v) for row in MATRIX for v in row)
    changed = resolve_settings(
        grammar, ["camera_model.exposure=1e-1", f"camera_model.colour_matrix={matrix}"]
    )
    assert changed.camera_model == CameraModel(exposure=0.1, gamma=1.5, colour_matrix=MATRIX)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("camera_model.exposure=99", "exposure is 99; give -8 to 8 stops"),
        ("camera_model.exposure=much", "'camera_model.exposure' is 'much'; give a number"),
        ("camera_model.exposer=1", "'camera_model.exposer' .did you mean 'camera_model.exposure'"),
        ("camera_model.colour_matrix=1,2", "colour_matrix"),
        ("camera_model=1", "'camera_model' is a group"),
    ],
)
def test_a_wrong_parameter_is_a_settings_mistake(text, said):
    if text.endswith("=1") and "." not in text:
        with pytest.raises(SettingsError, match=said):
            settings_from_dict({"camera_model": 1})
        return
    with pytest.raises(SettingsError, match=said):
        resolve_settings(street(), [text])


def test_a_world_without_linear_light_is_refused():
    flat = grammar_from_dict({**STREET, "domain": "mnist"})
    assert resolve_settings(flat).camera_model.is_identity
    with pytest.raises(RendererSetupError, match="'mnist' is drawn without; leave blur out"):
        resolve_settings(flat, ["camera_model.blur=1"])


def test_settings_go_to_plain_yaml_and_back_and_old_ones_have_the_identity():
    settings = settings_from_dict({"camera_model": {"colour_matrix": MATRIX, "blur": 1.0}})
    data = yaml.safe_load(yaml.safe_dump(settings_to_dict(settings)))
    assert settings_from_dict(data) == settings
    del data["camera_model"]
    assert settings_from_dict(data).camera_model.is_identity


def opened(services):
    return open_state(services, make_plan(services.settings))


def blob_run(folder, settings):
    images = torch.zeros(20, 3, SIZE, SIZE, dtype=torch.uint8)
    return Services(
        folder,
        grammar_from_dict(GRAMMAR),
        settings,
        Target(images[:10], images[10:]),
        BlobRenderer(),
        quiet=True,
    )


@pytest.fixture
def settings():
    plain = settings_from_dict({"rendering": {"width": SIZE, "height": SIZE}})
    return replace(plain, camera_model=CAMERA)


def test_a_run_takes_its_pictures_by_its_camera(tmp_path, settings):
    scene = sample_scene(grammar_from_dict(GRAMMAR), 1)
    asked = RenderSettings(SIZE, SIZE, seed=4, float_image=True)
    plain = blob_run(
        RunFolder.create(tmp_path / "a", {}), replace(settings, camera_model=CameraModel())
    )
    seen = blob_run(RunFolder.create(tmp_path / "b", {}), settings)
    plain, seen = (run.renderer(opened(run).camera_model) for run in (plain, seen))
    (light,), (picture,) = (renderer.render([scene], [asked]) for renderer in (plain, seen))
    assert isinstance(plain, BlobRenderer)
    assert abs(light.image.mean() - picture.image.mean()) > 0.02
    assert len(picture.labels) == len(light.labels) == 2


def test_the_checkpoint_holds_the_camera(tmp_path, settings):
    config = RunConfig(grammar_from_dict(GRAMMAR), settings, None, None)
    folder = RunFolder.create(tmp_path / "run", config.to_dict())
    run = blob_run(folder, settings)
    other = CameraModel(exposure=2.0, colour_matrix=MATRIX)
    state = opened(run)
    assert state.camera_model == CAMERA
    state.camera_model = other  # as if it had been learned
    save_state(state, run)
    again = opened(blob_run(folder, settings))
    assert again.camera_model == other and run.renderer(other).camera == other
    found, kept = open_run(tmp_path / "run")
    assert kept == config
    assert load_camera(found, kept) == other


def test_a_checkpoint_from_before_has_the_settings_camera(tmp_path, settings):
    config = RunConfig(grammar_from_dict(GRAMMAR), settings, None, None)
    folder = RunFolder.create(tmp_path / "run", config.to_dict())
    run = blob_run(folder, settings)
    save_state(opened(run), run)
    state = folder.load_checkpoint()
    del state["camera_model"]
    folder.save_checkpoint(state)
    assert opened(blob_run(folder, settings)).camera_model == CAMERA
    assert load_camera(folder, config) == CAMERA


def test_a_run_with_a_camera_learns_through_it(tmp_path):
    """Both phases and the report; every picture that was asked for was linear light."""

    class Asked(BlobRenderer):
        linear: list = []

        def render(self, scenes, settings, progress=None):
            self.linear += [s.linear for s in settings]
            return super().render(scenes, settings, progress)

        def differences(self, scenes, settings, steps, *, full_frame=False):
            self.linear += [s.linear for s in settings]
            return super().differences(scenes, settings, steps, full_frame=full_frame)

    settings = settings_from_dict(
        {
            "phases": ["pretrain", "match"],
            "rendering": {"width": SIZE, "height": SIZE},
            "camera_model": CAMERA.to_dict(),
            "features": {"network": "prior", "scenes": 12, "epochs": 1},
            "pretrain": {"steps": 2, "scenes": 6},
            "match": {"steps": 2, "batch": 3, "report_every": 0},
            "evaluation": {"scenes": 4, "pictures": 1},
        }
    )
    config = RunConfig(grammar_from_dict(GRAMMAR), settings, None, None)
    folder = RunFolder.create(tmp_path / "run", config.to_dict())
    renderer = Asked()
    images = torch.randint(0, 255, (20, 3, SIZE, SIZE), dtype=torch.uint8)
    target = Target(images[:10], images[10:])
    train(Services(folder, config.grammar, settings, target, renderer, quiet=True))
    assert len(renderer.linear) > 20 and all(renderer.linear)
    assert renderer.asked_full_frame == [False, False]
    assert (tmp_path / "run" / "report.html").is_file()
    assert folder.load_checkpoint()["camera_model"] == CAMERA.to_dict()

"""Whatever JSON or text a file or a request holds: a result, or an error that is told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("hypothesis", reason="the set-up's hypothesis makes the contents")

from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from blender_addon.contract import panel, scene_graph  # noqa: E402
from blender_addon.contract.catalogue import CatalogueError, read_catalogue  # noqa: E402
from blender_addon.contract.frames import RenderSettings, RenderSettingsError  # noqa: E402
from blender_addon.contract.wire import Message  # noqa: E402
from metasim_backend.datasets.readers.labelled import check_cars, read_labelled  # noqa: E402
from metasim_backend.datasets.readers.pictures import DatasetError  # noqa: E402
from metasim_backend.grammar import GrammarError, grammar_from_dict, load_grammar  # noqa: E402
from metasim_backend.settings import SettingsError, settings_from_dict  # noqa: E402

SCENES = Path(__file__).resolve().parents[2] / "scenes"
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from([10**400, 2**63, -1, 0, 1e308, "car", "id", "../a", "\0", "a" * 300])
)  # fmt: skip
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner,
                                                                max_size=4),
    max_leaves=12,
)  # fmt: skip


def like(example: object) -> st.SearchStrategy:
    """Values of an example's form in which any part may be anything."""
    if isinstance(example, dict):
        return st.fixed_dictionaries({}, optional={k: like(v) for k, v in example.items()}) | JSON
    if isinstance(example, list):
        return st.lists(like(example[0]) if example else JSON, max_size=4) | JSON
    return st.just(example) | SCALARS


@pytest.fixture
def many(how_many):
    """Has a property tried on as many examples as there is time for."""

    def tried(strategy: st.SearchStrategy, check) -> None:
        examples = how_many("examples", 40, 5_000)
        run = settings(
            max_examples=examples,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )(given(strategy)(check))
        run()

    return tried


COCO = {
    "images": [{"id": 1, "file_name": "a.png", "width": 12, "height": 8}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "iscrowd": 0}],
    "categories": [{"id": 1, "name": "car"}],
}


def test_any_annotations(tmp_path, many):
    Image.fromarray(np.zeros((8, 12, 3), np.uint8)).save(tmp_path / "a.png")

    def check(data: object) -> None:
        (tmp_path / "annotations.json").write_text(json.dumps(data))
        try:
            check_cars(tmp_path, read_labelled(tmp_path, 6, 4, skipped=[]))
        except DatasetError as error:
            assert str(error)

    many(like(COCO), check)


def test_any_boxes(tmp_path, many):
    Image.fromarray(np.zeros((8, 12, 3), np.uint8)).save(tmp_path / "a.png")

    def check(data: object) -> None:
        (tmp_path / "boxes.json").write_text(json.dumps(data))
        try:
            read_labelled(tmp_path)
        except DatasetError as error:
            assert str(error)

    many(like({"a": {"boxes_xyxy": [[1, 2, 3, 4]]}}), check)


def test_any_label_file(tmp_path, many):
    (tmp_path / "image_2").mkdir()
    (tmp_path / "label_2").mkdir()
    Image.fromarray(np.zeros((8, 12, 3), np.uint8)).save(tmp_path / "image_2/a.png")
    words = st.sampled_from(["Car", "0", "1.5", "nan", "1e400", "DontCare", "-1"]) | st.text()
    lines = st.lists(st.lists(words, max_size=18).map(" ".join), max_size=4).map("\n".join)

    def check(text: str) -> None:
        (tmp_path / "label_2/a.txt").write_bytes(text.encode(errors="surrogatepass"))
        try:
            read_labelled(tmp_path)
        except DatasetError as error:
            assert str(error)

    many(lines, check)


def test_any_scene_graph(many):
    node = {"id": "car_0", "class": "car", "parent": "street", "attributes": {"along": 3.0}}
    scene = {"version": 1, "domain": "driving", "seed": 3, "nodes": [node]}

    def check(data: object) -> None:
        try:
            made = scene_graph.from_dict(data)
        except scene_graph.SceneGraphError as error:
            assert str(error) and len(str(error)) < 1000
        else:
            assert scene_graph.from_dict(scene_graph.to_dict(made)) == made

    many(like(scene), check)


def test_any_catalogue(tmp_path, many):
    (tmp_path / "a.obj").write_text("v 0 0 0\n")
    entry = {"name": "taxi", "class": "car", "file": "a.obj", "length": 4.5, "turn": 90, "up": "z"}

    def check(data: object) -> None:
        (tmp_path / "catalogue.json").write_text(json.dumps(data))
        try:
            read_catalogue(tmp_path / "catalogue.json")
        except CatalogueError as error:
            assert str(error)

    many(like({"assets": [entry]}), check)


@pytest.mark.parametrize("kind", ["sample", "train_start", "dataset_start", "transform"])
def test_any_request(many, kind):
    example = {"id": 1, "run": "/a", "grammar": "/b", "seed": 3, "count": 2, "size": [8, 8],
               "phases": ["match"], "overrides": ["a=1"], "scene": {}, "workers": 1}  # fmt: skip

    def check(body: object) -> None:
        try:
            request = panel.read_request(Message(kind, body if isinstance(body, dict) else {}))
        except panel.PanelProtocolError as error:
            assert str(error) and len(str(error)) < 1000
        else:
            assert set(request.body) == set(panel.REQUESTS[kind])

    many(like(example), check)


def test_any_render_settings(many):
    def check(data: object) -> None:
        try:
            made = RenderSettings.from_dict(data if isinstance(data, dict) else {})
        except RenderSettingsError as error:
            assert str(error)
        else:
            assert RenderSettings.from_dict(made.to_dict()) == made

    many(like(RenderSettings().to_dict()), check)


def test_any_settings(many):
    example = {"seed": 1, "phases": ["match"], "match": {"steps": 3, "learning_rate": 0.1},
               "rendering": {"width": 64}, "camera_model": {"gamma": 1.0}}  # fmt: skip

    def check(data: object) -> None:
        try:
            settings_from_dict(data if isinstance(data, dict) else {})
        except SettingsError as error:
            assert str(error)
        except ValueError as error:
            assert type(error).__module__.startswith("blender_addon.")  # of the camera model

    many(like(example), check)


def test_any_grammar(many):
    """As data, such as a run's configuration has it."""
    example = load_grammar(SCENES / "mnist_rotation.yaml").to_dict()

    def check(data: object) -> None:
        try:
            grammar_from_dict(data)
        except GrammarError as error:
            assert str(error)

    many(like(example), check)

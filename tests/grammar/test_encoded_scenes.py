"""Scenes that are joined without a loop are what torch_geometric joins one by one."""

from __future__ import annotations

from pathlib import Path

import torch
from torch_geometric.data import Batch

from metasim_backend.grammar import load_grammar, sample_scene
from metasim_backend.grammar.encoded_scenes import EncodedScenes, encode_scenes
from metasim_backend.grammar.encoding import Encoding

SCENES = Path(__file__).parents[2] / "scenes"


def test_any_rows_are_the_batch_that_torch_geometric_makes():
    grammar = load_grammar(SCENES / "driving.yaml", assets=())
    encoding = Encoding(grammar)
    scenes = [sample_scene(grammar, seed) for seed in range(6)]
    encoded = EncodedScenes.joined(
        [encode_scenes(encoding, scenes[:2]), encode_scenes(encoding, scenes[2:])]
    )
    rows = torch.tensor([4, 0, 4, 3])
    batch = encoded.batch(rows)
    expected = Batch.from_data_list([encoding.encode(scenes[i]) for i in rows])
    assert batch.num_graphs == expected.num_graphs
    assert torch.equal(batch.values, expected["values"])
    for name in ("present", "mutable", "node_class", "edge_index", "edge_type", "batch"):
        assert torch.equal(getattr(batch, name), expected[name]), name
    assert torch.equal(encoded.values[batch.nodes], batch.values)
    assert encoded.first_nodes.tolist()[1] == len(scenes[0])

r"""A network that predicts what a reader reads in a scene's picture, without rendering it.

Matching needs the gradient of readings in a scene's attributes. Finite differences take two renders
for each number. A surrogate is taught on renders that were made anyway, and gives the gradient for
thousands of scenes a second (as in the design of experiments, Sacks et al. 1989; here over scene
graphs). What it cannot predict is noise: distributions are matched, so the noise counts. How large
it is it predicts for each reading (a far object is read worse than a near one); how readings err
together is measured on renders that it was not taught on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from metasim_backend.grammar.encoded_scenes import EncodedScenes, SceneBatch
from metasim_backend.grammar.encoding import Encoding
from metasim_backend.models.graph_convolution import GatedGraphConvolution
from metasim_backend.models.street_view import NUMBERS, StreetView, has_streets

HIDDEN = 96
LEAST_SPREAD, MOST_SPREAD = 0.05, 3.0
_LEAST_DEVIATION = 1e-3
_SUM = 0.1  # brings a sum over some fifty nodes to unit size


@dataclass(frozen=True, eq=False)
class PredictedReadings:
    """What is to be read in pictures of B scenes with M labelled nodes.

    Attributes:
        scene: [B, S] expected readings of the scenes.
        scene_spreads: [B, S] about how far from it they are.
        outcomes: [M, 1 + K] logits that a node is not found, or found and taken for each class.
        objects: [M, R] expected readings of it.
        object_spreads: [M, R].
    """

    scene: Tensor
    scene_spreads: Tensor
    outcomes: Tensor
    objects: Tensor
    object_spreads: Tensor

    @property
    def amounts(self) -> Tensor:
        """[M, K]: how probably a node is found and taken for each class."""
        return self.outcomes.softmax(1)[:, 1:]


class Surrogate(nn.Module):
    """Scene graphs in, expected readings out.

    A node is told of its parent and children by two graph convolutions, and in a street how it
    stands before the camera, which is known exactly. Of what there is once in a
    scene (camera, light, road) all is told to every node and to the scene's readings as it is: in a
    sum over all nodes it would drown. What else there is comes as a sum.

    Args:
        encoding: of the scenes.
        scene: how many readings of the scene there are.
        classes: the K classes that can be told apart.
        objects: R, how many readings of an object there are.

    Attributes:
        labelled: [all classes] bool, those whose nodes can be told apart.
        scene_noise: [scene, scene] covariance of the scene's errors, in predicted spreads.
        object_noise: [K, R, R] the same of an object, by the class that it is taken for.
        scene_r2, object_r2: [scene], [R], share of variance predicted, both held out.
    """

    labelled: Tensor
    single: Tensor
    belongs: Tensor
    centre: Tensor
    scale: Tensor
    scene_noise: Tensor
    object_noise: Tensor
    scene_r2: Tensor
    object_r2: Tensor

    def __init__(
        self, encoding: Encoding, scene: int, classes: Sequence[str], objects: int
    ) -> None:
        super().__init__()
        self._encoding = encoding
        self._sizes = (1 + len(classes), objects, objects)
        inputs = encoding.feature_size
        self.enter = nn.Linear(inputs, HIDDEN)
        self.whole = _layers(inputs, 2 * HIDDEN, HIDDEN)
        self.near = GatedGraphConvolution(HIDDEN, HIDDEN)
        self.far = GatedGraphConvolution(HIDDEN, HIDDEN)
        self.joint = _layers(2 * HIDDEN, HIDDEN, HIDDEN)
        self.pooled = nn.Linear(HIDDEN, HIDDEN)
        self.scene = _layers(2 * HIDDEN, 2 * HIDDEN, 2 * scene)
        self.straight = nn.Linear(HIDDEN, 2 * scene)
        self.view = StreetView(encoding) if has_streets(encoding) else None
        seen = NUMBERS if self.view else 0
        self.node = _layers(3 * HIDDEN + seen, HIDDEN, sum(self._sizes))
        names = [spec.name for spec in encoding.grammar.classes]
        self.register_buffer("labelled", torch.tensor([n in classes for n in names]))
        self.register_buffer("single", torch.tensor([n in encoding.grammar.single for n in names]))
        belongs = torch.zeros(len(names), inputs)
        for slot in encoding.slots:
            belongs[names.index(slot.class_name), slot.columns] = 1
        self.register_buffer("belongs", belongs)
        self.register_buffer("centre", torch.zeros(inputs))
        self.register_buffer("scale", torch.ones(inputs))
        self.register_buffer("scene_noise", torch.eye(scene))
        self.register_buffer("object_noise", torch.eye(objects).repeat(len(classes), 1, 1))
        self.register_buffer("scene_r2", torch.zeros(scene))
        self.register_buffer("object_r2", torch.zeros(objects))

    def forward(self, batch: SceneBatch, values: Tensor) -> PredictedReadings:
        """What is read of scenes; differentiable in the values [N, slots]. The labelled nodes are
        those of :meth:`of_labelled`."""
        features = self.features(batch, values)
        graph, count = batch.batch, batch.num_graphs
        once = self.single[batch.node_class]
        whole = functional.silu(self.whole(_sums(features[once], graph[once], count)))
        x = self.enter(features)
        nodes = functional.silu(self.near(x, batch.edge_index, batch.edge_type))
        nodes = nodes + functional.silu(self.far(nodes, batch.edge_index, batch.edge_type))
        nodes = functional.silu(self.joint(torch.cat([nodes, whole[graph]], 1)))
        pooled = _SUM * _sums(self.pooled(nodes), graph, count)
        scene, scene_spreads = (
            self.scene(torch.cat([pooled, whole], 1)) + self.straight(whole)
        ).chunk(2, 1)
        chosen = self.of_labelled(batch)
        graph = graph[chosen]
        node = torch.cat([nodes[chosen], pooled[graph], whole[graph]], 1)
        if self.view is not None:
            node = torch.cat([node, self.view(batch, values, chosen)], 1)
        outcomes, objects, object_spreads = self.node(node).split(self._sizes, 1)
        return PredictedReadings(
            scene,
            _spread(scene_spreads),
            outcomes,
            objects,
            _spread(object_spreads),
        )

    def fit_inputs(self, scenes: EncodedScenes) -> None:
        """Standardise what nodes are told by what these scenes' nodes have."""
        whole = scenes.batch(torch.arange(len(scenes)))
        features = self._encoding.features(whole.values, whole.present, whole.node_class)
        counted = self.belongs[whole.node_class]
        count = counted.sum(0).clamp_min(1)
        mean = (features * counted).sum(0) / count
        deviation = (((features - mean) * counted).square().sum(0) / count).sqrt()
        self.centre.copy_(mean * self.belongs.any(0))
        self.scale.copy_(torch.where(deviation > _LEAST_DEVIATION, deviation, 1.0))

    def features(self, batch: SceneBatch, values: Tensor) -> Tensor:
        """[N, F]: one-hot classes, and each node's own attributes standardised."""
        x = self._encoding.features(values, batch.present, batch.node_class)
        own = self.belongs[batch.node_class]
        return torch.where(own > 0, (x - self.centre) / self.scale, x)

    def of_labelled(self, batch: SceneBatch) -> Tensor:
        """[M] long, the labelled nodes of a batch."""
        return self.labelled[batch.node_class].nonzero()[:, 0]


def _spread(logarithms: Tensor) -> Tensor:
    return logarithms.clamp(math.log(LEAST_SPREAD), math.log(MOST_SPREAD)).exp()


def _layers(before: int, between: int, after: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(before, between), nn.SiLU(), nn.Linear(between, after))


def _sums(rows: Tensor, graph: Tensor, count: int) -> Tensor:
    """[count, H]: sums of [N, H] rows by graph."""
    return rows.new_zeros(count, rows.shape[1]).index_add(0, graph, rows)

"""Renders of a run that are kept: what reader and surrogate are taught on.

Scenes of the widened prior come first, then those of the generator as it was in each round. The
newest count most.

A picture that the reader was trained on teaches no surrogate from then on. The reader reads it far
better than others. A surrogate that is taught such readings takes what is read in a target to be as
exact, and matching makes up the difference by moving and widening attributes. So some renders are
the reader's, and the others the surrogate's.

Memory: a picture of 160 x 96 pixels takes 45 kB, and 90 kB more for what the
frozen network sees in it; one of 320 x 192 pixels 180 and 90 kB.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor
from torch.nn import functional

from blender_addon.contract.frames import Frame
from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.features.reader.reader import Reader, SeenPictures
from metasim_backend.features.reader.readings import Readings
from metasim_backend.features.reader.targets import (
    ReaderNames,
    ReaderTargets,
    reader_targets,
)
from metasim_backend.grammar.encoded_scenes import EncodedScenes, encode_scenes
from metasim_backend.grammar.encoding import Encoding
from metasim_backend.training.evaluation import images_of

FIRST_READERS, LATER_READERS = 3, 2
"""The reader has all but each fourth render of the first round, and each other of later ones."""
OLDER = 0.5
"""What a render of an earlier round counts, where the newest counts 1."""


@dataclass(frozen=True, eq=False)
class RenderArchive:
    """N renders, with the round that each was made in.

    Attributes:
        seen: the pictures.
        targets: what is to be read in them.
        scenes: what they show.
        label_nodes: [N, L] long, the node (counted over all scenes) of each label of a frame; -1
            where a frame has fewer.
        rounds: [N] long.
    """

    seen: SeenPictures
    targets: ReaderTargets
    scenes: EncodedScenes
    label_nodes: Tensor
    rounds: Tensor

    def __len__(self) -> int:
        return len(self.seen)

    @property
    def weights(self) -> Tensor:
        """[N]: how much each render counts."""
        return torch.where(self.rounds == self.rounds.max(), 1.0, OLDER)

    @property
    def readers(self) -> Tensor:
        """[N] bool: which renders the reader is trained on; the surrogate is taught the others."""
        places = torch.arange(len(self))
        first = places % (FIRST_READERS + 1) < FIRST_READERS
        return torch.where(self.rounds > 0, places % LATER_READERS == 0, first)

    def rows(self, chosen: Tensor) -> tuple[SeenPictures, ReaderTargets]:
        """Some of the pictures with their targets."""
        return self.seen.rows(chosen), self.targets.rows(chosen)

    def seen_by(self, reader: Reader) -> RenderArchive:
        """The same with what a reader's frozen network sees in the pictures."""
        return replace(self, seen=reader.see(self.seen.images))

    @staticmethod
    def joined(parts: Sequence[RenderArchive]) -> RenderArchive:
        """All renders of several parts."""
        most = max(part.label_nodes.shape[1] for part in parts)
        first, nodes = 0, []
        for part in parts:
            own = torch.where(part.label_nodes >= 0, part.label_nodes + first, -1)
            nodes.append(functional.pad(own, (0, most - own.shape[1]), value=-1))
            first += len(part.scenes.values)
        return RenderArchive(
            SeenPictures.joined([part.seen for part in parts]),
            ReaderTargets.joined([part.targets for part in parts]),
            EncodedScenes.joined([part.scenes for part in parts]),
            torch.cat(nodes),
            torch.cat([part.rounds for part in parts]),
        )


def archive_of(
    encoding: Encoding,
    names: ReaderNames,
    scenes: Sequence[SceneGraph],
    frames: Sequence[Frame],
    number: int,
) -> RenderArchive:
    """What a round has rendered, not yet seen by a frozen network.

    Args:
        number: of the round.
    """
    encoded = encode_scenes(encoding, scenes)
    most = max((len(frame.labels) for frame in frames), default=0)
    nodes = torch.full((len(frames), most), -1, dtype=torch.long)
    for row, (scene, frame, first) in enumerate(
        zip(scenes, frames, encoded.first_nodes.tolist(), strict=True)
    ):
        at = {node.id: first + place for place, node in enumerate(scene.nodes)}
        for place, label in enumerate(frame.labels):
            nodes[row, place] = at[label.node]
    images = (images_of(frames) * 255).round().to(torch.uint8)
    return RenderArchive(
        SeenPictures(images, ()),
        reader_targets(encoding, names, scenes, frames),
        encoded,
        nodes,
        torch.full((len(frames),), number),
    )


def archive_state(archive: RenderArchive) -> dict[str, dict[str, Tensor]]:
    """An archive as plain tensors for a file, without what the frozen network sees."""
    return {
        "images": {"images": archive.seen.images},
        "targets": _fields(archive.targets),
        "scenes": _fields(archive.scenes),
        "labels": {"label_nodes": archive.label_nodes, "rounds": archive.rounds},
    }


def archive_from_state(state: Mapping[str, Mapping[str, Tensor]]) -> RenderArchive:
    """Inverse of :func:`archive_state`."""
    return RenderArchive(
        SeenPictures(state["images"]["images"], ()),
        ReaderTargets(**state["targets"]),
        EncodedScenes(**state["scenes"]),
        **state["labels"],
    )


def _fields(data: ReaderTargets | EncodedScenes) -> dict[str, Tensor]:
    return {field.name: getattr(data, field.name) for field in fields(data)}


@dataclass(frozen=True, eq=False)
class NodeReadings:
    """What was read of each node of the archive's scenes.

    Attributes:
        amounts: [nodes, K], the probability that it was found and taken for each class.
        objects: [nodes, R], what was read of it.
        counts: [nodes], the sum of its amounts.
        object_nodes: [M] long, the node of each object of the readings; -1 for none.
    """

    amounts: Tensor
    objects: Tensor
    counts: Tensor
    object_nodes: Tensor


def readings_of_nodes(archive: RenderArchive, readings: Readings) -> NodeReadings:
    """Objects put down to the nodes that they show.

    Raises:
        ValueError: the readings do not know what their objects show.
    """
    if readings.owners is None:
        raise ValueError("Readings of pictures without labels cannot be put down to nodes.")
    nodes = torch.where(
        readings.owners >= 0,
        archive.label_nodes[readings.pictures, readings.owners.clamp_min(0)],
        -1,
    )
    shown = nodes >= 0
    total = len(archive.scenes.values)
    at, shares, objects = nodes[shown], readings.shares[shown], readings.objects[shown]
    weight = shares.sum(1)
    amounts = shares.new_zeros(total, shares.shape[1]).index_add(0, at, shares)
    counts = weight.new_zeros(total).index_add(0, at, weight)
    sums = objects.new_zeros(total, objects.shape[1]).index_add(0, at, objects * weight[:, None])
    return NodeReadings(amounts, sums / counts.clamp_min(1e-6)[:, None], counts, nodes)

"""A 2-D world as a renderer: frames, finite differences, and the exact gradient."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from blender_addon.contract.frames import AttributeStep, Difference, Frame, RenderSettings
from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.rendering.renderer import RenderingInputError
from metasim_backend.rendering.sprites.drawing import draw, draw_index
from metasim_backend.rendering.sprites.labels import label_frames
from metasim_backend.rendering.sprites.layers import SpriteWorld
from metasim_backend.rendering.sprites.scene_table import SceneTable

CHUNK = 256


class SpriteRenderer:
    """Renders a 2-D world's scene graphs in this process.

    Args:
        world: places sprites.
        device: where torch draws.
    """

    def __init__(self, world: SpriteWorld, device: torch.device | str = "cpu") -> None:
        self.world = world
        self.device = torch.device(device)
        self.name = world.domain

    def render(
        self,
        scenes: Sequence[SceneGraph],
        settings: Sequence[RenderSettings],
        progress: Callable[[int], object] | None = None,
    ) -> list[Frame]:
        """One frame a scene; ``settings`` are alike but for the seed, of which nothing depends.

        Raises:
            RenderingInputError: a scene of another domain, or pictures of different sizes.
        """
        width, height, as_float = self._shape(scenes, settings)
        frames: list[Frame] = []
        for start in range(0, len(scenes), CHUNK):
            some = scenes[start : start + CHUNK]
            frames += self._frames(some, width, height, as_float)
            if progress:
                progress(len(some))
        return frames

    @torch.no_grad()
    def images(
        self,
        scenes: Sequence[SceneGraph],
        settings: RenderSettings,
        numbers: Mapping[tuple[str, str], Tensor] | None = None,
    ) -> Tensor:
        """[B, C, H, W] uint8 pictures without labels, C being the world's channels: the fast way
        to very many. ``numbers`` as in :meth:`differentiable`."""
        self._shape(scenes, [settings] * len(scenes))
        table = SceneTable.of(scenes, self.device).with_numbers(
            {key: values.to(self.device) for key, values in (numbers or {}).items()}
        )
        return _bytes(self._draw(table, settings.width, settings.height)).cpu()

    def differentiable(
        self,
        scenes: Sequence[SceneGraph],
        settings: Sequence[RenderSettings],
        numbers: Mapping[tuple[str, str], Tensor],
    ) -> Tensor:
        """[B, 3, H, W] float32 pictures with autograd's gradient to some attributes.

        Args:
            scenes: B scenes.
            numbers: for a (class, attribute) its value in each node of that class, [n] in the
                scenes' node order; they take the place of the scenes' own.
        """
        width, height, _ = self._shape(scenes, settings)
        table = SceneTable.of(scenes, self.device).with_numbers(
            {key: values.to(self.device) for key, values in numbers.items()}
        )
        return _rgb(self._draw(table, width, height))

    def differences(
        self,
        scenes: Sequence[SceneGraph],
        settings: Sequence[RenderSettings],
        steps: Sequence[Sequence[AttributeStep]],
        *,
        full_frame: bool = False,
    ) -> list[list[Difference]]:
        """``image(plus) - image(minus)`` of each step, all in one batch; always whole frames."""
        width, height, _ = self._shape(scenes, settings)
        asked = [(i, step) for i, some in enumerate(steps) for step in some]
        table = SceneTable.of(scenes, self.device)
        ranks = [_ranks(scene) for scene in scenes]
        changes: list[np.ndarray] = []
        for start in range(0, len(asked), CHUNK // 2):
            some = [
                (i, *ranks[i][step.node], step) for i, step in asked[start : start + CHUNK // 2]
            ]
            sides = self._both_sides(table, some, width, height)
            changes += list((sides[1] - sides[0]).permute(0, 2, 3, 1).cpu().numpy())
        found = iter(changes)
        window = (0, 0, width, height)
        return [[Difference(window, next(found)) for _ in own] for own in steps]

    @torch.no_grad()
    def _both_sides(
        self,
        table: SceneTable,
        asked: Sequence[tuple[int, str, int, AttributeStep]],
        width: int,
        height: int,
    ) -> Tensor:
        """[2, K, 3, H, W]: minus and plus of K steps, each with its scene's number, its node's
        class and the node's number among the scene's nodes of that class."""
        count = len(asked)
        chosen = torch.tensor([scene for scene, *_ in asked], device=self.device)
        both = table.take(chosen.repeat(2))
        of_key: dict[tuple[str, str], list[int]] = {}
        for number, (_, class_name, _, step) in enumerate(asked):
            of_key.setdefault((class_name, step.attribute), []).append(number)
        changed: dict[tuple[str, str], Tensor] = {}
        for (class_name, attribute), numbers in of_key.items():
            own = both.classes[class_name]
            scene = torch.tensor(numbers + [count + n for n in numbers], device=self.device)
            rank = torch.tensor([asked[n][2] for n in numbers] * 2, device=self.device)
            values = [asked[n][3].minus for n in numbers] + [asked[n][3].plus for n in numbers]
            at = torch.searchsorted(own.scene, scene) + rank
            changed[class_name, attribute] = own.numbers[attribute].index_copy(
                0, at, torch.tensor(values, dtype=torch.float32, device=self.device)
            )
        pictures = _rgb(self._draw(both.with_numbers(changed), width, height))
        return pictures.unflatten(0, (2, count))

    def _draw(self, table: SceneTable, width: int, height: int) -> Tensor:
        layers = self.world.layers(table, width, height)
        return draw(layers, table.scenes, self.world.channels, width, height)

    @torch.no_grad()
    def _frames(
        self, scenes: Sequence[SceneGraph], width: int, height: int, as_float: bool
    ) -> list[Frame]:
        table = SceneTable.of(scenes, self.device)
        layers = self.world.layers(table, width, height)
        pictures = draw(layers, len(scenes), self.world.channels, width, height)
        index = draw_index(layers, len(scenes), width, height)
        maps, labels = label_frames(self.world, scenes, layers, index)
        images = _rgb(pictures if as_float else _bytes(pictures)).permute(0, 2, 3, 1).cpu().numpy()
        depth = np.full((height, width), np.inf, np.float32)
        return [
            Frame(np.ascontiguousarray(image), own, depth, tuple(marks), np.eye(3), np.eye(4))
            for image, own, marks in zip(images, maps, labels, strict=True)
        ]

    def _shape(
        self, scenes: Sequence[SceneGraph], settings: Sequence[RenderSettings]
    ) -> tuple[int, int, bool]:
        for scene in scenes:
            if scene.domain != self.world.domain:
                raise RenderingInputError(
                    f"The scene with seed {scene.seed} belongs to the world {scene.domain!r}; "
                    f"this renderer shows {self.world.domain!r}."
                )
        shapes = {(s.width, s.height, s.float_image) for s in settings}
        if len(shapes) != 1:
            raise RenderingInputError(
                f"Pictures of {len(shapes)} sizes were asked for at once; give one size."
            )
        return shapes.pop()

    def close(self) -> None:
        pass

    def __enter__(self) -> SpriteRenderer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _ranks(scene: SceneGraph) -> dict[str, tuple[str, int]]:
    """Each node's class and its number among the scene's nodes of that class."""
    count: dict[str, int] = {}
    ranks = {}
    for node in scene.nodes:
        rank = count.get(node.class_name, 0)
        ranks[node.id] = (node.class_name, rank)
        count[node.class_name] = rank + 1
    return ranks


def _bytes(pictures: Tensor) -> Tensor:
    return (pictures * 255).round().clamp(0, 255).to(torch.uint8)


def _rgb(pictures: Tensor) -> Tensor:
    return pictures if pictures.shape[1] == 3 else pictures.expand(-1, 3, -1, -1)

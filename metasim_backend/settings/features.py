"""The feature space φ in which pictures are compared."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from metasim_backend.settings.kinds import GROUP, Count, Names, Share, Younger, setting

FeaturePart = Literal["scene", "objects", "layout", "colours"]
FEATURE_PARTS: tuple[FeaturePart, ...] = ("scene", "objects", "layout", "colours")


@dataclass(frozen=True, config=GROUP)
class FeatureSettings:
    """The feature space φ in which pictures are compared."""

    network: str = setting(
        "prior",
        "prior: a small network that is trained on the prior's renders. Or a torchvision "
        "network's name, efficientnet_lite0 (comes with Meta-Sim), or a weights file's path. "
        "auto: torchvision's ResNet-50 where its weights can be had.",
    )
    scenes: Annotated[int, Field(ge=8)] = setting(
        800, "Renders that the small network of the choice prior is trained on."
    )
    epochs: Count = setting(12, "Passes over them.")
    widen: Literal["shift", "range"] = setting(
        "shift",
        "How those scenes differ from the prior's. shift: mutable attributes are shifted a "
        "good deal. range: most of them are drawn from their whole range.",
    )
    least_explained: Share = setting(
        0.0,
        "An attribute stays as it is while no network explains this share of its variance. "
        "Without a signal it would drift, and far off there may be no way back. 0: none stays.",
    )
    near: Literal["range", "spread"] = setting(
        "range",
        "How scenes of rounds after the second differ from the learned generator's. range: as "
        "in the second. spread: by about twice each attribute's own spread, so that the "
        "network learns to see differences so small.",
    )
    harmonics: Annotated[int, Field(ge=1, le=2)] = setting(
        1,
        "2 reads the double of each angle too. That is all that can be seen of what looks alike "
        "from both ends, but it leaves open which way round a thing is to be turned.",
    )
    parts: Annotated[Names[FeaturePart], Younger(before=FEATURE_PARTS)] = setting(
        FEATURE_PARTS,
        "What φ of the small network has. scene: numbers read off the whole picture. "
        "objects: those of each class's objects. layout: classes and attributes over a "
        "coarse grid. colours: the picture's own. Where the target's surfaces are others than "
        "the renderer's, the later parts tell the two apart whatever the attributes. Spreads are "
        "then widened to make up for it.",
    )
    rounds: Count = setting(
        1,
        "Parts of the matching, each with a network of its own. A later network learns on the "
        "learned generator's scenes, each with one attribute of a node drawn from its whole "
        "range, more often one that could not be read yet. So it need not tell apart what is "
        "matched already.",
    )

"""The feature space φ of a round of matching, and what is compared with in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from metasim_backend.distances.mmd import MMD
from metasim_backend.features.extractor import FeatureExtractor, counting_features
from metasim_backend.features.prior_network import PriorNetwork
from metasim_backend.training.evaluation import features_in_batches
from metasim_backend.training.feature_answers import explained_by_slot
from metasim_backend.training.feature_space import prepare
from metasim_backend.training.matching import Matcher
from metasim_backend.training.services import Services
from metasim_backend.training.stages.stage import Stage
from metasim_backend.training.state import State
from metasim_backend.training.structure_features import counting


@dataclass(frozen=True)
class Features(Stage):
    """Make the round's φ, or read it from the run's folder."""

    name: ClassVar[str] = "features"
    phase: ClassVar[str] = "features"
    label: ClassVar[str] = "Features"
    has_steps: ClassVar[bool] = False

    def run(self, state: State, services: Services) -> None:
        settings = services.settings
        features = self._extractor(state, services)
        network = features.network
        if isinstance(network, PriorNetwork):
            shares = explained_by_slot(state.scenes.encoding, network, settings.features.harmonics)
            state.visibility.note(shares, self.turn)
        behind = settings.match.behind_features == "yes" or (
            settings.match.behind_features == "auto" and not isinstance(network, PriorNetwork)
        )
        matcher = Matcher(
            services.renderer(state.camera_model),
            services.render_settings,
            settings.rendering.differences,
            features,
            MMD(features_in_batches(features, services.target.matched.float() / 255)),
            behind,
            state.visibility.seen(),
            state.visibility.held(self.turn),
        )
        state.matchers.append(matcher)

    def _extractor(self, state: State, services: Services) -> FeatureExtractor:
        settings = services.settings.features
        if not state.scenes.changes_attributes and settings.network == "prior":
            # No attribute is to be told apart, so there is none to be taught.
            return counting_features(counting(state, services))
        return prepare(state, services, self.turn)

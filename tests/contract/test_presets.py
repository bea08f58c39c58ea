"""Presets change quality and nothing else."""

from __future__ import annotations

import pytest

from blender_addon.contract.frames import RenderSettings, RenderSettingsError
from blender_addon.contract.presets import PRESETS, with_preset


@pytest.mark.parametrize("name", ["draft", "train", "export"])
def test_a_preset_keeps_size_seed_device_and_passes(name):
    before = RenderSettings(99, 33, 7, 5, "eevee", "auto", True, 9, False, ("flow",), True)
    after = with_preset(before, name)
    for kept in ("width", "height", "seed", "device", "float_image", "passes", "linear"):
        assert getattr(after, kept) == getattr(before, kept)
    assert after.engine == "cycles"


def test_qualities_rise_from_draft_to_export():
    draft, train, export = (PRESETS[name] for name in ("draft", "train", "export"))
    assert draft.samples == 1 < train.samples == 4 < export.samples == 9  # all of them squares
    assert draft.bounces < train.bounces < export.bounces
    assert export.denoise and not train.denoise and not draft.denoise
    # What has been rendered for training until now: two bounces in all, one of each kind.
    assert train.bounces == RenderSettings().bounces == 1


def test_an_unknown_preset_is_named():
    with pytest.raises(RenderSettingsError, match="'poster'.*draft, train, export"):
        with_preset(RenderSettings(), "poster")

"""Covers and groups of windows against their promises."""

from __future__ import annotations

import numpy as np
import pytest

from blender_addon.capture.windows import EMPTY, area, cover, group, overlap, union


@pytest.mark.parametrize("seed", range(8))
def test_a_cover_holds_every_pixel_in_disjoint_windows_and_is_no_dearer_than_one(seed):
    rng = np.random.default_rng(seed)
    mask = np.zeros((96, 160), bool)
    for _ in range(rng.integers(1, 5)):
        x, y = rng.integers(0, 150), rng.integers(0, 90)
        mask[y : y + rng.integers(1, 40), x : x + rng.integers(1, 60)] = True
    windows = cover(mask, call_pixels=300)
    count = np.zeros(mask.shape, int)
    for x0, y0, x1, y1 in windows:
        count[y0:y1, x0:x1] += 1
    assert (count[mask] == 1).all() and count.max() == 1
    rows, columns = np.nonzero(mask)
    box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert union(windows) == box
    assert sum(300 + area(w) for w in windows) <= 300 + area(box)


def test_a_cover_cuts_an_l_where_that_is_cheaper():
    mask = np.zeros((96, 160), bool)
    mask[10:90, 5:15] = mask[80:90, 5:150] = True
    assert len(cover(mask, call_pixels=1e5)) == 1
    windows = cover(mask, call_pixels=100)
    assert len(windows) == 2 and sum(map(area, windows)) == mask.sum()
    assert cover(np.zeros((4, 4), bool), call_pixels=1) == []


def test_union_overlap_and_area():
    assert union([EMPTY, (1, 2, 5, 6), (3, 0, 4, 9)]) == (1, 0, 5, 9)
    assert union([EMPTY]) == EMPTY and area(EMPTY) == 0
    assert overlap((0, 0, 5, 5), (4, 4, 9, 9)) and not overlap((0, 0, 5, 5), (5, 0, 9, 5))


def test_groups_hold_each_window_once_and_none_that_another_step_touches():
    rng = np.random.default_rng(1)
    windows, kin = [], []
    for n in range(60):
        x, y = rng.integers(0, 140), rng.integers(0, 80)
        windows.append((int(x), int(y), int(x + rng.integers(2, 20)), int(y + 10)))
        kin.append(frozenset({f"node_{n % 20}"}))
    windows[7] = EMPTY
    parts = [[w] if w != EMPTY else [] for w in windows]
    parts[3].append((150, 90, 158, 95))
    groups = group(parts, kin, call_pixels=2000)
    assert sorted(part for g in groups for part in g.parts) == sorted(
        (n, w) for n, some in enumerate(parts) for w in some
    )
    for g in groups:
        assert g.window == union([w for _, w in g.parts])
        for n, window in g.parts:
            for m in g.steps:
                if m != n:
                    assert not kin[n] & kin[m]
                    assert not any(overlap(window, other) for other in parts[m])
    assert len(groups) < 30


def test_far_windows_stay_apart_when_calls_are_cheap():
    windows = [[(0, 0, 5, 5)], [(150, 90, 155, 95)]]
    kin = [frozenset("a"), frozenset("b")]
    assert len(group(windows, kin, call_pixels=100)) == 2
    assert len(group(windows, kin, call_pixels=1e6)) == 1

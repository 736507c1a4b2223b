"""Limits over batches equal a comparison of one value after the other, whatever the layout of the batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sereno.alarms import limits as module
from sereno.alarms.limits import Beyond, LimitChanges, LimitWatch
from sereno.client import GroupSpec
from sereno.hub.hub import Hub
from sereno.model import GroupId, Limits, Quality, RowIndex, SampleBatch, SystemClock, TagSpec, seal

FOUR = Limits(lolo=1.0, lo=2.0, hi=8.0, hihi=9.0, deadband=0.5)


class Watched:
    """A watch over tags with these limits, and what it told."""

    def __init__(self, declared: list[Limits | None]) -> None:
        self.specs = [TagSpec(path=f"plant/d/t{i}", limits=limits) for i, limits in enumerate(declared)]
        self.told: list[tuple[int, int, int, float]] = []
        self.watch = LimitWatch(self, self._changed)

    def spec(self, handle: int) -> TagSpec:
        return self.specs[handle]

    def _changed(self, changes: LimitChanges) -> None:
        columns = (changes.handles, changes.before, changes.after, changes.values)
        self.told += zip(*(c.tolist() for c in columns), strict=True)

    def feed(self, index: RowIndex, values: list[float], quality: Any = 0) -> list[tuple[int, int, int, float]]:
        self.told = []
        codes = quality if isinstance(quality, int) else np.array(quality, np.uint16)
        self.watch.accept(batch(index, values, codes))
        return self.told


def batch(index: RowIndex, values: list[float], quality: Any = 0) -> SampleBatch:
    return seal(GroupId(0), 0, index, np.array(values, np.float64), 7, quality)


def passed(limits: Limits | None, before: int, value: float) -> int:
    """The meaning of limits, in words of one value."""
    if limits is None or np.isnan(value):
        return before
    after = 0
    for bit, limit, up in ((1, limits.lolo, 0), (2, limits.lo, 0), (4, limits.hi, 1), (8, limits.hihi, 1)):
        if limit is None:
            continue
        beyond = value > limit if up else value < limit
        back = value <= limit - limits.deadband if up else value >= limit + limits.deadband
        if beyond or (before & bit and not back):
            after |= bit
    return after


def test_a_limit_is_passed_strictly_and_left_by_the_deadband() -> None:
    one, index = Watched([FOUR]), RowIndex([0])
    steps = [(8.0, None), (8.1, (0, 4)), (9.5, (4, 12)), (8.6, None), (8.5, (12, 4)), (7.6, None), (7.5, (4, 0))]
    steps += [(2.0, None), (0.5, (0, 3)), (1.4, None), (1.5, (3, 2)), (2.5, (2, 0)), (np.inf, (0, 12))]
    for value, change in steps:
        told = one.feed(index, [value])
        assert [(before, after) for _, before, after, _ in told] == ([change] if change else []), value
    assert one.watch.beyond(0) == Beyond.HI | Beyond.HIHI


def test_a_bad_value_changes_nothing_and_an_uncertain_one_does() -> None:
    one, index = Watched([FOUR, FOUR]), RowIndex([0, 1])
    assert one.feed(index, [99.0, 99.0], [Quality.STALE, Quality.UNCERTAIN]) == [(1, 0, 12, 99.0)]
    assert one.feed(index, [float("nan"), 5.0], [0, Quality.BAD]) == []


def test_what_was_beyond_before_a_restart_is_left_by_the_deadband_too() -> None:
    one, index = Watched([FOUR, None, Limits(hi=8.0)]), RowIndex([0, 1, 2])
    for handle in range(3):
        one.watch.restore(handle, Beyond.HI | Beyond.HIHI)
    assert one.watch.beyond(1) == Beyond(0)
    assert one.watch.beyond(2) == Beyond.HI
    assert one.feed(index, [8.7, 0.0, 7.0]) == [(2, 4, 0, 7.0)]
    assert one.feed(index, [8.0, 0.0, 7.0]) == [(0, 12, 4, 8.0)]


def test_tags_seen_later_get_their_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Watched([FOUR] * 3000)
    first, second = RowIndex(range(10)), RowIndex(range(10, 3000))
    assert len(one.feed(first, [8.5] * 10)) == 10
    assert len(one.feed(second, [8.5] * 2990)) == 2990
    assert one.feed(first, [8.5] * 10) == []
    assert len(one.feed(first, [5.0] * 10)) == 10
    assert one.watch.statistics() == {
        "limit_tags": 3000,
        "limits_evaluated": 3020,
        "limit_changes": 3010,
        "tags_beyond": 2990,
    }


numbers = st.sampled_from([0.5, 1.0, 1.5, 2.0, 2.5, 5.0, 7.5, 8.0, 8.5, 9.0, 9.5, np.inf, -np.inf, np.nan])
declared = st.sampled_from([None, FOUR, Limits(hi=8.0), Limits(lo=2.0, deadband=1.0), Limits(lolo=0.7, hihi=9.1)])


@settings(max_examples=60, deadline=None)
@given(st.data(), st.lists(declared, min_size=1, max_size=12), st.sampled_from([1, 3, 16384]))
def test_columns_equal_one_value_after_the_other(data: Any, tags: list[Limits | None], block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK", block)
        one, states = Watched(tags), [0] * len(tags)
        handles = st.lists(st.integers(0, len(tags) - 1), min_size=1, unique=True).map(sorted)
        indices = [RowIndex(data.draw(handles)) for _ in range(2)]
        for index in data.draw(st.lists(st.sampled_from(indices), max_size=8)):
            values = data.draw(st.lists(numbers, min_size=len(index), max_size=len(index)))
            codes = data.draw(st.lists(st.sampled_from([0, 0x4000, 0x8000]), min_size=len(index), max_size=len(index)))
            expected = []
            for handle, value, code in zip(index.handles.tolist(), values, codes, strict=True):
                after = passed(tags[handle], states[handle], value) if code < 0x8000 else states[handle]
                if after != states[handle]:
                    expected.append((handle, states[handle], after, value))
                states[handle] = after
            assert one.feed(index, values, codes) == expected


def test_as_a_sink_of_the_hub() -> None:
    hub, told = Hub(SystemClock()), []
    hub.add_sink(LimitWatch(hub, told.append))
    index = RowIndex(hub.register_tags([TagSpec(path="plant/d/t", limits=FOUR), TagSpec(path="plant/d/u")]))
    group = hub.register_group(GroupSpec("scan", "plant/d", 0.1, 1.0, index))
    hub.publish(seal(group, 0, index, np.array([8.5, 100.0]), 7, 0))
    assert [(c.handles.tolist(), c.t_hub > 0) for c in told] == [([0], True)]
    assert hub.statistics()["sink_errors"] == 0

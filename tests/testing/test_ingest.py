from __future__ import annotations

import numpy as np
import pytest

from sereno.client import GroupSpec
from sereno.model import (
    ExactBlock,
    GroupId,
    LinkState,
    ObjectSample,
    OperationalState,
    Quality,
    RowIndex,
    SampleBatch,
    TagHandle,
    TagSpec,
    ValueType,
    seal,
)
from sereno.testing import JumpingClock, RecordingIngest, jumping

SPECS = [
    TagSpec(path="a/d/level"),
    TagSpec(path="a/d/total", type=ValueType.INT64),
    TagSpec(path="a/d/name", type=ValueType.STRING),
]


def register(ingest: RecordingIngest) -> tuple[GroupId, RowIndex]:
    handles = ingest.register_tags(SPECS)
    index = RowIndex(handles[:2])
    return ingest.register_group(GroupSpec("fast", "a/d", 1.0, 2.0, index, (2,))), index


def batch(group: GroupId, seq: int, index: RowIndex) -> SampleBatch:
    exact = ExactBlock(np.array([1], np.int32), np.array([2**53 + 1], np.int64))
    name = ObjectSample(TagHandle(2), "pump", 6, 0)
    values = np.array([1.5, 2.0**53])
    return seal(group, seq, index, values, 5, int(Quality.UNCERTAIN), exact=exact, objects=(name,))


@jumping
async def test_what_came_is_kept(clock: JumpingClock) -> None:
    ingest = RecordingIngest(clock)
    group, index = register(ingest)
    assert ingest.latest("a/d/level") is None
    await clock.sleep(3)
    ingest.publish(batch(group, 1, index))
    ingest.report_link("a/d", LinkState.DOWN, "gone")
    ingest.report_state("a/d", OperationalState.STANDBY)
    level, total, name = (ingest.latest(spec.path) for spec in SPECS)
    assert level
    assert (level.value, level.quality, level.t_source, level.seq) == (1.5, Quality.UNCERTAIN, 5, 1)
    assert total
    assert total.value == 2**53 + 1
    assert name
    assert name.value == "pump"
    assert ingest.times_of("a/d", "fast") == [3.0]
    assert len(ingest.of("a/d", "fast")) == 1
    assert ingest.of("a/d") == []
    assert (ingest.links[0].t, ingest.links[0].error) == (3.0, "gone")
    assert ingest.states_of("a/d") == ["standby"]


def test_what_a_device_must_not_do_is_refused() -> None:
    ingest = RecordingIngest()
    group, index = register(ingest)
    with pytest.raises(ValueError, match="registered already"):
        ingest.register_tags(SPECS[:1])
    with pytest.raises(AssertionError, match="never registered"):
        ingest.publish(batch(GroupId(9), 1, index))
    with pytest.raises(AssertionError, match="index of its own"):
        ingest.publish(batch(group, 1, RowIndex([0, 1])))
    ingest.publish(batch(group, 1, index))
    for seq in (1, 3):
        with pytest.raises(AssertionError, match=f"batch {seq} of a/d/fast after 1"):
            ingest.publish(batch(group, seq, index))


@jumping
async def test_waiting_for_what_comes(clock: JumpingClock) -> None:
    ingest = RecordingIngest(clock)
    group, index = register(ingest)
    for i in range(3):
        clock.call_later(10 * (i + 1), lambda i=i: ingest.publish(batch(group, i + 1, index)))  # type: ignore[misc]
    await ingest.until(lambda: len(ingest.batches) == 2)
    assert clock.monotonic() == 20
    with pytest.raises(TimeoutError):
        await ingest.until(lambda: len(ingest.batches) == 9, timeout=30)
    assert clock.monotonic() == 50

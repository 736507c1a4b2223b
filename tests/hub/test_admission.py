from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sereno.access.actor import Actor
from sereno.client import GroupSpec
from sereno.hub import admission
from sereno.model import (
    ExactBlock,
    GroupId,
    ObjectSample,
    Quality,
    RowIndex,
    SampleBatch,
    TagHandle,
    TagSpec,
    ValueType,
    seal,
)


class Keeper:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.batches: list[SampleBatch] = []

    def accept(self, batch: SampleBatch) -> None:
        self.batches.append(batch)

    @property
    def changed(self) -> list[bool]:
        mask = self.batches[-1].changed
        assert mask is not None
        return mask.tolist()


@pytest.fixture
def keeper(plant: Any) -> Keeper:
    keeper = Keeper()
    plant.hub.add_sink(keeper)
    return keeper


def test_the_first_value_has_changed_then_only_what_is_beyond_its_deadband(plant: Any, keeper: Keeper) -> None:
    group = plant.group(TagSpec(path="a/x", deadband=0.5), TagSpec(path="a/y"))
    plant.publish(group, [1.0, 1.0])
    assert keeper.changed == [True, True]
    plant.publish(group, [1.4, 1.0])
    assert keeper.changed == [False, False]
    plant.publish(group, [1.6, 1.0 + 1e-12])
    assert keeper.changed == [True, True]
    assert plant.hub.table.value[:2].tolist() == [1.6, 1.0 + 1e-12]


def test_creeping_values_are_measured_against_what_was_last_reported(plant: Any, keeper: Keeper) -> None:
    group = plant.group(TagSpec(path="a/x", deadband=1.0))
    told = []
    for step in range(12):
        plant.publish(group, [step * 0.4])
        told += keeper.changed
    assert [i for i, t in enumerate(told) if t] == [0, 3, 6, 9]


def test_a_value_told_for_its_quality_is_the_new_base_of_the_deadband(plant: Any, keeper: Keeper) -> None:
    group = plant.group(TagSpec(path="a/x", deadband=1.0))
    plant.publish(group, [0.0])
    plant.publish(group, [0.9], Quality.UNCERTAIN)
    plant.publish(group, [1.5], Quality.UNCERTAIN)
    assert keeper.changed == [False]


def test_quality_alone_is_a_change_and_nan_is_not_one_for_ever(plant: Any, keeper: Keeper) -> None:
    group = plant.group(TagSpec(path="a/x"))
    plant.publish(group, [np.nan], Quality.SENSOR_FAILURE)
    assert keeper.changed == [True]
    plant.publish(group, [np.nan], Quality.SENSOR_FAILURE)
    assert keeper.changed == [False]
    plant.publish(group, [np.nan], Quality.DEVICE_FAILURE)
    assert keeper.changed == [True]
    plant.publish(group, [2.0], Quality.GOOD)
    assert keeper.changed == [True]


def test_late_and_duplicate_batches_are_counted_and_dropped(plant: Any, keeper: Keeper) -> None:
    group = plant.group(TagSpec(path="a/x"))
    for seq, value in ((5, 1.0), (5, 2.0), (3, 3.0), (6, 4.0)):
        plant.publish(group, [value], seq=seq)
    assert [b.seq for b in keeper.batches] == [5, 6]
    assert plant.hub.table.value[0] == 4.0
    figures = plant.hub.statistics()
    assert (figures["duplicate"], figures["late"], figures["batches"]) == (1, 1, 2)


def test_a_sample_from_the_future_is_kept_marked_and_blocks_nothing(plant: Any, clock: Any, keeper: Keeper) -> None:
    group = plant.group(TagSpec(path="a/x"), TagSpec(path="a/y"), TagSpec(path="a/s", type=ValueType.STRING))
    now = clock.wall_ns()
    far = now + admission.FUTURE_NS + 1
    times = np.array([far, now + admission.FUTURE_NS])
    quality = np.array([0, 0], np.uint16)
    plant.hub.publish(
        seal(
            group,
            1,
            plant.rows[group],
            np.array([1.0, 2.0]),
            times,
            quality,
            objects=(ObjectSample(TagHandle(2), "x", far, 0),),
        )
    )
    batch = keeper.batches[-1]
    assert batch.values.tolist() == [1.0, 2.0]
    assert batch.t_source.tolist() == [now, now + admission.FUTURE_NS]
    assert batch.quality.tolist() == [Quality.CLOCK_SUSPECT, Quality.GOOD]
    assert (batch.objects[0].t_source, batch.objects[0].quality) == (now, Quality.CLOCK_SUSPECT)
    assert times.tolist()[0] == far, "the source's own arrays stay as they were"
    plant.publish(group, [3.0, 4.0], t_source=now + 1, seq=2)
    assert plant.hub.table.quality[:2].tolist() == [0, 0]
    assert plant.hub.table.value[:2].tolist() == [3.0, 4.0]
    assert plant.hub.statistics()["suspect_clock"] == 2


def test_a_bad_sample_from_the_future_stays_bad(plant: Any, clock: Any, keeper: Keeper) -> None:
    group = plant.group(TagSpec(path="a/x"))
    plant.publish(group, [1.0], Quality.SENSOR_FAILURE, t_source=clock.wall_ns() + 10**12)
    assert keeper.batches[-1].quality.tolist() == [Quality.SENSOR_FAILURE]
    assert keeper.batches[-1].t_source.tolist() == [clock.wall_ns()]


def test_sixty_four_bits_are_kept_exactly(plant: Any, keeper: Keeper) -> None:
    group = plant.group(TagSpec(path="a/f"), TagSpec(path="a/i", type=ValueType.INT64))
    rows = np.array([1], np.int32)
    for value, changed in ((2**60, True), (2**60, False), (2**60 + 1, True)):
        exact = ExactBlock(rows, np.array([value], np.int64))
        plant.publish(group, [0.0, float(value)], exact=exact)
        assert keeper.changed[1] is changed
        assert plant.hub.table.exact[1] == value


def test_a_driver_that_gives_floats_for_integers_still_fills_the_exact_column(plant: Any, keeper: Keeper) -> None:
    group = plant.group(
        TagSpec(path="a/f"), TagSpec(path="a/i", type=ValueType.INT64), TagSpec(path="a/u", type=ValueType.UINT64)
    )
    plant.publish(group, [0.5, -7.0, 2.0**63])
    exact = keeper.batches[-1].exact
    assert exact is not None
    assert exact.rows.tolist() == [1, 2]
    assert exact.values.view(np.uint64).tolist() == [2**64 - 7, 2**63]
    plant.publish(group, [0.5, -7.5, np.nan])
    exact = keeper.batches[-1].exact
    assert exact is not None
    assert exact.rows.size == 0, "a scaled integer has no exact value, a missing one neither"
    assert keeper.changed == [False, True, True]


def test_the_quality_of_an_exact_row_is_a_change_too(plant: Any, keeper: Keeper) -> None:
    group = plant.group(TagSpec(path="a/i", type=ValueType.INT64), TagSpec(path="a/j", type=ValueType.INT64))
    plant.publish(group, [1.0, 1.0])
    plant.publish(group, [1.0, 1.0], np.array([0, Quality.UNCERTAIN], np.uint16))
    assert keeper.changed == [False, True]


def test_objects_equal_to_the_one_before_are_the_one_before(plant: Any, keeper: Keeper) -> None:
    group = plant.group(TagSpec(path="a/s", type=ValueType.STRING), TagSpec(path="a/w", shape=(2,)))
    wave = np.array([1.0, 2.0])
    plant.publish(group, [], objects={"a/s": "recipe", "a/w": wave})
    first = keeper.batches[-1].objects
    plant.publish(group, [], objects={"a/s": "".join(["rec", "ipe"]), "a/w": wave.copy()})
    again = keeper.batches[-1].objects
    assert [a.value is b.value for a, b in zip(first, again, strict=True)] == [True, True]
    plant.publish(group, [], objects={"a/s": "other", "a/w": wave * 2})
    assert keeper.batches[-1].objects[0].value == "other"
    assert plant.hub.statistics()["changed"] == 4


def test_strangers_are_refused_with_names(plant: Any) -> None:
    one = plant.group(TagSpec(path="a/x"))
    two = plant.group(TagSpec(path="b/x"), TagSpec(path="b/s", type=ValueType.STRING))
    column = np.array([1.0])
    for group, index, objects, text in (
        (GroupId(9), plant.rows[one], (), "group 9, which was never registered"),
        (two, plant.rows[one], (), "tags of group 0 came in a batch of group 1|'a/x', which is not of it"),
        (two, RowIndex([77]), (), "handle 77, only 3 are registered"),
        (one, plant.rows[one], (ObjectSample(TagHandle(2), "x", 1, 0),), "handle 2, which is not of group 0"),
    ):
        with pytest.raises(ValueError, match=text):
            plant.hub.publish(seal(group, 1, index, column.copy(), 1, 0, objects=objects))
    plant.publish(one, [1.0])
    with pytest.raises(ValueError, match="tags of group 0 came in a batch of group 1"):
        plant.hub.publish(seal(two, 1, plant.rows[one], column.copy(), 1, 0))


def test_a_part_of_a_group_may_come_alone(plant: Any, keeper: Keeper) -> None:
    group = plant.group(*(TagSpec(path=f"a/x{i}") for i in range(4)))
    part = RowIndex([1, 3])
    plant.hub.publish(seal(group, 1, part, np.array([10.0, 30.0]), plant.clock.wall_ns(), 0))
    table = plant.hub.table
    assert table.value[[1, 3]].tolist() == [10.0, 30.0]
    assert table.quality[:4].tolist() == [Quality.WAITING, 0, Quality.WAITING, 0]


ROWS = st.lists(
    st.tuples(
        st.one_of(st.floats(-10, 10), st.just(float("nan")), st.just(float("inf"))),
        st.sampled_from([0, 0, 0, Quality.UNCERTAIN, Quality.STALE]),
    ),
    min_size=7,
    max_size=7,
)


@settings(max_examples=60)
@given(st.lists(ROWS, min_size=1, max_size=6))
def test_rows_apart_and_together_are_admitted_alike(make_plant: Any, make_clock: Any, scans: list[Any]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(admission, "BLOCK", 3)
        deadbands = [0.0, 0.5, 1.0, 0.0, 2.0, 0.0, 0.25]
        specs = [TagSpec(path=f"a/x{i}", deadband=d) for i, d in enumerate(deadbands)]
        together, apart = make_plant(make_clock()), make_plant(make_clock())
        one = together.group(*specs)
        spaced = [s for spec in specs for s in (spec, TagSpec(path=spec.path.replace("a/", "hole/")))]
        handles = apart.hub.register_tags(spaced)[::2]
        two = apart.hub.register_group(GroupSpec("g", "a", 1, 1, RowIndex(handles)))
        apart.rows[two], apart.seq[two] = RowIndex(handles), 0
        keepers = Keeper(), Keeper()
        together.hub.add_sink(keepers[0])
        apart.hub.add_sink(keepers[1])
        for scan in scans:
            values = [v for v, _ in scan]
            quality = np.array([q for _, q in scan], np.uint16)
            together.publish(one, values, quality)
            apart.publish(two, values, quality.copy())
            assert keepers[0].changed == keepers[1].changed
    for column in ("value", "reported", "quality", "t_source"):
        left = getattr(together.hub.table, column)[:7]
        np.testing.assert_array_equal(left, getattr(apart.hub.table, column)[handles])
    assert together.hub.statistics() == {**apart.hub.statistics(), "tags": 7}


def test_tags_added_between_two_scans_move_the_columns(plant: Any, keeper: Keeper) -> None:
    group = plant.group(TagSpec(path="a/x"), TagSpec(path="a/y"))
    plant.publish(group, [1.0, 2.0])
    plant.hub.register_tags([TagSpec(path=f"b/t{i}") for i in range(5000)])
    plant.publish(group, [1.0, 3.0])
    assert keeper.changed == [False, True]
    assert plant.hub.table.value[:2].tolist() == [1.0, 3.0]


async def test_the_table_is_what_people_read(plant: Any, clock: Any, operator: Actor) -> None:
    group = plant.group(TagSpec(path="a/x"))
    before = (await plant.hub.read(["a/x"], operator))[0]
    assert (before.value, before.quality, before.age) == (None, Quality.WAITING, float("inf"))
    assert before.reason == "waiting for the first value: a has not answered since its start 0.0 s ago"
    plant.publish(group, [4.5])
    await clock.advance(0.25)
    reading = (await plant.hub.read(["a/x"], operator))[0]
    assert (reading.value, reading.quality, reading.reason, reading.age) == (4.5, 0, "", 0.25)

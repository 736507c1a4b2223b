from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from sereno.hub.rights import MAX_QUESTIONS, MAX_ROLE_SETS
from sereno.model import SampleBatch, TagSpec


class Recorder:
    def __init__(self) -> None:
        self.seqs: list[tuple[int, int]] = []

    def accept(self, batch: SampleBatch) -> None:
        self.seqs.append((batch.group, batch.seq))


class Broken:
    def accept(self, batch: SampleBatch) -> None:
        raise OSError("disk full")


def test_a_broken_sink_costs_nobody_else(plant: Any) -> None:
    group = plant.group(TagSpec(path="a/x"))
    recorder = Recorder()
    plant.hub.add_sink(Broken())
    remove = plant.hub.add_sink(recorder)
    with capture_logs() as logs:
        for value in range(5):
            plant.publish(group, [value])
    assert len(recorder.seqs) == 5
    assert plant.hub.statistics()["sink_errors"] == 5
    assert [(line["sink"], line["errors"]) for line in logs] == [("Broken", 1), ("Broken", 2), ("Broken", 4)]
    remove()
    plant.publish(group, [9])
    assert len(recorder.seqs) == 5


def test_sinks_get_whole_batches_even_when_nothing_changed(plant: Any) -> None:
    group = plant.group(TagSpec(path="a/x"), TagSpec(path="a/y"))
    got: list[SampleBatch] = []

    class Sink:
        def accept(self, batch: SampleBatch) -> None:
            got.append(batch)

    plant.hub.add_sink(Sink())
    sent = plant.batch(group, [1.0, 2.0])
    plant.hub.publish(sent)
    plant.publish(group, [1.0, 2.0])
    assert got[0].values is sent.values
    assert got[0].index is sent.index
    assert got[0].t_hub == plant.clock.wall_ns()
    assert [len(b) for b in got] == [2, 2]
    assert not got[1].changed.any()  # type: ignore[union-attr]


def test_what_a_sink_publishes_is_told_after_and_to_all_in_one_order(plant: Any) -> None:
    source = plant.group(TagSpec(path="a/x"))
    derived = plant.group(TagSpec(path="d/y"))
    first, last = Recorder(), Recorder()

    class Derive:
        def accept(self, batch: SampleBatch) -> None:
            if batch.group == source:
                plant.publish(derived, [batch.values[0] * 2])

    plant.hub.add_sink(first)
    plant.hub.add_sink(Derive())
    plant.hub.add_sink(last)
    plant.publish(source, [1.0])
    plant.publish(source, [2.0])
    assert first.seqs == last.seqs == [(source, 1), (derived, 1), (source, 2), (derived, 2)]
    assert plant.hub.table.value[:2].tolist() == [2.0, 4.0]


def test_directory_and_statistics(plant: Any) -> None:
    plant.group(TagSpec(path="a/x"))
    assert {h: s.path for h, s in plant.hub.directory().items()} == {0: "a/x"}
    plant.group(TagSpec(path="a/y"))
    assert [plant.hub.spec(h).path for h in plant.hub.directory()] == ["a/x", "a/y"]
    assert plant.hub.statistics()["tags"] == 2
    assert all(isinstance(v, int) for v in plant.hub.statistics().values())


async def test_the_cache_of_rights_is_bounded_and_grows_with_the_plant(plant: Any) -> None:
    from sereno.access.actor import Actor, Permission, Right, Role

    plant.group(TagSpec(path="a/x"))
    for number in range(MAX_ROLE_SETS + 10):
        role = Role(f"r{number}", (Permission(Right.READ, "*"),))
        await plant.hub.tags([], Actor("x", (role,)))
    assert len(plant.hub._rights._masks) == MAX_ROLE_SETS
    plant.group(TagSpec(path="a/y"))
    assert len(await plant.hub.tags([], Actor("x", (role,)))) == 2
    for number in range(MAX_QUESTIONS + 10):
        await plant.hub.tags([f"a/{number}*"], Actor("x", (role,)))
    assert len(plant.hub._rights._answers) == MAX_QUESTIONS
    assert len(await plant.hub.tags([], Actor("x", (role,)))) == 2
    assert await plant.hub.tags([], Actor("y")) == []


@pytest.mark.parametrize("lossless", [False, True])
async def test_a_subscription_to_nothing_waits(plant: Any, operator: Any, lossless: bool) -> None:
    subscription = await plant.hub.subscribe([], operator, lossless=lossless)
    assert len((await anext(subscription)).index) == 0
    await subscription.close()

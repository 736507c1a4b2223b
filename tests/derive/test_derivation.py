"""Derived tags over a real hub: values, quality with its reason, time, order, and one batch a device."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sereno.access.actor import ROLES, Actor
from sereno.client import GroupSpec, Reading
from sereno.derive.derivation import Derivation
from sereno.derive.rule import CycleError, DerivedRule
from sereno.expression.compiler import compile_expression
from sereno.hub.hub import Hub
from sereno.model import LinkState, ObjectSample, Quality, RowIndex, SampleBatch, TagHandle, TagSpec, ValueType, seal
from sereno.testing import JumpingClock

READER = Actor("reader", (ROLES["viewer"],))
SOURCES = (
    TagSpec(path="lab/a/flow", unit="l/s"),
    TagSpec(path="lab/a/level"),
    TagSpec(path="lab/b/flow", unit="l/s"),
    TagSpec(path="lab/b/name", type=ValueType.STRING),
)


class Bench:
    """A hub with two devices, and derived tags over them. `batches` are those that the hub told."""

    def __init__(self, *rules: DerivedRule) -> None:
        self.clock = JumpingClock()
        self.hub = Hub(self.clock)
        self.batches: list[SampleBatch] = []
        self.hub.register_tags(SOURCES)
        self.index = {"a": RowIndex([0, 1]), "b": RowIndex([2])}
        self.groups = {
            "a": self.hub.register_group(GroupSpec("default", "lab/a", 0.1, 1.0, self.index["a"])),
            "b": self.hub.register_group(GroupSpec("default", "lab/b", 0.1, 1.0, self.index["b"], (3,))),
        }
        known = {spec.path: (handle, spec) for handle, spec in enumerate(SOURCES)}
        self.derivation = Derivation(rules, self.hub, self.clock, known)
        self.hub.add_sink(self)
        self.hub.add_sink(self.derivation)
        self.seq = 0

    def accept(self, batch: SampleBatch) -> None:
        self.batches.append(batch)

    def tell(
        self, device: str, *values: float, quality: int = 0, name: str | None = None, t: int | None = None
    ) -> None:
        self.seq += 1
        t = self.clock.wall_ns() if t is None else t
        objects = () if name is None else (ObjectSample(TagHandle(3), name, t, quality),)
        batch = seal(self.groups[device], self.seq, self.index[device], np.array(values), t, quality, objects=objects)
        self.hub.publish(batch)

    async def read(self, path: str) -> Reading:
        return (await self.hub.read([path], READER))[0]


def rule(path: str, text: str, kind: ValueType = ValueType.FLOAT64) -> DerivedRule:
    expression = compile_expression(text, lambda p: TagSpec(path=p))
    return DerivedRule(spec=TagSpec(path=path, type=kind), inputs=expression.paths, expression=expression)


def called(path: str, function: Callable[..., Any], *inputs: str, kind: ValueType = ValueType.FLOAT64) -> DerivedRule:
    return DerivedRule(spec=TagSpec(path=path, type=kind), inputs=inputs, function=function)


async def test_a_value_follows_its_sources_with_the_newest_of_their_times() -> None:
    bench = Bench(rule("sum/x/flow", "lab/a/flow + lab/b/flow"))
    waiting = await bench.read("sum/x/flow")
    assert (waiting.value, waiting.quality) == (None, Quality.WAITING)
    bench.tell("a", 1.5, 0.0, t=1000)
    assert (await bench.read("sum/x/flow")).quality == Quality.WAITING
    bench.tell("b", 2.0, t=3000)
    found = await bench.read("sum/x/flow")
    assert (found.value, found.quality, found.t_source) == (3.5, 0, 3000)
    bench.tell("a", 4.0, 0.0, t=2000)
    found = await bench.read("sum/x/flow")
    assert (found.value, found.t_source) == (6.0, 3000)


async def test_the_worst_quality_goes_through_and_names_the_source() -> None:
    bench = Bench(rule("sum/x/flow", "lab/a/flow + lab/b/flow"), rule("sum/y/double", "sum/x/flow * 2"))
    bench.tell("a", 1.0, 0.0)
    bench.tell("b", 2.0)
    bench.hub.report_link("lab/b", LinkState.DOWN, "connection refused")
    bench.clock.advance(1.5)
    bench.tell("a", 1.0, 0.0)
    bench.hub._freshness.check()
    found = await bench.read("sum/y/double")
    assert found.quality == Quality.NOT_CONNECTED
    assert "lab/b/flow: not connected" in found.reason
    bench.tell("b", 3.0)
    found = await bench.read("sum/y/double")
    assert (found.value, found.quality, found.reason) == (8.0, 0, "")


async def test_a_diamond_is_worked_out_once_and_told_once() -> None:
    seen: list[tuple[float, float]] = []

    def both(left: float, right: float) -> float:
        seen.append((left, right))
        return left + right

    bench = Bench(
        called("top/x/both", both, "mid/x/left", "mid/x/right"),
        rule("mid/x/left", "lab/a/flow + 1"),
        rule("mid/x/right", "lab/a/flow + 2"),
    )
    bench.tell("a", 10.0, 0.0)
    bench.tell("a", 20.0, 0.0)
    assert seen == [(11.0, 12.0), (21.0, 22.0)]
    assert [batch.values.tolist() for batch in bench.batches if len(batch.index) == 1] == [[23.0], [43.0]]


async def test_fifty_rules_of_one_form_are_one_computation() -> None:
    rules = [rule(f"many/d{n}/x", "lab/a/flow * 2 - lab/a/level") for n in range(50)]
    bench = Bench(*rules)
    bench.tell("a", 3.0, 1.0)
    assert {(await bench.read(f"many/d{n}/x")).value for n in range(50)} == {5.0}
    assert [len(level) for level in bench.derivation._order] == [1]


async def test_text_passes_through_and_functions_take_it() -> None:
    bench = Bench(
        rule("face/x/name", "lab/b/name", ValueType.STRING),
        called("face/x/shout", lambda name: name.upper(), "lab/b/name", kind=ValueType.STRING),
        called("face/x/length", len, "lab/b/name"),
    )
    bench.tell("b", 1.0, name="pump")
    assert [(await bench.read(f"face/x/{n}")).value for n in ("name", "shout", "length")] == ["pump", "PUMP", 4.0]


async def test_a_function_that_fails_makes_its_own_tag_bad_and_nothing_else() -> None:
    bench = Bench(called("x/x/inverse", lambda flow: 1 / flow, "lab/a/flow"), rule("x/x/same", "lab/a/flow"))
    bench.tell("a", 0.0, 0.0)
    assert (await bench.read("x/x/inverse")).quality == Quality.CONFIGURATION_ERROR
    assert (await bench.read("x/x/same")).value == 0.0
    bench.tell("a", 4.0, 0.0)
    assert (await bench.read("x/x/inverse")).value == 0.25


async def test_a_function_is_not_asked_about_bad_inputs() -> None:
    bench = Bench(called("x/x/f", lambda flow: 1 / 0, "lab/a/flow"))
    bench.tell("a", 1.0, 0.0, quality=Quality.SENSOR_FAILURE)
    found = await bench.read("x/x/f")
    assert (found.value, found.quality) == (None, Quality.SENSOR_FAILURE)


async def test_what_did_not_move_is_confirmed_once_a_second() -> None:
    bench = Bench(rule("sum/x/flow", "lab/a/flow"))
    for _ in range(40):
        bench.tell("a", 1.0, 0.0)
        bench.clock.advance(0.1)
    assert bench.derivation.devices[0].batches == 4
    assert (await bench.read("sum/x/flow")).age < 1.1


async def test_a_change_that_no_derived_tag_needs_is_not_worked_on() -> None:
    bench = Bench(rule("sum/x/flow", "lab/b/flow"))
    bench.tell("a", 1.0, 0.0)
    assert bench.derivation.devices[0].batches == 0


def test_cycles_are_refused() -> None:
    with pytest.raises(CycleError, match=r"x/x/a -> x/x/b -> x/x/a|x/x/b -> x/x/a -> x/x/b"):
        Bench(rule("x/x/a", "x/x/b + 1"), rule("x/x/b", "x/x/a + 1"))


@settings(max_examples=40)
@given(st.data())
def test_whatever_comes_the_sums_are_those_of_the_present_values(data: st.DataObject) -> None:
    chain = [rule("c/d/t0", "lab/a/flow + lab/b/flow")]
    chain += [rule(f"c/d/t{n}", f"c/d/t{n - 1} + lab/a/level") for n in range(1, 6)]
    data.draw(st.randoms()).shuffle(chain)
    bench = Bench(*chain)
    flow, level, other = math.nan, math.nan, math.nan
    for _ in range(data.draw(st.integers(1, 8))):
        number = st.floats(-1e6, 1e6)
        if data.draw(st.booleans()):
            flow, level = data.draw(number), data.draw(number)
            bench.tell("a", flow, level)
        else:
            other = data.draw(number)
            bench.tell("b", other)
    table = bench.hub.table
    values = [table.value[table.paths.get(f"c/d/t{n}")] for n in range(6)]  # type: ignore[index]
    expected = flow + other
    for value in values:
        assert value == pytest.approx(expected, nan_ok=True, rel=1e-9, abs=1e-3)
        expected += level


async def test_other_rules_begin_with_what_the_sources_are_and_never_wait() -> None:
    bench = Bench(rule("sum/x/flow", "lab/a/flow + lab/b/flow"), rule("sum/x/old", "lab/a/level"))
    bench.tell("a", 1.5, 2.0)
    bench.tell("b", 2.0)
    handle = bench.hub.table.handle("sum/x/flow")
    told = len(bench.batches)
    fresh = [rule("sum/x/flow", "lab/a/flow * 10"), rule("sum/y/both", "sum/x/flow + lab/b/flow")]
    known = {spec.path: (handle, spec) for handle, spec in enumerate(SOURCES)}
    with bench.hub.keeping([one.spec for one in fresh]):
        bench.derivation.retire()
        bench.derivation.build(fresh, known)
        bench.derivation.take_up(bench.hub.held())
    assert bench.hub.table.handle("sum/x/flow") == handle
    assert (await bench.read("sum/x/flow")).value == 15.0
    assert (await bench.read("sum/y/both")).value == 17.0
    assert bench.hub.table.paths.get("sum/x/old") is None
    mine = [one for one in bench.batches[told:] if handle in one.handles.tolist()]
    assert all(quality != Quality.WAITING for one in mine for quality in one.quality.tolist())
    assert [status.path for status in bench.derivation.status()] == ["sum/x", "sum/y"]
    bench.tell("a", 2.0, 0.0)
    assert (await bench.read("sum/y/both")).value == 22.0

"""The hub against a plain dict: whatever comes in whatever order, both tell the same."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from sereno.access.actor import ROLES, Actor
from sereno.client import Update
from sereno.hub.admission import FUTURE_NS
from sereno.hub.subscription import QueueLimits
from sereno.model import ExactBlock, Quality, TagSpec, ValueType

OLGA = Actor("olga", (ROLES["viewer"],))
SPECS = {
    "one": (
        TagSpec(path="a/one/plain"),
        TagSpec(path="a/one/coarse", deadband=1.0),
        TagSpec(path="a/one/flag", type=ValueType.BOOL),
        TagSpec(path="a/one/total", type=ValueType.INT64),
        TagSpec(path="a/one/energy", type=ValueType.UINT64, deadband=3),
        TagSpec(path="a/one/recipe", type=ValueType.STRING),
    ),
    "two": (
        TagSpec(path="a/two/state", type=ValueType.ENUM, labels=("off", "on")),
        TagSpec(path="a/two/level", deadband_percent=10, low=0, high=20),
    ),
}
STALE_AFTER = {"one": 1.0, "two": 3.0}
FLOATS = st.sampled_from([0.0, 0.5, 0.9, 1.5, 2.5, 7.25, math.nan, math.inf, -3.0])
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "plain": FLOATS,
    "coarse": FLOATS,
    "level": FLOATS,
    "flag": st.sampled_from([0.0, 1.0]),
    "state": st.sampled_from([0.0, 1.0, 2.0]),
    "total": st.sampled_from([0, 1, 2**60, 2**60 + 1, -(2**63)]),
    "energy": st.sampled_from([0, 2, 3, 4, 2**63, 2**64 - 1]),
    "recipe": st.sampled_from(["", "blue", "green"]),
}
QUALITY = st.sampled_from([0, 0, 0, 0, Quality.UNCERTAIN, Quality.SENSOR_FAILURE])


@dataclass
class Kept:
    """What the model knows of a tag."""

    spec: TagSpec
    value: Any = None
    reported: Any = None
    quality: int = Quality.WAITING
    t_source: int = 0


@dataclass
class Reader:
    """What a subscriber knows from its updates alone."""

    subscription: Any
    lossless: bool
    picture: dict[str, tuple[Any, int, int]] = field(default_factory=dict)
    expected: list[dict[str, tuple[Any, int, int]]] = field(default_factory=list)


def same(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b):
        return True
    return bool(a == b)


def moved(kept: Kept, value: Any) -> bool:
    old = kept.reported
    if old is None or isinstance(value, str):
        return bool(old != value)
    if math.isnan(value) or math.isnan(old):
        return not (math.isnan(value) and math.isnan(old))
    return bool(value != old and abs(value - old) > kept.spec.deadband_absolute)


class HubAgainstADict(RuleBasedStateMachine):
    plant_type: Any
    clock_type: Any

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = self.clock_type()
        self.plant = self.plant_type(self.clock, limits=QueueLimits(updates=10**6, values=10**9))
        self.tags = {s.path: Kept(s) for specs in SPECS.values() for s in specs}
        self.last: dict[str, float] = {}
        self.marked: set[str] = set()
        self.seq = dict.fromkeys(SPECS, -1)
        self.readers: list[Reader] = []

    @initialize()
    def build(self) -> None:
        self.groups = {
            name: self.plant.group(*specs, device=f"a/{name}", stale_after=STALE_AFTER[name])
            for name, specs in SPECS.items()
        }
        self.last = dict.fromkeys(SPECS, self.clock.now)

    @rule(data=st.data(), name=st.sampled_from(list(SPECS)), step=st.sampled_from([1, 1, 1, 2, 0, -1]))
    def scan(self, data: st.DataObject, name: str, step: int) -> None:
        rows = [s for s in SPECS[name] if s.is_row]
        objects = [s for s in SPECS[name] if not s.is_row]
        drawn = {s.path: data.draw(VALUES[s.name], s.name) for s in SPECS[name]}
        codes = [data.draw(QUALITY, "quality") for _ in rows]
        ahead = data.draw(st.sampled_from([0, 0, 0, FUTURE_NS + 1]), "clock ahead")
        seq = max(0, self.seq[name] + step)
        exact = [(i, drawn[s.path]) for i, s in enumerate(rows) if s.type.is_exact]
        now = self.clock.wall_ns()
        self.plant.publish(
            self.groups[name],
            [float(drawn[s.path]) for s in rows],
            np.array(codes, np.uint16),
            seq=seq,
            t_source=now + ahead,
            exact=ExactBlock(
                np.array([i for i, _ in exact], np.int32),
                np.array([v % 2**64 for _, v in exact], np.uint64).view(np.int64),
            )
            if exact
            else None,
            objects={s.path: drawn[s.path] for s in objects},
        )
        if seq <= self.seq[name]:
            return
        self.seq[name] = seq
        self.last[name] = self.clock.now
        self.marked.discard(name)
        news = {}
        for spec, code in [*zip(rows, codes, strict=True), *((o, 0) for o in objects)]:
            suspect = ahead and spec.is_row
            seen = int(Quality.CLOCK_SUSPECT if suspect and code < Quality.UNCERTAIN else code)
            self.take(news, spec.path, drawn[spec.path], seen, now)
        self.tell(news)

    def take(self, news: dict[str, Any], path: str, value: Any, code: int, t_source: int) -> None:
        kept = self.tags[path]
        if moved(kept, value) or code != kept.quality:
            news[path] = (value, code, t_source)
            kept.reported = value
        kept.value, kept.quality, kept.t_source = value, code, t_source

    def tell(self, news: dict[str, Any]) -> None:
        for reader in self.readers:
            mine = {t.path for t in reader.subscription.tags}
            part = {p: v for p, v in news.items() if p in mine}
            if part:
                reader.expected.append(part)

    @rule(seconds=st.sampled_from([0.3, 0.8, 1.5, 4.0]))
    def silence(self, seconds: float) -> None:
        self.clock.now += seconds
        self.plant.hub._freshness.check()
        for name, specs in SPECS.items():
            if self.clock.now - self.last[name] > STALE_AFTER[name] and name not in self.marked:
                self.marked.add(name)
                news = {}
                for spec in specs:
                    kept = self.tags[spec.path]
                    missing = math.nan if spec.is_row else None
                    news[spec.path] = (missing if kept.value is None else kept.value, Quality.STALE, kept.t_source)
                    kept.reported, kept.quality = kept.value, Quality.STALE
                self.tell(news)

    @precondition(lambda self: len(self.readers) < 5)
    @rule(glob=st.sampled_from(["*", "a/one", "a/two/level", "*e*"]), lossless=st.booleans())
    def subscribe(self, glob: str, lossless: bool) -> None:
        subscription = self.run(self.plant.hub.subscribe([glob], OLGA, lossless=lossless))
        reader = Reader(subscription, lossless)
        if lossless:
            reader.expected.append({t.path: self.shown(t.path) for t in subscription.tags})
        self.readers.append(reader)

    @precondition(lambda self: self.readers)
    @rule(data=st.data())
    def read_one(self, data: st.DataObject) -> None:
        reader = data.draw(st.sampled_from(self.readers), "reader")
        if reader.lossless and reader.expected:
            got = self.rows(reader, self.run(anext(reader.subscription)))
            self.agree(got, reader.expected.pop(0))
        elif not reader.lossless:
            self.catch_up(reader)

    @precondition(lambda self: self.readers)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        reader = data.draw(st.sampled_from(self.readers), "reader")
        self.readers.remove(reader)
        self.run(reader.subscription.close())

    def catch_up(self, reader: Reader) -> None:
        """A screen that reads now knows every tag as it was last worth telling, or better."""
        stream = reader.subscription
        while stream.queued or not reader.picture:
            reader.picture.update(self.rows(reader, self.run(anext(stream))))
        reader.expected.clear()
        for path, (value, quality, _) in reader.picture.items():
            kept = self.tags[path]
            assert quality == kept.quality
            if kept.value is not None:
                assert not moved(Kept(kept.spec, reported=value), kept.value) or not moved(kept, value)

    def rows(self, reader: Reader, update: Update) -> dict[str, tuple[Any, int, int]]:
        tags = reader.subscription.tags
        exact = dict(zip(update.exact_rows.tolist(), update.exact_values.tolist(), strict=True))
        got = {}
        for row, position in enumerate(update.index.tolist()):
            spec = tags[position]
            value = float(update.values[row])
            if row in exact and not math.isnan(value):
                value = exact[row] % 2**64 if spec.type is ValueType.UINT64 else exact[row]
            got[spec.path] = (value, int(update.quality[row]), int(update.t_source[row]))
        for position, value, t_source, quality in update.objects:
            got[tags[position].path] = (value, quality, t_source)
        return got

    def shown(self, path: str) -> tuple[Any, int, int]:
        kept = self.tags[path]
        missing = math.nan if kept.spec.is_row else None
        return (missing if kept.value is None else kept.value, kept.quality, kept.t_source)

    def agree(self, got: dict[str, Any], expected: dict[str, Any]) -> None:
        assert got.keys() == expected.keys()
        for path, (value, quality, t_source) in expected.items():
            assert same(got[path][0], value), path
            assert got[path][1:] == (quality, t_source), path

    @invariant()
    def the_table_is_the_dict(self) -> None:
        if self.last:
            for reading in self.run(self.plant.hub.read([], OLGA)):
                kept = self.tags[reading.tag.path]
                assert (reading.quality, reading.t_source) == (kept.quality, kept.t_source)
                assert same(reading.value, self.for_people(kept)), reading.tag.path

    def for_people(self, kept: Kept) -> Any:
        value, bad = kept.value, kept.quality >= Quality.BAD
        if value is None or (isinstance(value, float) and math.isnan(value) and bad):
            return None
        if kept.spec.type is ValueType.ENUM:
            return ["off", "on", 2][int(value)]
        return bool(value) if kept.spec.type is ValueType.BOOL else value

    def run(self, coroutine: Any) -> Any:
        return self.loop.run_until_complete(coroutine)

    def teardown(self) -> None:
        self.plant.hub.close()
        self.loop.close()


def test_the_hub_is_a_dict(make_plant: Any, make_clock: Any) -> None:
    class Machine(HubAgainstADict):
        plant_type = make_plant
        clock_type = make_clock

    run_state_machine_as_test(Machine, settings=settings(max_examples=100, stateful_step_count=25, deadline=None))


def test_the_model_catches_a_planted_fault(make_plant: Any, make_clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects told as unchanged when they changed: the machine must see it."""
    monkeypatch.setattr("sereno.hub.admission.same_object", lambda a, b: True)

    class Machine(HubAgainstADict):
        plant_type = make_plant
        clock_type = make_clock

    quick = settings(
        max_examples=50, stateful_step_count=20, deadline=None, phases=[Phase.generate], print_blob=False, database=None
    )
    with pytest.raises((AssertionError, ExceptionGroup)):
        run_state_machine_as_test(Machine, settings=quick)

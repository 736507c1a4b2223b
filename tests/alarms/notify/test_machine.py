"""The machine of pipelines: examples, and a walk against what must always hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from sereno.alarms.notify.machine import NEVER, Pipelines
from sereno.alarms.notify.pipeline import Case, Notice, PipelineSpec, Recipient, StepSpec
from sereno.client import AlarmKind, AlarmSpec

S = 10**9
T0 = 1_767_225_600 * S
IDS = ("a.hi", "b.hi", "c.hi", "d.hi")
ALARMS = [
    AlarmSpec(id=name, source=name, kind=AlarmKind.HI, inputs=(name,), priority=1 + at) for at, name in enumerate(IDS)
]
TWO = (StepSpec(by=("mail",), to=("olga",)), StepSpec(by=("mail", "horn"), to=("eva",), after=300))


def who(step: StepSpec, t: int) -> tuple[Recipient, ...]:
    del t
    return tuple(Recipient(person if way == "mail" else "", way) for way in step.by for person in step.to)


def machine(absent: tuple[str, ...] = (), **given: Any) -> Pipelines:
    spec = PipelineSpec(**{"name": "p", "steps": TWO, "group": 0.0, **given})
    return Pipelines([spec], ALARMS, lambda step, t: tuple(r for r in who(step, t) if r.person not in absent))


def told(notices: list[Notice]) -> list[tuple[str, int, str, str]]:
    return [
        (n.kind, n.step, "".join(line.alarm[0] for line in n.lines), " ".join(r.person or r.way for r in n.recipients))
        for n in notices
    ]


def test_told_at_once_and_the_next_if_nobody_acknowledges() -> None:
    p = machine()
    p.raised("a.hi", T0)
    assert told(p.tick(T0)) == [("alarms", 0, "a", "olga")]
    assert p.next_due == T0 + 300 * S
    assert p.tick(T0 + 299 * S) == []
    assert told(p.tick(T0 + 300 * S)) == [("alarms", 1, "a", "eva horn")]
    assert p.next_due == NEVER
    p.ended("a.hi", T0 + 400 * S, "acknowledged")
    assert p.cases == {}


def test_who_acknowledges_ends_it() -> None:
    p = machine()
    p.raised("a.hi", T0)
    p.tick(T0)
    p.ended("a.hi", T0 + 10 * S, "acknowledged")
    assert p.tick(T0 + 900 * S) == []


def test_what_goes_within_the_delay_is_not_told_and_what_goes_later_still_waits() -> None:
    p = machine(steps=(StepSpec(by=("mail",), to=("olga",), after=60),))
    p.raised("a.hi", T0)
    p.raised("b.hi", T0)
    p.cleared("a.hi", T0 + 59 * S)
    assert told(p.tick(T0 + 60 * S)) == [("alarms", 0, "b", "olga")]
    p.cleared("b.hi", T0 + 70 * S)
    assert p.cases["p", "b.hi"].gone
    p = machine(until="returned")
    p.raised("a.hi", T0)
    p.tick(T0)
    p.cleared("a.hi", T0 + 10 * S)
    assert p.tick(T0 + 300 * S) == []


def test_a_storm_is_two_notices() -> None:
    """The first goes at once; what comes within the group's time goes together, in the order in which it came."""
    p = machine(group=30.0, storm=2)
    p.raised("d.hi", T0)
    assert told(p.tick(T0)) == [("alarms", 0, "d", "olga")]
    for at, name in enumerate(("b.hi", "c.hi", "a.hi")):
        p.raised(name, T0 + (at + 1) * S)
        assert p.tick(T0 + (at + 1) * S) == []
    assert p.next_due == T0 + 30 * S
    assert told(p.tick(T0 + 30 * S)) == [("storm", 0, "bca", "olga")]


def test_ten_thousand_at_once_are_two_notices_and_the_first_out_is_told_first() -> None:
    alarms = [
        AlarmSpec(id=f"x{at}.hi", source="x", kind=AlarmKind.HI, inputs=("x",), priority=2) for at in range(10_000)
    ]
    p = Pipelines([PipelineSpec(name="p", steps=TWO)], alarms, who)
    p.raised("x0.hi", T0)
    notices = p.tick(T0)
    for at, alarm in enumerate(alarms[:0:-1]):
        p.raised(alarm.id, T0 + at)
    assert p.tick(T0 + 29 * S) == []
    notices += p.tick(p.next_due)
    assert [(n.kind, len(n.lines)) for n in notices] == [("alarms", 1), ("storm", 9999)]
    assert [line.alarm for line in notices[1].lines[:2]] == ["x9999.hi", "x9998.hi"]


def test_a_clock_that_is_set_back_holds_nothing_up() -> None:
    p = machine(group=30.0)
    p.raised("a.hi", T0)
    p.tick(T0)
    p.raised("b.hi", T0 + S)
    back = T0 - 3600 * S
    assert told(p.tick(back)) == [("alarms", 0, "b", "olga")]
    assert told(p.tick(back + 300 * S)) == [("alarms", 1, "ab", "eva horn")]
    p = machine(steps=TWO[:1], digest=(7 * 60,))
    p.raised("a.hi", T0 + 8 * 3600 * S)
    p.tick(T0 + 8 * 3600 * S)
    assert p.tick(T0) == []
    assert len(p.tick(T0 + 7 * 3600 * S)) == 1


def test_chatter_is_told_once() -> None:
    p = machine()
    notices = []
    for at in range(100):
        p.raised("a.hi", T0 + at * S)
        notices += p.tick(T0 + at * S)
        p.cleared("a.hi", T0 + at * S + S // 2)
    assert len(notices) == 1


def test_where_nobody_is_the_next_step_is_due_at_once() -> None:
    p = machine(absent=("olga",))
    p.raised("a.hi", T0)
    assert told(p.tick(T0)) == [("alarms", 0, "a", ""), ("alarms", 1, "a", "eva horn")]


def test_whom_no_message_reached() -> None:
    p = machine()
    p.raised("a.hi", T0)
    p.tick(T0)
    p.unreached("p", 0, ["a.hi"], T0 + 20 * S)
    assert told(p.tick(T0 + 20 * S)) == [("alarms", 1, "a", "eva horn")]
    p.unreached("p", 0, ["a.hi"], T0 + 30 * S)
    p.unreached("p", 1, ["a.hi", "none"], T0 + 30 * S)
    assert p.tick(T0 + 30 * S) == []


def test_the_last_step_again_and_the_end() -> None:
    p = machine(steps=TWO[:1], repeat=600.0, tell_end=True)
    p.raised("a.hi", T0)
    found = [told(p.tick(T0 + at * 600 * S)) for at in range(3)]
    assert found == [[("alarms", 0, "a", "olga")]] * 3
    p.cleared("a.hi", T0 + 1300 * S)
    assert ("p", "a.hi") in p.cases, "gone and not acknowledged: it goes on"
    p.ended("a.hi", T0 + 1400 * S, "acknowledged")
    (notice,) = p.tick(T0 + 1400 * S)
    assert (notice.kind, notice.lines[0].over, notice.recipients) == ("ended", "acknowledged", (("olga", "mail"),))
    assert p.cases == {}


def test_a_digest_tells_at_its_times_whatever_became_of_it() -> None:
    p = machine(steps=TWO[:1], digest=(7 * 60,))
    for at in (1, 2, 3):
        p.raised("a.hi", T0 + at * S)
        p.ended("a.hi", T0 + at * S + 1, "normal")
    p.raised("b.hi", T0 + 5 * S)
    assert p.tick(T0 + 3600 * S) == []
    (notice,) = p.tick(T0 + 7 * 3600 * S)
    assert [(line.alarm, line.times, line.over) for line in notice.lines] == [("a.hi", 3, "normal"), ("b.hi", 1, "")]
    assert p.tick(T0 + 31 * 3600 * S) == [], "what still stands is told once"
    p.raised("b.hi", T0 + 40 * 3600 * S)
    assert len(p.tick(T0 + 55 * 3600 * S)) == 1


def test_only_what_fits() -> None:
    p = machine(priorities=(1, 3), alarms=("a*", "b*"))
    for name in IDS:
        p.raised(name, T0)
    assert told(p.tick(T0)) == [("alarms", 0, "a", "olga")]


def test_a_case_that_fits_its_pipeline_no_more_ends() -> None:
    p = machine(priorities=(1,), repeat=600.0)
    p.raised("a.hi", T0)
    p.tick(T0)
    less = [replace(one, priority=4) if one.id == "a.hi" else one for one in ALARMS]
    p.know(less, T0 + S)
    assert p.cases == {}
    assert p.tick(T0 + 3600 * S) == []


def test_a_case_that_was_restored_ends_whatever_fits_now() -> None:
    p = machine(priorities=(1,), repeat=600.0)
    p.restore(("p", "b.hi"), Case(T0, T0 + 10 * S))
    p.ended("b.hi", T0 + S, "acknowledged")
    assert p.tick(T0 + 3600 * S) == []


def test_what_stands_is_not_counted_again_by_a_digest() -> None:
    p = machine(steps=TWO[:1], digest=(8 * 60,))
    p.raised("a.hi", T0)
    for _ in range(3):
        p.stands("a.hi", T0)
    (notice,) = p.tick(p.next_due)
    assert [line.times for line in notice.lines] == [1]
    p.stands("a.hi", T0)
    assert p.tick(T0 + 48 * 3600 * S) == []
    p.raised("a.hi", T0 + 48 * 3600 * S)
    assert len(p.tick(T0 + 96 * 3600 * S)) == 1


def test_a_failed_word_of_the_end_hurries_nobody() -> None:
    p = machine(steps=(StepSpec(by=("mail",), to=("olga",), after=600),))
    p.raised("a.hi", T0)
    p.unreached("p", -1, ["a.hi"], T0 + S)
    assert p.next_due == T0 + 600 * S


def test_what_could_not_be_kept_is_told_again() -> None:
    p = machine()
    p.raised("a.hi", T0)
    taken = p.take_changed()
    p.raised("b.hi", T0)
    p.change_again(taken)
    assert p.take_changed() == [("p", "a.hi"), ("p", "b.hi")]


def test_a_pipeline_that_became_shorter() -> None:
    p = machine(steps=TWO[:1])
    p.restore(("p", "a.hi"), Case(T0, T0 + S, step=1))
    assert p.next_due == NEVER
    p.ended("a.hi", T0, "acknowledged")
    assert p.cases == {}


class Walk(RuleBasedStateMachine):
    """Any events, with restarts in between: nobody is told twice of a step, nothing that waits is forgotten."""

    def __init__(self) -> None:
        super().__init__()
        self.t = T0
        self.p = self.made()
        self.open: dict[str, int] = {}
        self.steps: dict[str, list[int]] = {}

    def made(self) -> Pipelines:
        return machine(group=20.0)

    @rule(alarm=st.sampled_from(IDS))
    def raise_it(self, alarm: str) -> None:
        self.p.raised(alarm, self.t)
        if alarm not in self.open:
            self.open[alarm], self.steps[alarm] = self.t, []

    @rule(alarm=st.sampled_from(IDS))
    def clear_it(self, alarm: str) -> None:
        self.p.cleared(alarm, self.t)

    @rule(alarm=st.sampled_from(IDS), how=st.sampled_from(["acknowledged", "shelved", "normal"]))
    def end_it(self, alarm: str, how: str) -> None:
        self.p.ended(alarm, self.t, how)
        self.open.pop(alarm, None)

    @rule(seconds=st.sampled_from([0, 1, 19, 20, 60, 299, 300, 301]))
    def wait(self, seconds: int) -> None:
        self.t += seconds * S
        for notice in self.p.tick(self.t):
            for line in notice.lines:
                assert line.alarm in self.open, "told of what is over"
                self.steps[line.alarm].append(notice.step)

    @rule()
    def restart(self) -> None:
        kept = {key: msgspec.json.encode(case) for key, case in self.p.cases.items()}
        self.p = self.made()
        for key, data in kept.items():
            self.p.restore(key, msgspec.json.decode(data, type=Case))

    @invariant()
    def each_step_once_and_in_order(self) -> None:
        for alarm, since in self.open.items():
            steps = self.steps[alarm]
            assert steps == list(range(len(steps)))
            assert len(steps) <= 2
            if not steps:
                assert self.p.next_due <= max(self.t, since) + 20 * S

    @invariant()
    def cases_are_those_that_are_open(self) -> None:
        assert {alarm for _, alarm in self.p.cases} == set(self.open)


TestWalk = Walk.TestCase
TestWalk.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)

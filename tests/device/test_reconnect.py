from __future__ import annotations

import random

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sereno.device import RetryConfig
from sereno.device._reconnect import (
    UNANSWERED_LIMIT,
    Action,
    Answered,
    Close,
    Complain,
    Connect,
    Connected,
    Due,
    Event,
    Failed,
    Lost,
    Phase,
    Reconnection,
    Recovered,
    Report,
    Start,
    Stop,
    Unanswered,
    Wait,
)
from sereno.model import LinkState


def machine(draw: float = 0.0, **retry: float) -> Reconnection:
    return Reconnection(RetryConfig(**retry), lambda: draw)


def run(subject: Reconnection, *events: Event) -> list[Action]:
    """The actions of the last event."""
    actions: list[Action] = []
    for event in events:
        actions = subject.on(event)
    return actions


def waits(actions: list[Action]) -> list[float]:
    return [a.seconds for a in actions if isinstance(a, Wait)]


def test_start_connects_at_once() -> None:
    assert run(machine(), Start()) == [Report(LinkState.CONNECTING, ""), Connect()]


def test_failure_waits_reports_and_complains_once() -> None:
    subject = machine()
    assert run(subject, Start(), Failed("refused")) == [
        Close(),
        Report(LinkState.DOWN, "refused"),
        Complain("refused"),
        Wait(0.5),
    ]
    assert run(subject, Due()) == [Report(LinkState.CONNECTING, "refused"), Connect()]
    assert run(subject, Failed("still refused")) == [Close(), Report(LinkState.DOWN, "still refused"), Wait(1.0)]


def test_back_off_doubles_up_to_the_maximum() -> None:
    subject = machine()
    run(subject, Start())
    found = []
    for _ in range(9):
        found += waits(run(subject, Failed("no")))
        run(subject, Due())
    assert found == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_jitter_only_shortens() -> None:
    assert waits(run(machine(draw=0.5, jitter=0.2), Start(), Failed("no"))) == [0.45]
    assert waits(run(machine(draw=1.0, jitter=1.0), Start(), Failed("no"))) == [0.0]


def test_an_answer_ends_the_outage_and_the_back_off() -> None:
    subject = machine()
    run(subject, Start(), Failed("no"), Due(), Failed("no"), Due())
    assert run(subject, Connected()) == [Report(LinkState.UP, "")]
    assert not subject.settled
    assert run(subject, Answered()) == [Recovered(2)]
    assert subject.settled
    assert run(subject, Answered()) == []
    assert waits(run(subject, Lost("gone"))) == [0.5]


def test_a_peer_that_accepts_and_hangs_up_is_tried_ever_more_rarely_and_logged_once() -> None:
    subject = machine()
    run(subject, Start())
    found: list[Action] = []
    for _ in range(5):
        found += run(subject, Connected())
        found += run(subject, Lost("hung up"))
        run(subject, Due())
    assert waits(found) == [0.5, 1, 2, 4, 8]
    assert sum(isinstance(a, Complain) for a in found) == 1


def test_lost_before_connected_counts_as_failed() -> None:
    subject = machine()
    assert run(subject, Start(), Lost("hello refused")) == []
    assert run(subject, Connected())[:2] == [Close(), Report(LinkState.DOWN, "hello refused")]
    assert subject.phase is Phase.WAITING


def test_silence_connects_anew() -> None:
    subject = machine(silence=5.0)
    run(subject, Start(), Connected(), Answered())
    for t in (10.0, 11.0, 14.9):
        assert run(subject, Unanswered(t, "timed out")) == []
    actions = run(subject, Unanswered(15.0, "timed out"))
    assert actions[:2] == [Close(), Report(LinkState.DOWN, "no answer for 5.0 s (timed out)")]


def test_silence_needs_several_scans_and_ends_with_an_answer() -> None:
    subject = machine(silence=5.0)
    run(subject, Start(), Connected())
    assert run(subject, Unanswered(0, "x"), Unanswered(60, "x")) == []
    assert run(subject, Answered(), Unanswered(61, "x"), Unanswered(62, "x"), Unanswered(63, "x")) == []


@pytest.mark.parametrize("before", [(), (Failed("no"),), (Connected(),)])
def test_stop_closes_from_everywhere(before: tuple[Event, ...]) -> None:
    subject = machine()
    assert run(subject, Start(), *before, Stop()) == [Close(), Report(LinkState.DOWN, "stopped")]
    assert run(subject, Connected(), Failed("late"), Lost("late"), Due(), Answered(), Stop()) == []
    assert subject.phase is Phase.STOPPED
    assert run(subject, Start())[-1] == Connect()


@pytest.mark.parametrize(
    "wrong",
    [
        {"initial": 0},
        {"initial": 2, "max": 1},
        {"factor": 0.5},
        {"jitter": 1.5},
        {"connect_timeout": 0},
        {"silence": 0},
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="retry"):
        RetryConfig(**wrong)


class ReconnectionLife(RuleBasedStateMachine):
    """Whatever happens, in whatever order: one attempt or wait at a time, bounded waits, one complaint per outage."""

    @initialize(seed=st.integers(0, 1000), jitter=st.floats(0, 1))
    def begin(self, seed: int, jitter: float) -> None:
        self.retry = RetryConfig(jitter=jitter)
        self.subject = Reconnection(self.retry, random.Random(seed).random)
        self.attempting = self.waiting = self.up = self.outage = False
        self.reported = LinkState.DOWN
        self.t = 0.0
        self.in_a_row = 0

    def feed(self, event: Event) -> None:
        before = self.subject.settled
        actions = self.subject.on(event)
        if isinstance(event, Answered) and before:
            assert actions == []
        assert sum(isinstance(a, Connect | Wait) for a in actions) <= 1
        for action in actions:
            self.perform(action)

    def perform(self, action: Action) -> None:
        match action:
            case Connect():
                assert not self.attempting
                assert not self.waiting
                self.attempting = True
            case Close():
                self.attempting = self.waiting = self.up = False
            case Wait(seconds):
                assert not self.waiting
                full = min(self.retry.max, self.retry.initial * self.retry.factor**self.in_a_row)
                assert full * (1 - self.retry.jitter) <= seconds <= full
                self.in_a_row += 1
                self.waiting = True
            case Report(state, error):
                self.reported = state
                self.up = state is LinkState.UP
                assert not (self.up and error)
            case Complain():
                assert not self.outage
                self.outage = True
            case Recovered():
                assert self.outage
                self.outage = False

    @rule()
    def start(self) -> None:
        if self.subject.phase is Phase.STOPPED:
            self.in_a_row, self.outage = 0, False
        self.feed(Start())

    @precondition(lambda self: self.attempting)
    @rule(ok=st.booleans())
    def attempt_ends(self, ok: bool) -> None:
        self.attempting = False
        self.feed(Connected() if ok else Failed("no"))

    @precondition(lambda self: self.waiting)
    @rule()
    def wait_ends(self) -> None:
        self.waiting = False
        self.feed(Due())

    @rule()
    def lost(self) -> None:
        self.feed(Lost("lost"))

    @rule()
    def answered(self) -> None:
        if self.up:
            self.in_a_row = 0
        self.feed(Answered())

    @rule(after=st.floats(0, 10), times=st.integers(1, UNANSWERED_LIMIT))
    def unanswered(self, after: float, times: int) -> None:
        for _ in range(times):
            self.t += after
            self.feed(Unanswered(self.t, "x"))

    @rule()
    def stop(self) -> None:
        self.feed(Stop())

    @rule(event=st.sampled_from([Connected(), Failed("late"), Due()]))
    def late_event_after_stop(self, event: Event) -> None:
        if self.subject.phase is Phase.STOPPED:
            assert self.subject.on(event) == []

    @invariant()
    def never_idle_unless_stopped(self) -> None:
        if not hasattr(self, "subject"):
            return
        busy = (self.attempting, self.waiting, self.up)
        assert sum(busy) == (self.subject.phase is not Phase.STOPPED), busy
        assert self.up == (self.reported is LinkState.UP)


TestReconnectionLife = ReconnectionLife.TestCase

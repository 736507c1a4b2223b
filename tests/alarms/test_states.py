"""The machine against a table written by hand: every state, every event; hypothesis, and a long random walk."""

from __future__ import annotations

import random
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from sereno.alarms import states
from sereno.alarms.machine import AlarmMachine
from sereno.alarms.states import NEXT, Event, is_code, state_of
from sereno.client import AlarmKind, AlarmState
from tests.alarms.rig import limit_alarm

ROOT = Path(__file__).parents[2]
WRITTEN = """
                     | raised         | cleared              | acknowledged         | reset
normal               | unacknowledged | normal               | normal               | normal
unacknowledged       | unacknowledged | returned/latched     | acknowledged         | unacknowledged
acknowledged         | acknowledged   | normal/latched_acknowledged | acknowledged  | acknowledged
returned             | unacknowledged | returned             | normal               | returned
latched              | unacknowledged | latched              | latched_acknowledged | latched
latched_acknowledged | unacknowledged | latched_acknowledged | latched_acknowledged | normal
"""
"""As people read it: where an event leads; after '/' of an alarm that latches."""


def written() -> dict[tuple[str, str, bool], str]:
    lines = [[cell.strip() for cell in line.split("|")] for line in WRITTEN.strip("\n").splitlines()]
    table = {}
    for line in lines[1:]:
        for event, cell in zip(lines[0][1:], line[1:], strict=True):
            plain, _, latching = cell.partition("/")
            table[line[0], event, False] = plain
            table[line[0], event, True] = latching or plain
    return table


TABLE = written()


class ByHand:
    """One alarm in words: a shown state, or reasons to hide it and whether its condition is there."""

    def __init__(self, latching: bool) -> None:
        self.latching = latching
        self.shown = "normal"
        self.hides: set[str] = set()

    @property
    def state(self) -> str:
        for hide, state in (("tagged", "out_of_service"), ("out", "out_of_service"), ("suppressed", "suppressed")):
            if hide in self.hides:
                return state
        return "shelved" if self.hides else self.shown

    def feed(self, event: str) -> None:
        begins = {"shelved": "shelved", "suppressed": "suppressed", "out_of_service": "out", "tagged_out": "tagged"}
        ends = {"unshelved": "shelved", "unsuppressed": "suppressed", "in_service": "out", "tagged_in": "tagged"}
        if event in begins:
            if not self.hides:
                self.shown = "unacknowledged" if self.shown in ("unacknowledged", "acknowledged") else "normal"
            self.hides.add(begins[event])
        elif event in ends:
            self.hides.discard(ends[event])
        elif not self.hides:
            self.shown = TABLE[self.shown, event, self.latching]
        elif event in ("raised", "cleared"):
            self.shown = "unacknowledged" if event == "raised" else "normal"


def test_every_event_in_every_state_is_as_written() -> None:
    seen = set()
    for (state, event, latching), after in TABLE.items():
        code = list(AlarmState).index(AlarmState(state))
        assert state_of(int(NEXT[int(latching), code, Event[event.upper()]])) == after, (state, event, latching)
        seen.add((state, event, latching))
    assert len(seen) == 6 * 4 * 2


def test_the_page_has_the_same_table() -> None:
    page = (ROOT / "docs" / "alarms.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \|(.*)\|$", page, re.MULTILINE)
    told = {name: [re.findall(r"`(\w+)`", cell) for cell in cells.split("|")] for name, cells in rows if "`" in cells}
    for state in list(AlarmState)[:6]:
        for event, names in zip(("raised", "cleared", "acknowledged", "reset"), told[state], strict=True):
            expected = list(dict.fromkeys(TABLE[state, event, latching] for latching in (False, True)))
            assert (names or [state]) == expected, (state, event)


@pytest.mark.parametrize("latching", [False, True])
def test_a_walk_of_a_million_steps(latching: bool) -> None:
    chooser = random.Random(7)
    model, code, visited = ByHand(latching), 0, set()
    table, events = NEXT[int(latching)].tolist(), [(int(event), event.name.lower()) for event in Event]
    words = [state_of(c).value if is_code(c) else "" for c in range(256)]
    for number, name in chooser.choices(events, k=500_000):
        code = table[code][number]
        model.feed(name)
        if words[code] != model.state:
            raise AssertionError((name, words[code], model.state))
        visited.add(code)
    assert visited == {c for c in range(256) if is_code(c) and c not in ((3,) if latching else (4, 5))}


class Walk(RuleBasedStateMachine):
    """Many alarms at once: columns as hand-made ones, events for any part of them."""

    def __init__(self) -> None:
        super().__init__()
        specs = [limit_alarm(f"a/b/t{i}", AlarmKind.HI, latch=bool(i % 2)) for i in range(8)]
        self.machine = AlarmMachine(specs)
        self.models = [ByHand(bool(i % 2)) for i in range(8)]
        self.t = 1

    @rule(drawn=st.binary(min_size=40, max_size=40))
    def twenty_events(self, drawn: bytes) -> None:
        for event, mask in zip(drawn[::2], drawn[1::2], strict=True):
            self.once(Event(event % len(Event)), {row for row in range(8) if mask & (1 << row)} or {0})
            self.same()

    def once(self, event: Event, rows: set[int]) -> None:
        self.t += 1
        before = self.machine.codes.copy()
        found = self.machine.apply(np.array(sorted(rows)), event, self.t, until=self.t if event is Event.SHELVED else 0)
        for row in rows:
            self.models[row].feed(event.name.lower())
        told = set() if found is None else set(found.rows.tolist())
        different = set(np.flatnonzero(before != self.machine.codes).tolist())
        assert different <= told <= rows
        if event is not Event.SHELVED:
            assert told == different

    def same(self) -> None:
        assert [state_of(code) for code in self.machine.codes.tolist()] == [model.state for model in self.models]


Walk.TestCase.settings = settings(max_examples=50, stateful_step_count=20, deadline=None)
TestWalk = Walk.TestCase


def test_a_wrong_table_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {**states.SHOWN, states.Base.RETURNED: (states.Base.UNACKNOWLEDGED,) + (states.Base.NORMAL,) * 3}
    monkeypatch.setattr(states, "SHOWN", wrong)
    monkeypatch.setitem(globals(), "NEXT", states._made())
    with pytest.raises(AssertionError):
        test_a_walk_of_a_million_steps(False)

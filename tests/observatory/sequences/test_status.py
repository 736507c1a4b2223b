"""The status machine of a sequence: what leads where, and that the end is the end."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.model import RefusedError
from sereno_observatory.sequences import Event, Status
from sereno_observatory.sequences.status import after

EVENTS = st.lists(st.sampled_from(list(Event)), max_size=12)


def walk(events: list[Event]) -> list[Status]:
    path = [Status.TOBEPLANNED]
    for event in events:
        try:
            path.append(after(path[-1], event))
        except RefusedError:
            path.append(path[-1])
    return path


@given(EVENTS)
def test_what_is_over_stays_over_and_only_what_was_started_is_executed(events: list[Event]) -> None:
    path = walk(events)
    for before, now in pairwise(path):
        assert not before.final or now is before
        if now in (Status.EXECUTED, Status.ABORTED, Status.FAILED) and now is not before:
            assert before is Status.EXECUTING


@given(EVENTS)
def test_every_sequence_that_is_not_over_can_be_cancelled(events: list[Event]) -> None:
    last = walk(events)[-1]
    assert last.final or after(last, Event.CANCEL) is Status.CANCELLED


def test_what_is_interrupted_waits_again_and_says_what_may_happen() -> None:
    assert after(Status.EXECUTING, Event.INTERRUPT) is Status.PLANNED
    assert after(Status.PLANNED, Event.START) is Status.EXECUTING
    with pytest.raises(RefusedError, match="that is EXECUTED cannot start; it can: nothing, it is over"):
        after(Status.EXECUTED, Event.START)
    with pytest.raises(RefusedError, match="it can: cancel, expire, replan"):
        after(Status.UNPLANNABLE, Event.START)

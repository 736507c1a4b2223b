"""The machine against a table written by hand, and what no command may ever do."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sereno.hub.command_life import TABLE, CommandLife, Event, Phase, Task
from sereno.model import AckState

BY_HAND = """
new         asked           requested   requested   authorise
requested   allowed         authorised  authorised  check
requested   refused         finished    refused     -
requested   expired         finished    timed_out   -
requested   stopped         finished    cancelled   -
requested   broken          finished    failed      -
authorised  picked          selected    selected    await_people
authorised  passed          checked     -           record
authorised  refused         finished    refused     -
authorised  expired         finished    timed_out   -
authorised  stopped         finished    cancelled   -
authorised  broken          finished    failed      -
selected    approved        selected    selected    await_people
selected    released        released    -           check_again
selected    withdrawn       finished    cancelled   -
selected    refused         finished    refused     -
selected    expired         finished    timed_out   -
selected    stopped         finished    cancelled   -
selected    broken          finished    failed      -
released    passed          checked     -           record
released    refused         finished    refused     -
released    expired         finished    timed_out   -
released    stopped         finished    cancelled   -
released    broken          finished    failed      -
checked     recorded        queued      accepted    wait_for_turn
checked     lost            finished    unknown     -
checked     refused         finished    refused     -
checked     expired         finished    timed_out   -
checked     stopped         finished    cancelled   -
checked     broken          finished    failed      -
queued      admitted        sending     -           send
queued      refused         finished    refused     -
queued      expired         finished    timed_out   -
queued      stopped         finished    cancelled   -
queued      broken          finished    failed      -
sending     confirmed       finished    done        -
sending     awaits_readback readback    progress    watch
sending     declined        finished    failed      -
sending     refused         finished    refused     -
sending     unsent          finished    failed      -
sending     expired         finished    timed_out   -
sending     lost            finished    unknown     -
sending     stopped         finished    unknown     -
sending     broken          finished    unknown     -
readback    matched         finished    done        -
readback    differed        finished    failed      -
readback    unseen          finished    unknown     -
readback    stopped         finished    unknown     -
readback    broken          finished    unknown     -
"""
Row = tuple[Phase, AckState | None, Task | None]


def rows() -> dict[tuple[Phase, Event], Row]:
    table = {}
    for line in BY_HAND.split("\n"):
        if line:
            phase, event, after, ack, task = line.split()
            table[Phase(phase), Event(event.replace("_", " "))] = (
                Phase(after),
                None if ack == "-" else AckState(ack),
                None if task == "-" else Task(task.replace("_", " ")),
            )
    return table


HAND = rows()


def test_the_table_is_the_one_written_by_hand() -> None:
    machine = {(p, e): (m.phase, m.ack, m.task) for p, moves in TABLE.items() for e, m in moves.items()}
    assert machine == HAND
    assert set(TABLE) == set(Phase)


class AnyLife(RuleBasedStateMachine):
    """Whatever happens to a command in whatever order."""

    def __init__(self) -> None:
        super().__init__()
        self.life = CommandLife()
        self.phase = Phase.NEW
        self.acks: list[AckState] = []
        self.tasks: list[Task] = []

    @rule(event=st.sampled_from(Event))
    def happen(self, event: Event) -> None:
        expected = HAND.get((self.phase, event))
        if expected is None:
            before = list(self.life.story)
            with pytest.raises(ValueError, match="cannot be"):
                self.life.feed(event)
            assert self.life.story == before
            return
        move = self.life.feed(event)
        assert (move.phase, move.ack, move.task) == expected
        self.phase = move.phase
        self.acks += [move.ack] if move.ack else []
        self.tasks += [move.task] if move.task else []

    @precondition(lambda self: self.phase is not Phase.FINISHED)
    @rule(data=st.data())
    def go_on(self, data: st.DataObject) -> None:
        self.happen(data.draw(st.sampled_from(sorted(e for p, e in HAND if p is self.phase))))

    @invariant()
    def one_final_ack_and_it_is_the_last(self) -> None:
        finals = [ack for ack in self.acks if ack.final]
        assert len(finals) == (self.phase is Phase.FINISHED)
        assert not finals or self.acks[-1] is finals[0]

    @invariant()
    def nothing_is_sent_twice_or_without_a_durable_intent(self) -> None:
        assert self.tasks.count(Task.SEND) <= 1
        if Task.SEND in self.tasks:
            assert self.tasks.index(Task.RECORD) < self.tasks.index(Task.SEND)

    @invariant()
    def what_waited_for_people_is_checked_again_before_it_goes(self) -> None:
        if Task.AWAIT_PEOPLE in self.tasks and Task.RECORD in self.tasks:
            assert Task.CHECK_AGAIN in self.tasks
            assert self.tasks.index(Task.CHECK_AGAIN) < self.tasks.index(Task.RECORD)

    @invariant()
    def what_was_sent_is_never_called_unsent(self) -> None:
        end = self.acks[-1] if self.acks and self.acks[-1].final else None
        if Task.SEND in self.tasks:
            assert end is not AckState.CANCELLED
            assert end is not AckState.REFUSED or self.life.story[-1] is Event.REFUSED
            assert end is not AckState.TIMED_OUT or self.life.story[-1] is Event.EXPIRED
        elif end is not None:
            assert end in (
                AckState.REFUSED,
                AckState.CANCELLED,
                AckState.TIMED_OUT,
                AckState.FAILED,
                AckState.UNKNOWN,
            )


TestAnyLife = AnyLife.TestCase
TestAnyLife.settings = settings(max_examples=200, stateful_step_count=15)


def test_an_impossible_event_tells_the_story() -> None:
    life = CommandLife()
    life.feed(Event.ASKED)
    with pytest.raises(ValueError, match="in phase 'requested' cannot be 'matched'; so far: asked"):
        life.feed(Event.MATCHED)

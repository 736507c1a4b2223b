from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from sereno.device._operation import Conditions, Operation
from sereno.model import TRANSITIONS, OperationalState

S = OperationalState


def test_a_device_comes_up_and_goes_down_step_by_step() -> None:
    subject = Operation()
    assert subject.update(started=True) == [S.STANDBY]
    assert subject.update(connected=True) == [S.DISABLED]
    assert subject.update(answering=True) == [S.ENABLED]
    assert subject.update(answering=True) == []
    assert subject.update(connected=False, answering=False) == [S.DISABLED, S.STANDBY]
    assert subject.update(started=False) == [S.OFFLINE]


def test_fault_and_back_passes_through_standby() -> None:
    subject = Operation()
    subject.update(started=True, connected=True, answering=True)
    assert subject.update(faulty=True) == [S.FAULT]
    assert subject.update(faulty=False) == [S.STANDBY, S.DISABLED, S.ENABLED]


def test_a_device_may_say_that_it_is_not_well_although_it_answers() -> None:
    subject = Operation()
    subject.update(started=True, connected=True, answering=True)
    assert subject.update(held=S.DISABLED) == [S.DISABLED]
    assert subject.update(held=S.FAULT) == [S.FAULT]
    assert subject.update(answering=False) == []
    assert subject.update(held=S.ENABLED, answering=True)[-1] is S.ENABLED
    assert subject.update(held=S.DISABLED, connected=False, answering=False)[-1] is S.STANDBY


def test_what_conditions_call_for() -> None:
    assert Conditions().state is S.OFFLINE
    assert Conditions(started=True, faulty=True).state is S.FAULT
    assert Conditions(faulty=True).state is S.OFFLINE
    assert Conditions(started=True, answering=True).state is S.STANDBY


class OperationLife(RuleBasedStateMachine):
    """Every step is in the table, and the way ends where the conditions say."""

    def __init__(self) -> None:
        super().__init__()
        self.subject = Operation()

    @rule(
        changes=st.dictionaries(
            st.sampled_from(["started", "connected", "answering", "faulty"]), st.booleans(), min_size=1
        )
    )
    def change(self, changes: dict[str, bool]) -> None:
        at = self.subject.state
        for step in self.subject.update(**changes):
            assert step in TRANSITIONS[at]
            at = step
        assert at is self.subject.state

    @invariant()
    def it_is_where_the_conditions_say(self) -> None:
        assert self.subject.state is self.subject.conditions.state


TestOperationLife = OperationLife.TestCase

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sereno.agents.guard import GuardMachine, GuardState, Verdict

T, F, U = Verdict.TRUE, Verdict.FALSE, Verdict.UNKNOWN
STEPS = st.lists(st.tuples(st.sampled_from(list(Verdict)), st.floats(0, 5)), max_size=60)
Answer = st.one_of(st.sampled_from(list(Verdict)), st.sampled_from([True, False]))


def test_it_acts_once_until_the_condition_was_false() -> None:
    machine = GuardMachine(hold=2.0, cooldown=0.0)
    told = [machine.feed(v, t) for v, t in [(T, 0), (T, 1.9), (T, 2.0), (T, 9), (U, 10), (F, 11), (T, 12), (T, 14)]]
    assert told == [False, False, True, False, False, False, False, True]


def test_without_hold_it_acts_at_once() -> None:
    assert GuardMachine(0.0, 0.0).feed(T, 5.0)


def test_after_a_gap_the_count_starts_anew_unless_unknown_counts() -> None:
    holding, acting = GuardMachine(2.0, 0.0), GuardMachine(2.0, 0.0, act_on_unknown=True)
    steps = [(T, 0.0), (U, 1.0), (T, 2.5)]
    assert [holding.feed(*s) for s in steps] == [False, False, False]
    assert [acting.feed(*s) for s in steps] == [False, False, True]
    assert holding.due == 4.5


def test_cooldown_puts_it_off_as_long_as_the_condition_holds() -> None:
    machine = GuardMachine(0.0, 60.0)
    assert machine.feed(T, 0.0)
    machine.feed(F, 1.0)
    assert not machine.feed(T, 2.0)
    assert (machine.state, machine.due) == (GuardState.PENDING, 60.0)
    assert machine.feed(T, 60.0)


def test_what_was_not_done_is_repeated_after_the_cooldown_while_the_condition_is_known_to_hold() -> None:
    machine = GuardMachine(2.0, 5.0, retry=True)
    assert [machine.feed(T, t) for t in (0.0, 2.0, 9.0)] == [False, True, False]
    machine.ended(1, done=False)
    assert (machine.state, machine.failed, machine.due) == (GuardState.RETRYING, 1, 7.0)
    assert not machine.feed(U, 9.5)
    assert machine.due is None
    assert machine.feed(T, 10.0)
    machine.ended(1, done=False)  # an answer to the first, which came late
    assert machine.failed == 1
    machine.ended(2, done=True)
    assert (machine.state, machine.failed, machine.due) == (GuardState.FIRED, 0, None)
    assert not machine.feed(T, 99.0)
    machine.feed(F, 100.0)
    assert not machine.feed(T, 101.0)


def test_what_was_done_without_effect_is_repeated_and_counts_as_not_done() -> None:
    machine = GuardMachine(0.0, 5.0, retry=True, effect=10.0)
    assert machine.feed(T, 0.0)
    machine.ended(1, done=True)
    assert not machine.feed(T, 1.0)
    assert (machine.state, machine.due, machine.failed) == (GuardState.FIRED, 11.0, 0)
    assert not machine.feed(U, 10.0)
    assert machine.feed(T, 11.0)
    assert machine.failed == 1
    machine.ended(2, done=True)
    machine.feed(T, 12.0)
    machine.feed(F, 13.0)
    assert (machine.failed, machine.due) == (0, None)
    assert not machine.feed(T, 14.0), "what is undone after it had its effect waits for the cooldown, as ever"
    assert machine.due == 16.0


@given(
    st.lists(st.tuples(Answer, st.floats(0, 5)), max_size=60),
    st.floats(0, 4),
    st.floats(0, 10),
    st.booleans(),
    st.floats(0.5, 10),
)
def test_with_an_effect_it_is_repeated_for_as_long_as_there_is_none(
    steps: list[tuple[Verdict | bool, float]], hold: float, cooldown: float, act_on_unknown: bool, effect: float
) -> None:
    """Never before the cooldown, and never with nothing more to come while the condition holds."""
    machine = GuardMachine(hold, cooldown, act_on_unknown=act_on_unknown, retry=True, effect=effect)
    now, last, answered = 0.0, None, True
    for step, passed in steps:
        now += passed
        if isinstance(step, bool):
            machine.ended(machine.acts, done=step)
            answered = True
            continue
        if machine.feed(step, now):
            assert last is None or now >= last + cooldown
            last, answered = now, False
        elif answered and (step is T or (step is U and act_on_unknown)):
            assert machine.due is not None
            assert machine.due > now


def test_without_retry_and_after_the_end_of_the_condition_nothing_is_repeated() -> None:
    machine = GuardMachine(0.0, 5.0)
    assert machine.feed(T, 0.0)
    machine.ended(1, done=False)
    assert (machine.state, machine.failed, machine.due) == (GuardState.FIRED, 1, None)
    other = GuardMachine(0.0, 5.0, retry=True)
    assert other.feed(T, 0.0)
    other.feed(F, 1.0)
    other.ended(1, done=False)
    assert (other.state, other.failed, other.due) == (GuardState.ARMED, 0, None)


@given(st.lists(st.tuples(Answer, st.floats(0, 5)), max_size=60), st.floats(0, 4), st.floats(0, 10), st.booleans())
def test_only_what_was_not_done_is_repeated_and_never_before_the_cooldown(
    steps: list[tuple[Verdict | bool, float]], hold: float, cooldown: float, act_on_unknown: bool
) -> None:
    """A step is a verdict, or the answer to the last act (True: done)."""
    machine = GuardMachine(hold, cooldown, act_on_unknown=act_on_unknown, retry=True)
    now, last, held_since, cleared, answered, failed = 0.0, None, None, True, None, 0
    for step, passed in steps:
        now += passed
        if isinstance(step, bool):
            machine.ended(machine.acts, done=step)
            if last is not None and not cleared and answered is None:
                answered, failed = step, 0 if step else failed + 1
            assert machine.failed == failed
            continue
        counts = step is T or (step is U and act_on_unknown)
        held_since = (now if held_since is None else held_since) if counts else None
        if not counts and step is F:
            cleared, failed = True, 0
        acted = machine.feed(step, now)
        rested = last is None or now >= last + cooldown
        first = cleared and held_since is not None and now >= held_since + hold
        again = not cleared and counts and answered is False
        assert acted == (rested and (first or again))
        if acted:
            cleared, last, answered = False, now, None


@given(STEPS, st.floats(0, 4), st.floats(0, 10), st.booleans())
def test_every_act_has_its_reason_and_none_follows_another_unasked(
    steps: list[tuple[Verdict, float]], hold: float, cooldown: float, act_on_unknown: bool
) -> None:
    machine = GuardMachine(hold, cooldown, act_on_unknown=act_on_unknown)
    now, held_since, cleared, last = 0.0, None, True, None
    for verdict, passed in steps:
        now += passed
        counts = verdict is T or (verdict is U and act_on_unknown)
        if not counts:
            held_since = None
        elif held_since is None:
            held_since = now
        cleared |= verdict is F
        acted = machine.feed(verdict, now)
        ready = counts and cleared and held_since is not None and now >= held_since + hold
        ready = ready and (last is None or now >= last + cooldown)
        assert acted == ready
        if acted:
            cleared, last = False, now

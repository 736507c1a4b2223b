from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sereno.agents.guard import GuardMachine, GuardState, Verdict

T, F, U = Verdict.TRUE, Verdict.FALSE, Verdict.UNKNOWN
STEPS = st.lists(st.tuples(st.sampled_from(list(Verdict)), st.floats(0, 5)), max_size=60)


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

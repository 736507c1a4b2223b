"""A wall clock is believed when nobody has set it for a while."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sereno_observatory.sequences.settling import SETTLING, STARTING, STEP, Settling


@given(st.lists(st.tuples(st.floats(0.1, 300.0), st.one_of(st.just(0.0), st.floats(-1e6, 1e6))), max_size=60))
def test_it_is_believed_if_and_only_if_it_was_left_alone(looks: list[tuple[float, float]]) -> None:
    """Each look comes so many seconds after the one before, and the wall clock was set on by so many meanwhile."""
    wall, now, believed_from = 1e9, 5.0, 5.0 + STARTING
    settling = Settling(wall, now)
    for passed, step in looks:
        wall, now = wall + passed + step, now + passed
        if abs(step) > STEP + 1e-3:
            believed_from = max(believed_from, now + SETTLING)
        if abs(abs(step) - STEP) > 1e-3 and abs(now - believed_from) > 1e-3:
            assert settling.settled(wall, now) is (now >= believed_from)
        else:
            settling.settled(wall, now)
            return

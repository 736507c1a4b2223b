from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from sereno.app.reader.ring import Read, Ring


@given(st.lists(st.floats(allow_nan=False), max_size=60), st.integers(2, 30))
def test_the_last_values_first_in_first_out(values: list[float], length: int) -> None:
    ring = Ring(length)
    for n, value in enumerate(values):
        ring.add(Read(value, n * 10**9))
    seconds, kept = ring.columns()
    assert kept.tolist() == values[-length:]
    assert ring.seen == len(values)
    assert seconds.tolist() == [float(n) for n in range(1 - len(kept), 1)]


def test_what_is_not_good_is_a_gap() -> None:
    ring = Ring(5)
    ring.add(Read(1.0, 0))
    ring.add(Read(2.0, 10**9, good=False))
    assert math.isnan(ring.columns()[1][1])
    assert ring.last == Read(2.0, 10**9, good=False)

"""Which sequence is next: windows, priorities, what can be seen, what ends in time."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from sereno_observatory.sequences import Entry, Image, Slot, Status
from sereno_observatory.sequences.due import OVERHEAD, ByPriority, takes
from sereno_observatory.sequences.model import READOUT
from tests.observatory.sequences.asked import EPOCH, MINUTE, entry


def test_priority_then_the_end_of_the_window_then_age() -> None:
    common, urgent = entry(1), entry(2, priority=5)
    ends_first, younger = entry(3, t_end=EPOCH + 30 * MINUTE), entry(4)
    chooser = ByPriority()
    assert chooser.next_at([common, urgent, ends_first], EPOCH) is urgent
    assert chooser.next_at([younger, common, ends_first], EPOCH) is ends_first
    assert chooser.next_at([younger, common], EPOCH) is common
    assert chooser.next_at([], EPOCH) is None


def test_what_does_not_fit_is_left_out() -> None:
    later, short, hidden = entry(1, t_start=EPOCH + 1), entry(2, t_end=EPOCH + MINUTE), entry(3)
    chooser = ByPriority(lambda one, _: "low" if one is hidden else "")
    assert chooser.next_at([later, short, hidden], EPOCH) is None
    assert chooser.next_at([later, short, hidden], EPOCH + 1) is later
    over = msgspec.structs.replace(entry(4), status=Status.EXECUTED)
    assert ByPriority().next_at([over], EPOCH) is None


def test_what_was_tried_in_vain_rests_and_others_go_first() -> None:
    tried = msgspec.structs.replace(entry(1, priority=5, t_start=EPOCH - 2 * MINUTE), tries=2, t_tried=EPOCH)
    other, chooser = entry(2), ByPriority(rest=60.0)
    assert chooser.next_at([tried, other], EPOCH + 2 * MINUTE - 1) is other
    assert chooser.next_at([tried, other], EPOCH + 2 * MINUTE) is tried
    assert chooser.next_at([tried], EPOCH + MINUTE) is None
    assert chooser.next_at([tried], EPOCH - MINUTE) is tried, "a clock that was set back keeps nobody waiting"


def test_what_is_taken_already_needs_no_time() -> None:
    fresh = entry()
    assert takes(fresh) == OVERHEAD + 2 * (20 + READOUT)
    shots = tuple(
        Image(slot=slot, file="x", t_start=0, seconds=1, detector="") for slot in (Slot(0, 0, 1), Slot(0, 0, 2))
    )
    assert takes(msgspec.structs.replace(fresh, images=shots)) == OVERHEAD + 30 + READOUT


ENTRIES = st.lists(
    st.builds(
        lambda n, start, length, priority: entry(
            n, t_start=EPOCH + start * MINUTE, t_end=EPOCH + (start + length) * MINUTE, priority=priority
        ),
        st.integers(1, 99),
        st.integers(-10, 10),
        st.integers(1, 20),
        st.integers(-2, 2),
    ),
    max_size=8,
)


@given(ENTRIES, st.integers(-15, 15))
def test_nothing_that_would_do_is_passed_over_for_less(entries: list[Entry], minutes: int) -> None:
    now = EPOCH + minutes * MINUTE
    found = ByPriority().next_at(entries, now)

    def fits(one: Any) -> bool:
        return one.sequence.t_start <= now and now + takes(one) * 1e9 <= one.sequence.t_end

    if found is None:
        assert not any(fits(one) for one in entries)
    else:
        assert fits(found)
        assert all(one.sequence.priority <= found.sequence.priority for one in entries if fits(one))

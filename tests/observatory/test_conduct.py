"""What the majordome decides, case by case, and that nothing makes it open in doubt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno_observatory.majordome.conduct import Known, Mode, Nightfall, Order, Status, decide

DAY, NIGHT = False, True


@pytest.mark.parametrize(
    ("known", "status", "order"),
    [
        (Known(DAY, True, 999.0, "closed"), Status.IDLE, Order.NOTHING),
        (Known(DAY, True, 999.0, "open"), Status.SHUTDOWN, Order.CLOSE),
        (Known(DAY, True, 999.0, "closing"), Status.SHUTDOWN, Order.NOTHING),
        (Known(DAY, None, 0.0, None), Status.SHUTDOWN, Order.CLOSE),
        (Known(NIGHT, True, 59.0, "closed"), Status.PAUSED, Order.NOTHING),
        (Known(NIGHT, True, 60.0, "closed"), Status.RUNNING, Order.OPEN),
        (Known(NIGHT, True, 90.0, "opening"), Status.RUNNING, Order.NOTHING),
        (Known(NIGHT, True, 90.0, "open"), Status.RUNNING, Order.NOTHING),
        (Known(NIGHT, True, 90.0, None), Status.PAUSED, Order.NOTHING),
        (Known(NIGHT, False, 0.0, "open"), Status.PAUSED, Order.CLOSE),
        (Known(NIGHT, False, 0.0, "closed"), Status.PAUSED, Order.NOTHING),
        (Known(NIGHT, None, 0.0, "opening"), Status.PAUSED, Order.CLOSE),
    ],
)
def test_in_auto(known: Known, status: Status, order: Order) -> None:
    decided = decide(Mode.AUTO, known, 60.0)
    assert (decided.status, decided.order) == (status, order)
    assert decide(Mode.MANUAL, known, 60.0).order is Order.NOTHING


@given(
    st.builds(
        Known,
        night=st.booleans(),
        safe=st.none() | st.booleans(),
        safe_for=st.floats(0, 1000),
        shutter=st.sampled_from([None, "closed", "open", "opening", "closing", "code 9"]),
    )
)
def test_it_opens_only_a_closed_dome_into_a_night_that_has_been_safe_long_enough(known: Known) -> None:
    decided = decide(Mode.AUTO, known, 60.0)
    if decided.order is Order.OPEN:
        assert (known.night, known.safe, known.shutter) == (True, True, "closed")
        assert known.safe_for >= 60.0
    if not (known.night and known.safe) and known.shutter not in ("closed", "closing"):
        assert decided.order is Order.CLOSE


def test_the_night_does_not_flicker_at_its_edge() -> None:
    night = Nightfall(-12.0)
    assert [night.at(a) for a in (-11.0, -11.9, -12.0, -11.9, -11.6, -11.4, -11.9, -12.1)] == [
        False, False, True, True, True, False, False, True,
    ]  # fmt: skip
    assert Nightfall(-12.0).at(-11.9) is False

"""What the majordome decides, case by case, and that nothing makes it open or observe in doubt."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno_observatory.majordome.conduct import Known, Mode, Nightfall, Order, Status, decide

DAY, NIGHT = False, True
OPEN, CLOSE, PARK, INTERRUPT, EXECUTE = Order.OPEN, Order.CLOSE, Order.PARK, Order.INTERRUPT, Order.EXECUTE


@pytest.mark.parametrize(
    ("known", "status", "orders"),
    [
        (Known(DAY, True, 999.0, "closed"), Status.IDLE, ()),
        (Known(DAY, True, 999.0, "open"), Status.SHUTDOWN, (CLOSE,)),
        (Known(DAY, True, 999.0, "closing"), Status.SHUTDOWN, ()),
        (Known(DAY, None, 0.0, None), Status.SHUTDOWN, (CLOSE,)),
        (Known(NIGHT, True, 59.0, "closed"), Status.PAUSED, ()),
        (Known(NIGHT, True, 60.0, "closed"), Status.RUNNING, (OPEN,)),
        (Known(NIGHT, True, 90.0, "opening"), Status.RUNNING, ()),
        (Known(NIGHT, True, 90.0, "open"), Status.RUNNING, ()),
        (Known(NIGHT, True, 90.0, None), Status.PAUSED, ()),
        (Known(NIGHT, False, 0.0, "open"), Status.PAUSED, (CLOSE,)),
        (Known(NIGHT, False, 0.0, "closed"), Status.PAUSED, ()),
        (Known(NIGHT, None, 0.0, "opening"), Status.PAUSED, (CLOSE,)),
        (Known(NIGHT, True, 90.0, "open", sequence=0, due=3), Status.EXECUTING, (EXECUTE,)),
        (Known(NIGHT, True, 90.0, "open", sequence=None, due=3), Status.RUNNING, ()),
        (Known(NIGHT, True, 90.0, "open", sequence=3, due=4), Status.EXECUTING, ()),
        (Known(NIGHT, True, 90.0, "closed", sequence=0, due=3), Status.RUNNING, (OPEN,)),
        (Known(NIGHT, False, 0.0, "open", sequence=3, parked=False), Status.PAUSED, (INTERRUPT, PARK, CLOSE)),
        (Known(DAY, True, 90.0, "open", sequence=3, parked=False), Status.SHUTDOWN, (INTERRUPT, PARK, CLOSE)),
        (Known(DAY, True, 90.0, "closed", parked=False), Status.SHUTDOWN, (PARK,)),
        (Known(DAY, True, 90.0, "closed", sequence=0, parked=True, due=3), Status.IDLE, ()),
        (Known(DAY, True, 90.0, "closed", sequence=0, parked=True, calibration=3), Status.EXECUTING, (EXECUTE,)),
        (Known(DAY, True, 90.0, "closed", sequence=0, parked=False, calibration=3), Status.SHUTDOWN, (PARK,)),
        (Known(DAY, True, 90.0, "closed", sequence=3, dark=True), Status.EXECUTING, ()),
        (Known(DAY, True, 90.0, "open", sequence=3, dark=True, calibration=4), Status.SHUTDOWN, (CLOSE,)),
        (Known(NIGHT, False, 0.0, "closed", sequence=3, dark=True, calibration=4), Status.PAUSED, ()),
        (Known(DAY, True, 90.0, "closed", parked=False, parking=True), Status.SHUTDOWN, ()),
        (Known(NIGHT, False, 0.0, "open", parked=False, parking=True), Status.PAUSED, (CLOSE,)),
        (Known(NIGHT, True, 90.0, "closed", hour="wrong"), Status.PAUSED, ()),
        (Known(NIGHT, True, 90.0, "open", sequence=3, hour="wrong"), Status.PAUSED, (INTERRUPT, CLOSE)),
        (Known(NIGHT, True, 90.0, "open", sequence=3, hour="not told", hour_told=False), Status.PAUSED, ()),
        (Known(NIGHT, False, 0.0, "open", hour="not told", hour_told=False), Status.PAUSED, (CLOSE,)),
        (Known(DAY, True, 90.0, "open", hour="not told", hour_told=False), Status.PAUSED, (CLOSE,)),
    ],
)
def test_in_auto(known: Known, status: Status, orders: tuple[Order, ...]) -> None:
    decided = decide(Mode.AUTO, known, 60.0)
    assert (decided.status, decided.orders) == (status, orders)
    assert decide(Mode.MANUAL, known, 60.0).orders == ()


def test_in_manual_it_only_takes_back_what_was_its_own_idea() -> None:
    assert decide(Mode.MANUAL, Known(NIGHT, True, 90.0, "open", sequence=3, own=True), 60.0).orders == (INTERRUPT,)
    assert decide(Mode.MANUAL, Known(NIGHT, False, 0.0, "open", sequence=3), 60.0).orders == ()


KNOWN: Any = st.builds(
    Known,
    night=st.booleans(),
    safe=st.none() | st.booleans(),
    safe_for=st.floats(0, 1000),
    shutter=st.sampled_from([None, "closed", "open", "opening", "closing", "code 9"]),
    sequence=st.none() | st.integers(0, 2),
    own=st.booleans(),
    due=st.integers(0, 2),
    parked=st.none() | st.booleans(),
    dark=st.booleans(),
    calibration=st.integers(0, 2),
    hour=st.sampled_from(["", "wrong"]),
    hour_told=st.booleans(),
)


@given(KNOWN)
def test_it_opens_only_a_closed_dome_into_a_night_that_has_been_safe_long_enough(known: Known) -> None:
    orders = decide(Mode.AUTO, known, 60.0).orders
    if known.hour:
        assert OPEN not in orders
        assert EXECUTE not in orders
    if OPEN in orders:
        assert (known.night, known.safe, known.shutter) == (True, True, "closed")
        assert known.safe_for >= 60.0
    if EXECUTE in orders and known.night:
        assert (known.safe, known.shutter, known.sequence) == (True, "open", 0)
    elif EXECUTE in orders:
        assert (known.shutter, known.sequence) == ("closed", 0)


@given(KNOWN)
def test_without_a_safe_night_everything_is_given_up(known: Known) -> None:
    orders = decide(Mode.AUTO, known, 60.0).orders
    if not (known.night and known.safe):
        assert (CLOSE in orders) == (known.shutter not in ("closed", "closing"))
        assert (INTERRUPT in orders) == bool(known.sequence and not known.dark)
        assert (PARK in orders) == (known.parked is False)


def test_the_night_does_not_flicker_at_its_edge() -> None:
    night = Nightfall(-12.0)
    assert [night.at(a) for a in (-11.0, -11.9, -12.0, -11.9, -11.6, -11.4, -11.9, -12.1)] == [
        False, False, True, True, True, False, False, True,
    ]  # fmt: skip
    assert Nightfall(-12.0).at(-11.9) is False

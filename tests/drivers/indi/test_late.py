"""Whose an image is, for any clock of the server: the right one is never refused, one of before never taken."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.drivers.indi.late import CLEAR, STRANGE, UNSURE, Asked, Whose, moment, offset, whose

WALL = 1_795_946_785.0


def iso(seconds: float, digits: int = 3) -> str:
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return text[: 20 + digits] if digits else text[:19]


@given(
    began=st.floats(0, 1e6),
    after=st.floats(0.1, 1e5),
    said_after=st.floats(0, 0.09),
    bias=st.floats(-100, 100),
    learned=st.floats(-0.5, 0.5),
)
def test_what_is_told_is_true(began: float, after: float, said_after: float, bias: float, learned: float) -> None:
    """Both began on the server's clock, `after` s apart; its word comes a little later, in whole seconds."""
    said = moment(iso(WALL + began + said_after, digits=0))
    asked = Asked(1.0, begun=said, after=after)
    usual = bias + learned if bias else 0.0
    own = whose({"DATE-OBS": iso(WALL + began + bias)}, asked, usual)
    before = whose({"DATE-OBS": iso(WALL + began - after + bias)}, asked, usual)
    off = abs(learned if bias else 0.0)
    if off <= 1e-9:
        assert own is not Whose.BEFORE
        assert before is not Whose.OWN
        if after >= 2 * UNSURE + 0.1:
            assert own is Whose.OWN
    if after >= 2 * CLEAR:
        assert own is Whose.OWN
        assert before in (Whose.BEFORE, Whose.UNKNOWN)
        if after + abs(bias) < STRANGE:
            assert before is Whose.BEFORE


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({}, Whose.UNKNOWN),
        ({"DATE-OBS": "yesterday"}, Whose.UNKNOWN),
        ({"DATE-OBS": iso(WALL + 7200.0)}, Whose.UNKNOWN),
        ({"EXPTIME": 9.0, "DATE-OBS": iso(WALL)}, Whose.BEFORE),
        ({"FRAME": "Dark", "DATE-OBS": iso(WALL)}, Whose.BEFORE),
        ({"FRAME": "Light", "EXPTIME": 1.1, "DATE-OBS": iso(WALL)}, Whose.OWN),
    ],
)
def test_what_the_header_does_not_prove_is_not_known(said: dict[str, object], found: Whose) -> None:
    assert whose(said, Asked(1.0, begun=WALL, after=10.0)) is found
    assert whose({"DATE-OBS": iso(WALL)}, Asked(1.0, begun=None, after=10.0)) is Whose.UNKNOWN


def test_times_of_servers_and_headers() -> None:
    assert moment("2026-11-29T10:06:25") == moment("2026-11-29T10:06:25.500") == WALL + 0.5
    assert moment("2026-11-29T12:06:25+02:00") == WALL + 0.5
    assert moment("10:06") is None
    assert offset({"DATE-OBS": iso(WALL - 4.0)}, Asked(begun=WALL)) == -4.0

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.drivers.udp.protocol import MAX_DATAGRAM, Datagram, is_name, is_signed, make_datagram, parse_datagram

KEY = b"a key of sixteen bytes or more"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"0.25", Datagram(0.25)),
        (b"-1.0\n", Datagram(-1.0)),
        (b"3", Datagram(3.0)),
        (b"1e-05", Datagram(1e-05)),
        (b"inf", Datagram(math.inf)),
        (b"north 0.5", Datagram(0.5, "north")),
        (b"hall/t.1-a 7", Datagram(7.0, "hall/t.1-a")),
        (b"north 0.5 41", Datagram(0.5, "north", 41)),
        (b"0.5 41\r\n", Datagram(0.5, "", 41)),
    ],
)
def test_what_sensors_send(data: bytes, expected: Datagram) -> None:
    assert parse_datagram(data) == expected


def test_not_a_number_is_a_number() -> None:
    assert math.isnan(parse_datagram(b"nan").value)
    assert parse_datagram(b"nan 5").sequence == 5


@pytest.mark.parametrize(
    "data",
    [b"", b" ", b"north", b"5 north", b"0x10", b"1_000", b"1,5", b"north  5", b"north 5 -1", b"1 2 3", b"1.0.0",
     b"\xd9\xa1", b"north 5 6 7", b"a" * 65 + b" 1", b"1" * (MAX_DATAGRAM + 1), b"north 5 1 " + b"g" * 32],
)  # fmt: skip
def test_what_is_none(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"no number|bytes, at most"):
        parse_datagram(data)


@given(st.floats(), st.from_regex(r"[A-Za-z_][A-Za-z0-9_./-]{0,63}", fullmatch=True).filter(is_name),
       st.none() | st.integers(0, 10**18 - 1))  # fmt: skip
def test_what_is_made_is_read(value: float, name: str, sequence: int | None) -> None:
    found = parse_datagram(make_datagram(value, name, sequence))
    assert (found.name, found.sequence) == (name, sequence)
    assert found.value == value or math.isnan(value)


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        found = parse_datagram(data)
    except ValueError:
        return
    assert isinstance(found.value, float)


def test_the_plain_form_is_the_number_as_text() -> None:
    assert make_datagram(0.1 + 0.2) == str(0.1 + 0.2).encode()


def test_signatures_cover_name_value_and_number() -> None:
    made = make_datagram(0.5, "north", 41, KEY)
    assert is_signed(parse_datagram(made), KEY)
    assert not is_signed(parse_datagram(made), KEY + b"?")
    for other in (made.replace(b"0.5", b"0.6"), made.replace(b"41", b"42"), made.replace(b"north", b"south")):
        assert not is_signed(parse_datagram(other), KEY)
    assert not is_signed(parse_datagram(b"north 0.5 41"), KEY)


def test_a_signature_needs_a_number_that_is_never_sent_twice() -> None:
    with pytest.raises(ValueError, match="sequence"):
        make_datagram(0.5, "north", None, KEY)
    with pytest.raises(ValueError, match="no name"):
        make_datagram(0.5, "no name")

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.model import Ack, AckState, Command, Verb
from sereno.wire.command import decode_ack, decode_command, encode_ack, encode_command
from sereno.wire.errors import WireError

TEXT = st.text(max_size=20)
VALUE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
COMMANDS = st.builds(
    Command,
    target=TEXT,
    verb=st.sampled_from(Verb),
    value=VALUE,
    name=TEXT,
    arguments=st.lists(VALUE, max_size=3).map(tuple),
    actor=TEXT,
    via=TEXT,
    origin=TEXT,
    expected=VALUE,
    expires=st.integers(0, 2**63 - 1),
    comment=TEXT,
    key=TEXT,
)
ACKS = st.builds(
    Ack, key=TEXT, state=st.sampled_from(AckState), t=st.integers(-(2**63), 2**63 - 1), reason=TEXT, value=VALUE
)


@given(COMMANDS)
def test_command_round_trip(command: Command) -> None:
    again = decode_command(encode_command(command))
    assert again == command
    assert repr(again.value) == repr(command.value)


@given(ACKS)
def test_ack_round_trip(ack: Ack) -> None:
    assert decode_ack(encode_ack(ack)) == ack


def test_integers_beyond_two_to_the_53_stay_exact() -> None:
    raw = encode_command(Command(target="a/b/c", value=np.int64(2**60 + 1), expected=2**64 - 1))
    assert json.loads(raw)["value"] == 2**60 + 1
    assert decode_command(raw).expected == 2**64 - 1


def test_arrays_become_lists() -> None:
    assert decode_command(encode_command(Command(target="a/b/c", value=np.array([[1, 2]])))).value == [[1, 2]]


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), np.float64("nan"), [1.0, float("nan")], {"a": [float("-inf")]}, np.array([np.nan])],
)
def test_a_setpoint_that_is_no_number_is_refused(value: object) -> None:
    for field in ({"value": value}, {"expected": value}, {"arguments": (value,)}):
        with pytest.raises(WireError, match="finite"):
            encode_command(Command(target="a/b/c", **field))


def test_no_value_is_a_value() -> None:
    assert decode_command(encode_command(Command(target="a/b/c", arguments=(None, [None])))).arguments == (None, [None])


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"{}",
        b'{"v":2,"target":"a","key":"k"}',
        b'{"v":1,"target":"a","key":"k","role":"admin"}',
        b'{"v":1,"target":"a","key":"k","verb":"erase"}',
        b'{"v":1,"target":"a","key":"k","expires":1.5}',
        b'{"v":1,"target":7,"key":"k"}',
        b'{"v":1,"target":"\xff","key":"k"}',
        b'{"v":1,"target":"a","key":"k","value":' + b"[" * 100_000,
        b'{"v":1,"target":"a","key":"k"} x',
        b" " * (3 << 20),
    ],
)
def test_wrong_commands_are_refused(raw: bytes) -> None:
    with pytest.raises(WireError):
        decode_command(raw)


@pytest.mark.parametrize(
    "raw", [b"{}", b'{"v":1,"key":"k","state":"perhaps","t":1}', b'{"v":3,"key":"k","state":"done","t":1}']
)
def test_wrong_acks_are_refused(raw: bytes) -> None:
    with pytest.raises(WireError):
        decode_ack(raw)


@given(st.binary(max_size=100))
def test_random_bytes_are_refused(raw: bytes) -> None:
    for decode in (decode_command, decode_ack):
        with pytest.raises(WireError):
            decode(raw)


def test_ack_of_nan_reads_as_nothing() -> None:
    assert decode_ack(encode_ack(Ack(key="k", state=AckState.DONE, t=1, value=float("nan")))).value is None

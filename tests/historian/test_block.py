from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.historian.block import Rows, decode_rows, encode_rows
from sereno.historian.objects import decode_object, encode_object

I64 = st.integers(-(2**63), 2**63 - 1)
OBJECT = (
    st.none()
    | st.text()
    | st.binary()
    | st.lists(I64)
    | st.lists(st.floats(), min_size=1).map(np.array)
    | st.just(np.zeros((2, 0, 3), np.int16))
    | st.just(np.array([[1 + 2j]]))
    | st.just(np.array([True, False]))
    | st.just({"a": [1, None]})
    | st.just("\ud800")
)


@st.composite
def rows_of(draw: st.DrawFn) -> Rows:
    n = draw(st.integers(1, 7))

    def column(strategy: st.SearchStrategy, dtype: type) -> np.ndarray:
        one = draw(st.booleans())
        values = [draw(strategy)] * n if one else draw(st.lists(strategy, min_size=n, max_size=n))
        return np.array(values, dtype)

    objects = tuple(draw(st.lists(OBJECT, min_size=n, max_size=n))) if draw(st.booleans()) else None
    return Rows(
        column(st.integers(0, 2**63 - 1), np.int64),
        np.full(n, np.nan) if objects else column(st.floats(), np.float64),
        column(I64, np.int64),
        column(st.integers(0, 0xFFFF), np.uint16),
        exact=column(I64, np.int64) if draw(st.booleans()) else None,
        objects=objects,
        keyframe=draw(st.booleans()),
    )


def payload_of(rows: Rows) -> bytes:
    return b"".join(encode_rows(rows)[1])


def same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    return type(a) is type(b) and a == b


@given(rows_of())
def test_round_trip_is_exact(rows: Rows) -> None:
    payload = payload_of(rows)
    assert len(payload) % 8 == 0
    again = decode_rows(memoryview(payload))
    for name in ("ids", "t", "quality", "exact"):
        assert same(getattr(rows, name), getattr(again, name)), name
    assert rows.objects is not None or same(rows.values, again.values)
    assert rows.keyframe == again.keyframe
    assert (rows.objects is None) == (again.objects is None)
    assert rows.objects is None or all(same(a, b) for a, b in zip(rows.objects, again.objects, strict=True))


def test_one_time_and_quality_are_stored_once() -> None:
    n = 1000
    ids = np.arange(n)
    scan = Rows(ids, np.ones(n), np.full(n, 5), np.zeros(n, np.uint16))
    assert len(payload_of(scan)) == 16 + 16 * n
    apart = Rows(ids, np.ones(n), np.arange(n), np.arange(n, dtype=np.uint16))
    assert len(payload_of(apart)) == 16 + 26 * n


@pytest.mark.parametrize("payload", [b"", bytes(16), b"\x01" + bytes(15), b"\xff" * 64])
def test_wrong_blocks_are_refused(payload: bytes) -> None:
    with pytest.raises(ValueError, match="block"):
        decode_rows(memoryview(payload))


@given(OBJECT)
def test_objects_round_trip(value: Any) -> None:
    assert same(value, decode_object(encode_object(value)))


def test_objects_are_read_only_and_their_bytes_fixed() -> None:
    array = np.array([1.0, 2.0])
    assert encode_object(array) == b"\x03f\x08\x01\x02\x00\x00\x00" + array.astype("<f8").tobytes()
    assert encode_object("é") == b"\x01\xc3\xa9"
    assert encode_object(None) == b"\x00"
    assert not decode_object(encode_object(array)).flags.writeable


@pytest.mark.parametrize("data", [b"", b"\x09abc"])
def test_unknown_objects_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="object"):
        decode_object(data)

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.client import Update
from sereno.wire.columns import Scalar, pack_columns, pack_head, pack_scalar, unpack_columns, unpack_scalar
from sereno.wire.errors import WireError
from sereno.wire.native import Flag

I64 = st.integers(-(2**63), 2**63 - 1)
NONE = np.empty(0, np.int32)


@st.composite
def updates(draw: Any) -> tuple[Update, int, Any]:
    """An update of a list of `count` tags, and ages or None."""
    count = draw(st.integers(1, 12))
    index = np.array(sorted(draw(st.sets(st.integers(0, count - 1)))), np.int32)
    n = len(index)
    column = lambda kind: draw(st.lists(kind, min_size=n, max_size=n))  # noqa: E731
    exact = np.array(sorted(draw(st.sets(st.integers(0, n - 1)))) if n else [], np.int32)
    update = Update(
        seq=draw(st.integers(0, 2**64 - 1)),
        t_hub=draw(I64),
        snapshot=False,
        index=index,
        values=np.array(column(st.floats()), np.float64),
        t_source=np.array(column(I64), np.int64),
        quality=np.array(column(st.integers(0, 65535)), np.uint16),
        exact_rows=exact,
        exact_values=np.array([draw(I64) for _ in exact], np.int64),
        objects=tuple(
            draw(st.lists(st.tuples(st.integers(0, count - 1), st.text(), I64, st.integers(0, 65535)), max_size=3))
        ),
        reasons=draw(st.dictionaries(st.integers(0, count - 1), st.text(max_size=9), max_size=3)),
        dropped=draw(st.integers(0, 2**32 - 1)),
    )
    ages = np.array(column(st.floats(width=32)), np.float32) if draw(st.booleans()) else None
    return update, count, ages


def flags_of(ages: Any) -> int:
    return Flag.AGES if ages is not None else 0


def body_of(update: Update, flags: int, ages: Any = None) -> bytes:
    body = pack_columns(update, flags, ages=ages)
    return pack_head(update, body, flags, update.seq, update.dropped) + body


@given(updates())
def test_columns_come_back(given: tuple[Update, int, Any]) -> None:
    update, count, ages = given
    flags = flags_of(ages)
    body = body_of(update, flags, ages)
    assert len(body) % 8 == 0 or update.objects or update.reasons
    found = unpack_columns(flags, body, count, NONE)
    for name in ("index", "values", "t_source", "quality", "exact_rows", "exact_values"):
        np.testing.assert_array_equal(getattr(found, name), getattr(update, name))
    assert (found.ages is None) is (ages is None)
    if ages is not None:
        np.testing.assert_array_equal(found.ages, ages)
    assert found.objects == update.objects
    assert found.reasons == update.reasons
    assert (found.seq, found.t_hub, found.dropped) == (update.seq, update.t_hub, update.dropped)


@given(updates(), st.integers(0, 400), st.integers(0, 255), st.integers(0, 15))
def test_damaged_columns_raise_one_error_only(given: tuple[Update, int, Any], at: int, byte: int, flags: int) -> None:
    update, count, ages = given
    body = bytearray(body_of(update, flags_of(ages), ages))
    body[at % len(body)] ^= byte
    try:
        found = unpack_columns(flags, bytes(body), count, np.arange(count, dtype=np.int32))
    except WireError:
        return
    assert not found.index.size or int(found.index.max()) < count
    assert all(position < count for position, *_ in found.objects)


@given(st.binary(max_size=200), st.integers(0, 15))
def test_random_bytes_raise_one_error_only(data: bytes, flags: int) -> None:
    for read in (lambda: unpack_columns(flags, data, 5, NONE), lambda: unpack_scalar(data)):
        with contextlib.suppress(WireError):
            read()


def test_whole_columns_need_no_index() -> None:
    rows = np.array([0, 2], np.int32)
    update = Update(1, 2, True, rows, np.array([1.0, 2.0]), np.zeros(2, np.int64), np.zeros(2, np.uint16), NONE,
                    np.empty(0, np.int64))  # fmt: skip
    body = body_of(update, Flag.WHOLE)
    assert len(body) == 32 + 40
    assert unpack_columns(Flag.WHOLE, body, 3, rows).index is rows
    with pytest.raises(WireError, match="2 rows of a list with 1"):
        unpack_columns(Flag.WHOLE, body, 3, rows[:1])


@given(
    st.builds(
        Scalar,
        st.floats(allow_nan=False),
        I64,
        I64,
        st.floats(width=32, allow_nan=False),
        st.integers(0, 65535),
        st.text(max_size=20),
    )
)
def test_a_single_value_comes_back(row: Scalar) -> None:
    assert unpack_scalar(pack_scalar(row)) == row

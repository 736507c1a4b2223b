from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sereno.wire.errors import WireError
from sereno.wire.messages import read_orders
from sereno.wire.packed import Unpacker, pack_value, unpack_value

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
ARRAYS = hnp.arrays(
    st.sampled_from(["?", "i1", "<u2", "<i4", ">i8", "<f4", ">f8"]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)


@given(PLAIN)
def test_values_come_back(value: Any) -> None:
    assert unpack_value(pack_value(value)) == value


@given(ARRAYS)
def test_arrays_come_back_with_type_and_shape(array: Any) -> None:
    found = unpack_value(pack_value([array]))[0]
    assert (found.dtype, found.shape) == (array.dtype.newbyteorder("="), array.shape)
    np.testing.assert_array_equal(found, array)


@given(st.binary(max_size=100))
def test_random_bytes_raise_one_error_only(data: bytes) -> None:
    with contextlib.suppress(WireError):
        unpack_value(data)


@given(st.integers(-128, 127), st.binary(max_size=60))
def test_random_extensions_raise_one_error_only(code: int, data: bytes) -> None:
    raw = msgspec.msgpack.encode(msgspec.msgpack.Ext(code, data))
    with contextlib.suppress(WireError):
        assert isinstance(unpack_value(raw), np.ndarray)


@pytest.mark.parametrize("size", [4, 8, 12])
@pytest.mark.parametrize("around", [lambda t: t, lambda t: [1, {"a": (t,)}], lambda t: {"t": [t]}])
def test_a_time_is_no_value_that_can_be_sent(size: int, around: Callable[[Any], Any]) -> None:
    raw = msgspec.msgpack.encode(around(msgspec.msgpack.Ext(-1, bytes(size))))
    with pytest.raises(WireError, match=r"extension -1 \(a time\)"):
        unpack_value(raw)
    order = {"target": "a/d/x", "key": "k" * 8, "value": msgspec.msgpack.Ext(-1, bytes(size))}
    with pytest.raises(WireError, match=r"extension -1 \(a time\)"):
        read_orders(msgspec.msgpack.encode({"orders": [order]}))


@pytest.mark.parametrize("begins", [b"\xd6\xff", b"\xd7\xff", b"\xc7\x0c\xff"])
def test_what_only_looks_like_a_time_comes_back(begins: bytes) -> None:
    for value in (begins * 9, [begins, 1.5], {"a": begins}):
        assert unpack_value(pack_value(value)) == value
    array = np.frombuffer(begins * 16, np.uint8)
    np.testing.assert_array_equal(unpack_value(pack_value(array)), array)


def test_nan_stays_and_numpy_scalars_become_plain() -> None:
    assert math.isnan(unpack_value(pack_value(math.nan)))
    assert unpack_value(pack_value([np.float32(1.5), np.int64(-3), np.bool_(True)])) == [1.5, -3, True]


@pytest.mark.parametrize("value", [1 << 64, object(), {1: {2: {3, object}}}, "\ud800"])
def test_what_cannot_be_sent_is_refused(value: Any) -> None:
    with pytest.raises(WireError, match="cannot be sent"):
        pack_value(value)


def test_depth_has_an_end() -> None:
    with pytest.raises(WireError):
        unpack_value(b"\x91" * 100_000)


def test_another_type_is_refused() -> None:
    with pytest.raises(WireError, match="not understood"):
        Unpacker(list[int])(pack_value(["a"]))

from __future__ import annotations

import contextlib
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.client import Update
from sereno.wire.errors import WireError
from sereno.wire.frame import HEADER, Frame, FrameKind, decode_frame, encode_frame, frame_of, heartbeat

GOLDEN = Path(__file__).with_name("frame_v1.bin")

I64 = st.integers(-(2**63), 2**63 - 1)
U32 = st.integers(0, 2**32 - 1)
POSITION = st.integers(0, 2**31 - 1)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | I64 | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def frames(draw: st.DrawFn) -> Frame:
    n = draw(st.integers(0, 9))
    rows = draw(st.lists(st.integers(0, n - 1), unique=True, max_size=n)) if n else []

    def column(strategy: st.SearchStrategy, dtype: type, size: int = n) -> np.ndarray:
        return np.array(draw(st.lists(strategy, min_size=size, max_size=size)), dtype)

    return Frame(
        draw(st.sampled_from(FrameKind)),
        sub=draw(U32),
        seq=draw(st.integers(0, 2**64 - 1)),
        t_hub=draw(I64),
        dropped=draw(U32),
        index=column(POSITION, np.int32),
        values=column(st.floats(), np.float64),
        t_source=column(I64, np.int64),
        quality=column(st.integers(0, 0xFFFF), np.uint16),
        exact_rows=np.array(sorted(rows), np.int32),
        exact_values=column(I64, np.int64, len(rows)),
        objects=tuple(draw(st.lists(st.tuples(POSITION, JSON_VALUES, I64, st.integers(0, 0xFFFF)), max_size=3))),
        reasons=draw(st.dictionaries(POSITION, st.text(), max_size=3)),
    )


def assert_same(a: Frame, b: Frame) -> None:
    for name in Frame.__slots__:
        x, y = getattr(a, name), getattr(b, name)
        if isinstance(x, np.ndarray):
            assert x.dtype == y.dtype
            assert x.tobytes() == y.tobytes(), name
        else:
            assert x == y, name


def plant_frame() -> Frame:
    update = Update(
        seq=7,
        t_hub=1_763_600_000_123_456_789,
        snapshot=False,
        index=np.array([0, 2, 5], np.int32),
        values=np.array([4.25, np.nan, 2.0**60]),
        t_source=np.array([1_763_600_000_100_000_000, 0, 1_763_600_000_100_000_001]),
        quality=np.array([0, 0x808A, 0], np.uint16),
        exact_rows=np.array([2], np.int32),
        exact_values=np.array([2**60 + 1]),
        objects=((1, "récipe 4", 1_763_600_000_123_456_789, 0), (3, np.array([1.5, np.nan]), -5, 0x4000)),
        reasons={2: "not connected: connection refused"},
        dropped=3,
    )
    return frame_of(update, sub=9)


@given(frames())
def test_round_trip_is_exact(frame: Frame) -> None:
    assert_same(frame, decode_frame(encode_frame(frame)))


def test_frame_v1_bytes_are_the_committed_ones() -> None:
    assert encode_frame(plant_frame()) == GOLDEN.read_bytes()


def test_golden_bytes_mean_what_the_format_says() -> None:
    data = GOLDEN.read_bytes()
    assert data[:4] == b"S\x01\x02\x00"
    assert struct.unpack_from("<IQqIIII", data, 4) == (9, 7, 1_763_600_000_123_456_789, 3, 1, data[32:36][0], 3)
    assert struct.unpack_from("<d", data, 48) == (4.25,)
    assert struct.unpack_from("<q", data, 96) == (2**60 + 1,)
    assert struct.unpack_from("<3I", data, 104) == (0, 2, 5)
    frame = decode_frame(data)
    assert frame.objects == ((1, "récipe 4", 1_763_600_000_123_456_789, 0), (3, [1.5, None], -5, 0x4000))
    assert frame.reasons == {2: "not connected: connection refused"}


@given(frames(), st.data())
def test_every_truncation_and_extension_is_refused(frame: Frame, data: st.DataObject) -> None:
    raw = encode_frame(frame)
    with pytest.raises(WireError):
        decode_frame(raw[: data.draw(st.integers(0, len(raw) - 1))])
    with pytest.raises(WireError):
        decode_frame(raw + b" ")


@given(st.binary(max_size=200))
def test_random_bytes_are_refused(raw: bytes) -> None:
    with pytest.raises(WireError):
        decode_frame(b"S\x02" + raw)
    for head in (raw, b"S\x01\x01\x00" + raw):
        with contextlib.suppress(WireError):
            decode_frame(head)


@given(st.integers(0, len(GOLDEN.read_bytes()) - 1), st.integers(1, 255))
def test_a_damaged_frame_is_refused_or_still_a_frame(at: int, flip: int) -> None:
    raw = bytearray(GOLDEN.read_bytes())
    raw[at] ^= flip
    try:
        frame = decode_frame(bytes(raw))
    except WireError:
        return
    encode_frame(frame)


@pytest.mark.parametrize(
    "extra",
    [
        b"{",
        b"[]",
        b'{"object":[]}',
        b'{"objects":[[1,2,3]]}',
        b'{"objects":[[1,2,3,0,5]]}',
        b'{"objects":[[-1,2,3,0]]}',
        b'{"objects":[[1,2,3,65536]]}',
        b'{"objects":[[1,2,"NaN",0]]}',
        b'{"objects":[[1,2,1E+400,0]]}',
        b'{"objects":[[1,2,1E+999999999,0]]}',
        b'{"reasons":{"a":"b"}}',
        b"[" * 100_000,
        b'{"objects":[[1,' + b"[" * 100_000,
    ],
)
def test_wrong_json_is_refused(extra: bytes) -> None:
    head = HEADER.pack(0x53, 1, 2, 0, 1, 1, 0, 0, 0, len(extra), 0, 0, 0)
    with pytest.raises(WireError):
        decode_frame(head + extra)


def test_exact_rows_outside_the_frame_are_refused() -> None:
    frame = Frame(FrameKind.CHANGES, exact_rows=np.array([0], np.int32), exact_values=np.array([1]))
    with pytest.raises(WireError, match="outside"):
        decode_frame(encode_frame(frame))


def test_what_does_not_fit_is_refused_when_written() -> None:
    with pytest.raises(WireError, match="unequal"):
        encode_frame(Frame(FrameKind.CHANGES, values=np.zeros(1)))
    with pytest.raises(WireError, match="does not fit"):
        encode_frame(Frame(FrameKind.CHANGES, sub=-1))
    with pytest.raises(WireError):
        encode_frame(Frame(FrameKind.CHANGES, objects=((0, "\ud800", 0, 0),)))


def test_decoded_columns_are_read_only() -> None:
    frame = decode_frame(GOLDEN.read_bytes())
    assert not any(c.flags.writeable for c in (frame.values, frame.index, frame.quality, frame.exact_values))


def test_heartbeat_is_a_bare_header() -> None:
    raw = heartbeat(5, 77)
    frame = decode_frame(raw)
    assert (len(raw), frame.kind, frame.sub, frame.seq, frame.t_hub) == (48, FrameKind.HEARTBEAT, 0, 5, 77)

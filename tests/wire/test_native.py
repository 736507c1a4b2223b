from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.wire.errors import WireError
from sereno.wire.native import HEADER_SIZE, Flag, Kind, Received, Splitter, head, pack

FRAMES = st.builds(
    Received,
    kind=st.sampled_from([int(kind) for kind in Kind]),
    flags=st.integers(0, 15),
    id=st.integers(0, 2**32 - 1),
    extra=st.integers(0, 2**32 - 1),
    body=st.binary(max_size=300),
)


def packed(frame: Received) -> bytes:
    return pack(frame.kind, frame.id, frame.extra, frame.body, frame.flags)


@given(st.lists(FRAMES, max_size=6), st.lists(st.integers(1, 40), min_size=1, max_size=30))
def test_frames_come_whole_however_the_bytes_are_cut(frames: list[Received], cuts: list[int]) -> None:
    data = b"".join(map(packed, frames))
    splitter, found, at, turn = Splitter(1000), list[Received](), 0, 0
    while at < len(data):
        size = cuts[turn % len(cuts)]
        found += splitter.feed(data[at : at + size])
        at, turn = at + size, turn + 1
    assert found == frames
    assert splitter.waiting == 0


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_random_bytes_raise_one_error_only(first: bytes, second: bytes) -> None:
    splitter = Splitter(100)
    try:
        for data in (first, second):
            for frame in splitter.feed(data):
                assert len(frame.body) <= 100
            assert splitter.waiting < HEADER_SIZE + 100
    except WireError:
        pass


def test_a_frame_is_16_bytes_and_its_body() -> None:
    assert pack(Kind.READ, 7, 3, b"ab", Flag.LAST) == bytes.fromhex("4e010408 02000000 07000000 03000000") + b"ab"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"G", "starts with 0x47"),
        (b"N\x02", "version 2"),
        (b"N\x01\x63" + bytes(13), "kind 99"),
        (b"N\x01\x04\x10" + bytes(12), "flags 0x10"),
        (head(Kind.READ, 101), "at most 100"),
    ],
)
def test_what_is_wrong_is_said(data: bytes, words: str) -> None:
    with pytest.raises(WireError, match=words):
        list(Splitter(100).feed(data))


def test_numbers_that_do_not_fit_are_refused() -> None:
    with pytest.raises(WireError, match="does not fit"):
        pack(Kind.READ, 1 << 32)

"""The transport that is lent, and the framing of what goes out by it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from sereno.web.line import BINARY, LINE, TEXT, Line, chunk, line_of, message


class Transport:
    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.write = self.written.append

    def get_write_buffer_size(self) -> int:
        return sum(map(len, self.written))


@pytest.fixture
def transport() -> Transport:
    return Transport()


@pytest.fixture
def line(transport: Transport) -> Line:
    return Line(transport)


def test_it_is_writable_while_lent_and_while_there_is_room(line: Line) -> None:
    drained: list[bool] = []
    assert not line.writable
    line.lend(lambda: drained.append(line.writable))
    assert line.writable
    line.pause()
    assert not line.writable
    line.resume()
    assert drained == [True]
    line.give_back()
    assert not line.writable


def test_room_is_remembered_while_nobody_has_it(line: Line) -> None:
    line.pause()
    line.lend(lambda: None)
    assert not line.writable
    line.give_back()
    line.resume()
    assert not line.writable
    line.lend(lambda: None)
    assert line.writable


def test_a_lost_one_is_never_writable_again(line: Line) -> None:
    line.lend(lambda: pytest.fail("nothing drains any more"))
    line.lose()
    line.resume()
    assert not line.writable


def test_it_counts_what_it_was_given_since_it_was_lent(line: Line, transport: Transport) -> None:
    line.lend(lambda: None)
    line.put(b"abc")
    line.put(b"de")
    assert (line.frames, line.bytes, line.held, transport.written) == (2, 5, 5, [b"abc", b"de"])
    line.lend(lambda: None)
    assert (line.frames, line.bytes) == (0, 0)


def test_the_scope_has_one_or_not(line: Line) -> None:
    assert line_of({"extensions": {LINE: line}}) is line
    assert line_of({"extensions": None}) is None
    assert line_of({}) is None


def test_a_chunk_says_its_length() -> None:
    assert chunk(b"x" * 26) == b"1a\r\n" + b"x" * 26 + b"\r\n"


@given(st.sampled_from([TEXT, BINARY]), st.sampled_from([0, 1, 125, 126, 127, 65535, 65536, 70_000]))
def test_a_message_is_what_websockets_reads(kind: int, size: int) -> None:
    reader = StreamReader()
    reader.feed_data(message(kind, b"p" * size) + message(TEXT, b"next"))
    found = []
    for _ in range(2):
        parsing = Frame.parse(reader.read_exact, mask=False)
        try:
            next(parsing)
        except StopIteration as done:
            found.append(done.value)
    first, second = found
    assert (first.opcode, len(first.data), first.fin) == (Opcode(kind & 0xF), size, True)
    assert second.data == b"next"

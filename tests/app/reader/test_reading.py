"""Readers against small servers written from the description of the original, and against ours."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from sereno.app.reader.asking import Source, ask, every, poll, rate_of, slow_words
from sereno.app.reader.reading import Reader
from sereno.app.reader.ring import Read, Ring
from sereno.model import DeliveryError, NoAnswerError, NotConnectedError, NotFoundError, SystemClock


class Shown:
    """A view that keeps what it is told."""

    def __init__(self, close_after: int = 10**9) -> None:
        self.reads: list[Read] = []
        self.ended = False
        self._close_after = close_after

    @property
    def closed(self) -> bool:
        return len(self.reads) >= self._close_after

    def take(self, read: Read) -> None:
        self.reads.append(read)

    def draw(self, ring: Ring) -> None:
        assert ring.seen == len(self.reads)

    def close(self) -> None:
        self.ended = True


@contextmanager
def server(*answers: bytes, keep: bool = False) -> Iterator[int]:
    """Answers each `n` with the next of `answers`; without `keep` it hangs up after each."""
    waiting = list(answers)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while waiting:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection, suppress(ConnectionResetError):
                    while waiting and (asked := connection.recv(1)):
                        if asked == b"n":
                            connection.sendall(waiting.pop(0))
                            if not keep:
                                break

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def source(port: int, **keys: object) -> Source:
    return Source("127.0.0.1", port, SystemClock(), **keys)  # type: ignore[arg-type]


@pytest.mark.parametrize("persistent", [False, True])
async def test_a_server_that_knows_n_only(persistent: bool) -> None:
    with server(b"0.5", b"-0.25", b"1.0", keep=persistent) as port:
        shown = Shown()
        reader = Reader(source(port), 0.001, shown, print, persistent=persistent, most=3)
        await reader.run(asyncio.Event())
    assert [read.value for read in shown.reads] == [0.5, -0.25, 1.0]
    assert shown.ended


async def test_an_answer_that_is_no_number_is_said_once_and_shown_as_a_gap() -> None:
    said: list[str] = []
    with server(b"0.5", b"what", b"what", b"1.0") as port:
        shown = Shown()
        await Reader(source(port), 0.001, shown, said.append, most=4).run(asyncio.Event())
    assert [read.good for read in shown.reads] == [True, False, False, True]
    assert said == ["b'what' is no number", "the server answers again"]


async def test_before_the_first_value_there_is_a_gap_in_the_picture() -> None:
    with server(b"nan") as port:
        shown = Shown()
        await Reader(source(port), 0.001, shown, print, most=1).run(asyncio.Event())
    assert not shown.reads[0].good


async def test_nobody_there_is_an_error_at_once() -> None:
    with server() as port:
        pass
    for each in (False, True):
        with pytest.raises(NotConnectedError, match="nobody serves values"):
            await Reader(source(port), 0.001, Shown(), print, each=each).run(asyncio.Event())


async def test_a_closed_view_ends_it_and_so_does_the_time() -> None:
    with server(*[b"1.0"] * 10_000, keep=True) as port:
        shown = Shown(close_after=2)
        await Reader(source(port), 0.001, shown, print, persistent=True).run(asyncio.Event())
        assert len(shown.reads) >= 2
    with server(*[b"1.0"] * 10_000, keep=True) as port:
        await Reader(source(port), 60.0, Shown(), print, persistent=True).run(asyncio.Event(), seconds=0.01)


async def test_a_server_that_says_nothing_is_not_waited_for_for_ever() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        patience = source(listening.getsockname()[1], timeout=0.01)
        answers = poll(patience, 1.0, persistent=False)
        assert isinstance(await anext(answers), NoAnswerError)
        await answers.aclose()


async def test_every_sample_and_names_of_our_own_server() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = await reader.readline()
        answers = {
            b"every north\n": b"1.5 1000 good\n2.5 2000 bad\n",
            b"rate north\n": b"20\n",
            b"get north\n": b"3.5 3000 good\n",
        }
        writer.write(answers.get(line, b"! no such name here\n"))
        await _end(writer)

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        north = source(port, name="north")
        reads = every(north)
        assert await anext(reads) == Read(1.5, 1000)
        assert await anext(reads) == Read(2.5, 2000, good=False)
        with pytest.raises(NotConnectedError, match="hung up"):
            await anext(reads)
        assert await rate_of(north) == 20.0
        async with north.connected() as (reader, writer):
            assert await ask(north, reader, writer) == Read(3.5, 3000)
        with pytest.raises(NotFoundError, match="no such name"):
            await anext(every(source(port, name="south")))
        assert await rate_of(source(port, name="south")) == 0.0


async def test_it_says_that_it_asks_too_seldom() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.read(1)
        writer.write(b"1.0" if asked == b"n" else b"50\n")
        await _end(writer)

    said: list[str] = []
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        stopped = asyncio.Event()

        def say(text: str) -> None:
            said.append(text)
            stopped.set()

        await Reader(source(port), 1.0, Shown(), say).run(stopped)
    assert said == [slow_words(1.0, 50.0)]


def test_words_for_readers_that_are_too_slow() -> None:
    assert slow_words(0.02, 50.0) == ""
    assert slow_words(1.0, 0.0) == ""
    assert "of 50 one is seen" in slow_words(1.0, 50.0)
    assert isinstance(NotConnectedError(""), DeliveryError)


async def _end(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()

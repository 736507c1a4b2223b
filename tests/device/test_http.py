"""The HTTP exchange that drivers share: methods, bodies, kept connections, limits."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sereno.device import Environment, HttpClient
from sereno.model import NoAnswerError, NotConnectedError
from sereno.testing import JumpingClock, MemoryTransports, run_jumping

URL = "http://127.0.0.1:80"


class Server(asyncio.Protocol):
    """Answers each request with `answers` in turn; "close" hangs up afterwards, "none" says nothing."""

    def __init__(self, told: list[bytes], answers: list[bytes | str], connections: list[Server]) -> None:
        self._told, self._answers = told, answers
        connections.append(self)
        self.transport: Any = None
        self.is_open = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False

    def data_received(self, data: bytes) -> None:
        self._told.append(data)
        answer = self._answers.pop(0)
        if isinstance(answer, bytes):
            self.transport.write(answer)
        if answer == "close":
            self.transport.close()


def good(body: bytes = b"{}", status: str = "200 OK", more: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body


class Bench:
    def __init__(self, answers: list[bytes | str]) -> None:
        self.told: list[bytes] = []
        self.connections: list[Server] = []
        self.answers = answers
        self.network = MemoryTransports()

    async def __aenter__(self) -> Bench:
        self.listener = await self.network.listen(
            lambda: Server(self.told, self.answers, self.connections), "127.0.0.1", 80
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.listener.close()


def test_a_put_carries_its_form_and_says_how_long_it_is() -> None:
    async def work(clock: JumpingClock) -> None:
        async with Bench([good(b"fine", "201 Created", "X-Kind: a\r\nX-Kind: b\r\n")]) as bench:
            client = HttpClient(bench.network, clock)
            answer = await client.ask("PUT", f"{URL}/a?b=c", headers={"X-Me": "1"}, body=b"Id=3")
            assert (answer.status, answer.body, answer.headers["x-kind"]) == (201, b"fine", "a, b")
            lines = bench.told[0].split(b"\r\n")
            assert lines[0] == b"PUT /a?b=c HTTP/1.1"
            assert {b"Connection: close", b"Host: 127.0.0.1:80", b"X-Me: 1", b"Content-Length: 4"} <= set(lines)
            assert lines[-1] == b"Id=3"

    run_jumping(work)


def test_connections_are_kept_when_both_want_that() -> None:
    async def work(clock: JumpingClock) -> None:
        answers: list[bytes | str] = [good(), good(), good(more="Connection: close\r\n"), good()]
        async with Bench(answers) as bench:
            client = HttpClient(bench.network, clock, keep=2)
            for _ in range(3):
                await client.ask("GET", f"{URL}/")
            assert len(bench.connections) == 1
            await client.ask("GET", f"{URL}/")
            assert len(bench.connections) == 2
            await client.close()

    run_jumping(work)


def test_a_kept_connection_that_ends_costs_a_get_nothing_and_a_put_its_answer() -> None:
    async def work(clock: JumpingClock) -> None:
        async with Bench([good(), "close", good(), "close"]) as bench:
            client = HttpClient(bench.network, clock, keep=1)
            await client.ask("GET", f"{URL}/")
            assert (await client.ask("GET", f"{URL}/")).status == 200
            with pytest.raises(NoAnswerError, match="hung up"):
                await client.ask("PUT", f"{URL}/")
            assert len(bench.told) == 4
            await client.close()

    run_jumping(work)


def test_one_that_hung_up_meanwhile_is_not_asked() -> None:
    async def work(clock: JumpingClock) -> None:
        async with Bench([good(), good()]) as bench:
            client = HttpClient(bench.network, clock, keep=1)
            await client.ask("GET", f"{URL}/")
            bench.connections[0].transport.close()
            await clock.sleep(1.0)
            assert (await client.ask("PUT", f"{URL}/")).status == 200
            await client.close()

    run_jumping(work)


@pytest.mark.parametrize(
    ("answer", "words"),
    [(good(b"x" * 11), "more than 10 bytes"), (good(status="404 Not Found"), "status 404"), ("none", "within 2 s"),
     ("close", "hung up"), (b"SSH-2.0\r\n", "HTTP"), (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70000, "bytes of head")],
)  # fmt: skip
def test_what_is_no_answer_is_told(answer: bytes | str, words: str) -> None:
    async def work(clock: JumpingClock) -> None:
        async with Bench([answer]) as bench:
            client = HttpClient(bench.network, clock)
            with pytest.raises(NoAnswerError, match=words):
                await client.ask("GET", f"{URL}/", most=10, timeout=2.0, accept=(200,))

    run_jumping(work)


def test_an_answer_may_be_announced() -> None:
    async def work(clock: JumpingClock) -> None:
        async with Bench([b"HTTP/1.1 100 Continue\r\n\r\n" + good(b"yes")]) as bench:
            assert (await HttpClient(bench.network, clock).ask("GET", f"{URL}/")).body == b"yes"

    run_jumping(work)


def test_what_cannot_be_asked() -> None:
    async def work(clock: JumpingClock) -> None:
        client = HttpClient(MemoryTransports(), clock)
        with pytest.raises(NotConnectedError):
            await client.ask("GET", f"{URL}/")
        for url in ("https://there/", "there", "file:///etc"):
            with pytest.raises(ValueError, match="no URL"):
                await client.ask("GET", url)
        with pytest.raises(ValueError, match="line break"):
            await client.ask("GET", f"{URL}/", headers={"X": "a\r\nY: b"})

    run_jumping(work)


def test_one_that_says_more_than_was_asked_is_hung_up_on() -> None:
    async def work(clock: JumpingClock) -> None:
        async with Bench([good(), good(), good()]) as bench:
            http = HttpClient(bench.network, clock, keep=2)
            for _ in range(3):
                await http.ask("GET", URL)
                bench.connections[-1].transport.write(b"and another thing")
                await clock.sleep(0.1)
            assert [one.is_open for one in bench.connections] == [False, False, False]

    run_jumping(work)


@pytest.mark.parametrize("kept", [True, False])
def test_after_hanging_up_nobody_is_asked_again(kept: bool) -> None:
    async def work(clock: JumpingClock) -> None:
        async with Bench([good(), "none", good()] if kept else ["none", good()]) as bench:
            http = HttpClient(bench.network, clock, keep=2)
            if kept:
                await http.ask("GET", URL)
            asking = asyncio.create_task(http.ask("GET", URL))
            await clock.sleep(0.1)
            await http.close()
            with pytest.raises(NoAnswerError, match="hung up"):
                await asking
            await clock.sleep(0.1)
            assert [one.is_open for one in bench.connections] == [False]
            with pytest.raises(NotConnectedError, match="the node hung up"):
                await http.ask("GET", URL)


async def test_a_name_that_no_machine_can_have_is_nobody() -> None:
    client = HttpClient(Environment().transports)
    for name in ("a..b", "a" * 64):
        with pytest.raises(NotConnectedError):
            await client.ask("GET", f"http://{name}/")


def test_hosts_that_are_asked_once_are_not_remembered() -> None:
    async def work(clock: JumpingClock) -> None:
        async with Bench([good(), good(), "close"]) as bench:
            for keep in (0, 1):
                client = HttpClient(bench.network, clock, keep=keep)
                await client.ask("GET", f"{URL}/")
                assert len(client._idle) == keep
            with pytest.raises(NoAnswerError):
                await client.ask("PUT", f"{URL}/")
            assert client._idle == {}
            await client.close()

    run_jumping(work)

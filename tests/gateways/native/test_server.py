from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sereno.client import connect
from sereno.model import NotConnectedError
from sereno.wire.messages import Hello, Open, SubscribeAll, SubscribeTo, read_error, read_subscribed, read_welcome
from sereno.wire.native import MAX_ANSWER_BYTES, Flag, Kind, Received, Splitter, pack
from sereno.wire.packed import pack_value, unpack_value

from .site import DEVICE, Site, site_at


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with site_at() as site:
        site.publish(voltage=1.5)
        yield site


class Raw:
    """A peer that sends what it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.splitter = Splitter(MAX_ANSWER_BYTES)
        self.came: list[Received] = []

    async def frame(self) -> Received:
        """The next frame that is no sign of life. Raises ConnectionError at the end."""
        while True:
            while self.came:
                frame = self.came.pop(0)
                if frame.kind != Kind.PULSE:
                    return frame
            async with asyncio.timeout(60):
                data = await self.reader.read(1 << 16)
            if not data:
                raise ConnectionError
            self.came += self.splitter.feed(data)

    async def hello(self, token: str) -> Received:
        self.writer.write(pack(Kind.HELLO, 0, 0, pack_value(Hello(token))))
        return await self.frame()

    async def ask(self, kind: int, body: object, *, extra: int = 0, number: int = 7) -> Received:
        self.writer.write(pack(kind, number, extra, pack_value(body)))
        return await self.frame()

    async def close(self) -> None:
        self.writer.close()
        await asyncio.gather(self.writer.wait_closed(), return_exceptions=True)


async def peer(site: Site) -> Raw:
    return Raw(*await asyncio.open_connection("127.0.0.1", site.server.port))


async def test_who_has_a_token_is_welcome(site: Site) -> None:
    raw = await peer(site)
    welcome = await raw.hello("viewer")
    assert welcome.kind == Kind.WELCOME
    said = read_welcome(welcome.body)
    assert (said.actor, said.node, said.rights) == ("viewer", "lab", ["read", "history"])
    await raw.close()


@pytest.mark.parametrize("token", ["", "wrong", "viewer ", "\udcff"])
async def test_others_get_a_refusal_and_nothing_else(site: Site, token: str) -> None:
    raw = await peer(site)
    if token == "\udcff":
        raw.writer.write(pack(Kind.HELLO, 0, 0, b"\x81\xa5token\xa1\xff"))
        goodbye = await raw.frame()
    else:
        goodbye = await raw.hello(token)
    assert goodbye.kind == Kind.BYE
    with pytest.raises(ConnectionError):
        await raw.frame()
    await raw.close()


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        pack(Kind.READ, 1, 1),
        pack(Kind.ASK, 1, 0, pack_value({"what": "tags"})),
        pack(Kind.HELLO, 0, 0, b"\xc1"),
        pack(Kind.HELLO, 0, 0, b"\x91" * 4000),
        pack(Kind.HELLO, 0, 0, b"x" * 5000),
        pack(Kind.WELCOME),
        b"N\x02" + bytes(14),
    ],
)
async def test_a_stranger_is_told_what_is_wrong_and_cut_off(site: Site, said: bytes) -> None:
    raw = await peer(site)
    raw.writer.write(said)
    assert (await raw.frame()).kind == Kind.BYE
    with pytest.raises(ConnectionError):
        await raw.frame()
    await raw.close()


async def test_a_stranger_that_says_nothing_does_not_stay(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sereno.gateways.native.connection.PATIENCE", 1)
    raw = await peer(site)
    with pytest.raises(ConnectionError):
        await raw.frame()
    assert site.server.statistics()["silent"] == 1
    await raw.close()


async def test_reads_are_answered_in_their_order(site: Site) -> None:
    raw = await peer(site)
    await raw.hello("viewer")
    declared = await raw.ask(Kind.OPEN, Open([f"{DEVICE}/voltage"]), extra=1)
    assert [tag["path"] for tag in unpack_value(declared.body)] == [f"{DEVICE}/voltage"]
    raw.writer.write(b"".join(pack(Kind.READ, number, 1) for number in range(1, 200)))
    answers = [await raw.frame() for _ in range(1, 200)]
    assert [a.id for a in answers] == list(range(1, 200))
    assert {a.kind for a in answers} == {Kind.VALUE}
    unknown = await raw.ask(Kind.READ, None, extra=9)
    assert read_error(unknown.body).kind == "NotFoundError"
    await raw.close()


async def test_a_thousand_subscriptions_in_one_frame(site: Site) -> None:
    raw = await peer(site)
    await raw.hello("viewer")
    wanted = [SubscribeTo(sub=n, tags=[f"{DEVICE}/voltage"]) for n in range(1, 1001)]
    answer = await raw.ask(Kind.SUBSCRIBE, SubscribeAll([*wanted, SubscribeTo(sub=1001, tags=["nope"])]))
    told = read_subscribed(answer.body)
    assert [one.error is None for one in told] == [True] * 1000 + [False]
    first = [await raw.frame() for _ in range(1000)]
    assert {f.id for f in first} == set(range(1, 1001))
    assert all(f.kind == Kind.UPDATE and f.flags & Flag.SNAPSHOT for f in first)
    site.publish(voltage=2.5)
    second = [await raw.frame() for _ in range(1000)]
    assert {f.id for f in second} == set(range(1, 1001))
    await raw.close()


@pytest.mark.parametrize("kind", ["alarm", "sunshine"])
async def test_what_has_no_source_is_refused_by_name(site: Site, kind: str) -> None:
    raw = await peer(site)
    await raw.hello("viewer")
    answer = await raw.ask(Kind.SUBSCRIBE, SubscribeAll([SubscribeTo(sub=1, tags=["*"], kind=kind)]))
    error = read_subscribed(answer.body)[0].error
    assert error is not None
    assert error.kind == "RefusedError"
    assert kind in error.text
    await raw.close()


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        (Kind.ASK, {"what": "users", "given": {}}, "no right"),
        (Kind.ASK, {"what": "history", "given": {"tags": ["*"]}}, "not understood"),
        (Kind.COMMAND, {"orders": []}, "0 commands"),
        (Kind.COMMAND, {"orders": [{"key": "k-000001", "target": f"{DEVICE}/voltage", "value": 1.0}]}, "no right"),
        (Kind.SUBSCRIBE, {"subscriptions": 5}, "not understood"),
        (Kind.OPEN, {"tags": ["x" * 300]}, "200 characters"),
    ],
)
async def test_a_viewer_is_refused_what_is_not_in_the_table_or_not_understood(
    site: Site, kind: int, body: object, words: str
) -> None:
    raw = await peer(site)
    await raw.hello("viewer")
    answer = await raw.ask(kind, body)
    assert answer.kind == Kind.FAILED
    assert answer.id == 7
    assert words in read_error(answer.body).text
    await raw.close()


async def test_who_does_not_read_costs_bounded_memory_and_is_cut_off(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sereno.gateways.native.connection.STALL", 1)
    raw = await peer(site)
    await raw.hello("viewer")
    await raw.ask(Kind.OPEN, Open([DEVICE]), extra=1)
    held = socket.create_connection(("127.0.0.1", site.server.port))
    held.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    held.sendall(pack(Kind.HELLO, 0, 0, pack_value(Hello("viewer"))))
    await asyncio.to_thread(held.recv, 100)
    held.sendall(pack(Kind.OPEN, 1, 1, pack_value(Open([DEVICE]))))
    held.setblocking(False)
    asked = 0
    async with asyncio.timeout(60):
        while not site.server.statistics()["stalled"]:
            try:
                asked += held.send(pack(Kind.READ, 5, 1) * 1000)
            except BlockingIOError:
                await asyncio.sleep(0.01)
            except OSError:
                break
    assert (await raw.ask(Kind.READ, None, extra=1)).kind == Kind.COLUMNS  # nobody else waits
    held.close()
    await raw.close()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    st.booleans(),
    st.lists(
        st.binary(max_size=200)
        | st.builds(
            pack,
            st.sampled_from(sorted(Kind)),
            st.integers(0, 9),
            st.integers(0, 3),
            st.binary(max_size=60)
            | st.recursive(
                st.none() | st.integers(-9, 9) | st.text(max_size=5),
                lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
                max_leaves=8,
            ).map(pack_value),
            st.sampled_from([0, 1, 2, 8]),
        ),
        max_size=6,
    ),
)
def test_random_bytes_raise_nothing(known: bool, pieces: list[bytes]) -> None:
    async def throw() -> None:
        complaints: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        async with site_at() as site:
            raw = await peer(site)
            if known:
                await raw.hello("operator")
            for piece in pieces:
                raw.writer.write(piece)
            await asyncio.sleep(0)
            async with connect(site.server.url, "viewer") as other:
                assert (await other.get(f"{DEVICE}/voltage")).tag.unit == "V"
            await raw.close()
        assert complaints == []

    asyncio.run(throw())


async def test_who_is_here_is_told_that_the_server_stops(site: Site) -> None:
    async with connect(site.server.url, "viewer") as client:
        await client.get(f"{DEVICE}/voltage")
        await site.server.stop()
        with pytest.raises(NotConnectedError, match=r"the server is stopping|no connection"):
            await client.get(f"{DEVICE}/voltage")

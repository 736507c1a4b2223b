from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sereno.access.actor import Actor
from sereno.client import Client, Subscription, TraceLine, Update, connect
from sereno.model import (
    Ack,
    AckState,
    Command,
    DeniedError,
    NoAnswerError,
    NotConnectedError,
    NotFoundError,
    RefusedError,
    Verb,
)
from sereno.web.outlets import BEAT
from tests.client.node import SPECS, Node, node_at

LEVEL, TOTAL, RECIPE, FORECAST = (f"north/plc1/{name}" for name in ("level", "total", "recipe", "forecast"))
BIG = 2**60 + 1


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with node_at(tmp_path) as node:
        node.publish(level=1.25, total=BIG, mode=1, open=1, recipe="récipe", forecast=np.array([1.0, np.nan, 3.0]))
        yield node


@pytest.fixture
async def client(node: Node) -> AsyncIterator[Client]:
    async with connect(node.url, node.token) as client:
        yield client


async def until(subscription_or_stream: Any, wanted: Any) -> Any:
    async with asyncio.timeout(60):
        async for item in subscription_or_stream:
            if wanted(item):
                return item
    raise AssertionError("ended")


def value_of(update: Update, subscription: Subscription, path: str) -> float | None:
    place = [t.path for t in subscription.tags].index(path)
    rows = np.flatnonzero(update.index == place)
    return float(update.values[rows[0]]) if len(rows) else None


async def test_the_actor_is_the_one_of_the_token(client: Client) -> None:
    assert (client.actor.name, client.actor.kind) == ("olga:test", "token")
    with pytest.raises(RefusedError, match="token"):
        client.as_actor(Actor("ben"))


async def test_declarations_come_as_they_are(client: Client) -> None:
    found = {spec.path: spec for spec in await client.tags()}
    assert list(found) == [spec.path for spec in SPECS]
    for spec in SPECS:
        for name in ("type", "unit", "description", "access", "shape", "labels", "decimals", "low", "high", "id"):
            assert getattr(found[spec.path], name) == getattr(spec, name), f"{name} of {spec.path}"
        assert found[spec.path].deadband_absolute == spec.deadband_absolute
    assert found["north/plc1/setpoint"].setpoint == SPECS[6].setpoint
    assert await client.tags("nothing*") == []


async def test_values_come_in_their_types(client: Client) -> None:
    values = {r.tag.name: r.value for r in await client.read("north/*")}
    assert values["level"] == 1.25
    assert values["total"] == BIG
    assert (values["mode"], values["open"], values["recipe"]) == ("on", True, "récipe")
    np.testing.assert_array_equal(values["forecast"], [1.0, np.nan, 3.0])
    reading = await client.get(LEVEL)
    assert (reading.quality, reading.reason) == (0, "")
    assert 0 <= reading.age < 60
    assert reading.t_source > 0


async def test_unknown_names_and_rights_are_said_in_words(client: Client, node: Node) -> None:
    with pytest.raises(NotFoundError, match="level"):
        await client.read("north/plc1/levle")
    node_url = node.url
    with pytest.raises(DeniedError, match="token"):
        async with connect(node_url, "wrong"):
            pass
    with pytest.raises(DeniedError):
        async with connect(node_url, ""):
            pass
    with pytest.raises(DeniedError, match="denied"):
        await until(client.trace("north/plc1"), lambda _: True)


async def test_a_write_returns_its_final_ack(client: Client, node: Node) -> None:
    ack = await client.write("north/plc1/setpoint", 2.5, expected=1.0, comment="why")
    assert (ack.state, ack.value) == (AckState.DONE, 2.5)
    command, actor = node.commands.seen[0]
    assert (command.target, command.value) == ("north/plc1/setpoint", 2.5)
    assert (command.expected, command.comment) == (1.0, "why")
    assert (actor.name, command.actor) == ("olga:test", "olga:test")
    assert [a.state for a in await client.acks(ack.key)] == [AckState.ACCEPTED, AckState.DONE]


async def test_acks_come_one_by_one(client: Client, node: Node) -> None:
    node.commands.outcome = [(AckState.ACCEPTED, ""), (AckState.PROGRESS, "half"), (AckState.FAILED, "jammed")]
    command = Command(target="north/plc1", verb=Verb.CALL, name="open", arguments=(1, "x"))
    assert [(a.state, a.reason) async for a in client.submit(command)] == node.commands.outcome
    assert node.commands.seen[0][0].arguments == (1, "x")


@pytest.mark.parametrize("reason", ["value is 3, you saw 1", "denied: olga may not"])
async def test_a_refused_write_raises_nothing(client: Client, node: Node, reason: str) -> None:
    node.commands.outcome = [(AckState.REFUSED, reason)]
    ack = await client.write("north/plc1/setpoint", 2.5)
    assert (ack.state, ack.reason) == (AckState.REFUSED, reason)


async def test_a_write_to_nothing_is_refused_with_near_spellings(client: Client) -> None:
    ack = await client.write("north/plc1/setpiont", 2.5)
    assert ack.state is AckState.REFUSED
    assert "setpoint" in ack.reason


async def test_the_same_key_is_the_same_command(client: Client, node: Node) -> None:
    for _ in range(3):
        assert (await client.write("north/plc1/setpoint", 2.5, key="k" * 20)).state is AckState.DONE
    assert len(node.commands.seen) == 1


async def test_acks_unknown_to_the_node(client: Client) -> None:
    with pytest.raises(NotFoundError):
        await client.acks("k" * 20)


async def test_history_comes_exact(client: Client, node: Node) -> None:
    t = node.publish(level=2.0, total=BIG + 1, recipe="b", forecast=np.array([4.0, 5.0, 6.0]))
    level, total, recipe, forecast = await client.query(LEVEL, TOTAL, RECIPE, FORECAST, start=t - 10**10, end=t + 1)
    assert level.t[-1] == t
    assert level.value.tolist() == [1.25, 2.0]
    assert level.unit == "m"
    assert level.quality.tolist() == [0, 0]
    assert total.exact is not None
    assert total.exact.tolist() == [BIG, BIG + 1]
    assert recipe.objects == ("récipe", "b")
    assert forecast.objects is not None
    np.testing.assert_array_equal(forecast.objects[0], [1.0, np.nan, 3.0])
    (before,) = await client.query(LEVEL, start=t - 10**10, end=t)
    assert before.value.tolist() == [1.25]
    (buckets,) = await client.query(LEVEL, start=t - 10**10, end=t + 10**9, points=4)
    assert len(buckets.t) == 4
    assert buckets.count is not None
    assert buckets.count.sum() == 2


async def test_history_refuses_what_it_cannot(client: Client) -> None:
    with pytest.raises(ValueError, match="not after"):
        await client.query(LEVEL, start="now", end="now-1h")
    with pytest.raises(NotFoundError):
        await client.query("north/plc1/nothing")


async def test_gaps_come_as_gaps(client: Client, node: Node) -> None:
    t = node.publish(quality=0x8000, level=2.0, total=BIG)
    level, total = await client.query(LEVEL, TOTAL, start=t, end=t + 1)
    assert np.isnan(level.value[-1])
    assert level.quality[-1] == 0x8000
    assert np.isnan(total.value[-1])


async def test_devices_come_whole(client: Client, node: Node) -> None:
    assert await client.devices() == await node.devices.devices(client.actor)


async def test_a_trace_shows_frames(node: Node) -> None:
    await node.accounts.add_user("erik", "correct horse battery", ["engineer"], by="test")
    token = (await node.accounts.tokens.issue("erik", "test", "engineer", 3600.0))[1]
    line = TraceLine(1_763_600_000_123_456_000, "tcp://x", "tx", b"\x00\x01", "read 2")
    node.devices.lines.put_nowait(line)
    async with connect(node.url, token) as client:
        trace = client.trace("north/plc1")
        assert await anext(trace) == line
        following = asyncio.ensure_future(anext(trace))
        await asyncio.sleep(1.5 * BEAT)
        node.devices.lines.put_nowait(line)
        assert await following == line, "the heartbeat between two lines is no line"
        node.devices.lines.put_nowait(None)
        with pytest.raises(NotConnectedError, match="ended"):
            await anext(trace)


async def test_a_node_that_is_not_there_is_one_line(node: Node) -> None:
    port = await node.cut()
    with pytest.raises(NotConnectedError) as error:
        async with connect(f"127.0.0.1:{port}", "t"):
            pass
    assert "\n" not in str(error.value)
    assert f"http://127.0.0.1:{port}" in str(error.value)
    await node.serve(port)


async def test_a_node_that_goes_leaves_one_line_for_every_call(client: Client, node: Node) -> None:
    port = await node.cut()
    calls = [client.read(), client.query(LEVEL), client.devices(), client.subscribe(LEVEL)]
    for call in [*calls, client.write("north/plc1/setpoint", 1.0)]:
        with pytest.raises(NotConnectedError, match=r"no connection.*running"):
            await call
    await node.serve(port)


@asynccontextmanager
async def listening(reply: Callable[[], Awaitable[bytes]]) -> AsyncIterator[str]:
    """Something on a port that sends `reply` to whoever asks; gives its address."""
    conversations: list[asyncio.Task[Any]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversations.append(asyncio.current_task())  # type: ignore[arg-type]
        with suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(await reply())
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    await asyncio.gather(*conversations)
    await server.wait_closed()


@pytest.mark.parametrize(
    "reply", [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", b"SSH-2.0-x\r\n", b"", b"HTTP/1.1 500 x\r\n\r\n"]
)
async def test_something_that_is_no_node(reply: bytes) -> None:
    async def answer() -> bytes:
        return reply

    async with listening(answer) as url:
        with pytest.raises(NoAnswerError, match=r"127\.0\.0\.1|500"):
            async with connect(url, "t"):
                pass


async def test_a_node_that_does_not_answer() -> None:
    done = asyncio.Event()

    async def answer() -> bytes:
        await done.wait()
        return b""

    async with listening(answer) as url:
        with pytest.raises(NoAnswerError, match=r"within 0\.1 s"):
            async with connect(url, "t", timeout=0.1):
                pass
        done.set()


@pytest.mark.parametrize("url", ["http://", "ftp://x", "http://[", "http://x:99999999"])
async def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises((ValueError, NotConnectedError)):
        async with connect(url, "t"):
            pass


async def test_a_command_whose_node_goes_ends_unknown(
    client: Client, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sereno.client._remote._PATIENCE", 0.2)
    node.commands.outcome = [(AckState.ACCEPTED, "")]
    acks = client.submit(Command(target="north/plc1/setpoint", value=1.0))
    assert (await anext(acks)).state is AckState.ACCEPTED
    port = await node.cut()
    last = await anext(acks)
    assert last.state is AckState.UNKNOWN
    assert "no connection" in last.reason
    await node.serve(port)


async def test_a_command_outlives_a_short_loss(client: Client, node: Node) -> None:
    node.commands.outcome = [(AckState.ACCEPTED, "")]
    acks = client.submit(Command(target="north/plc1/setpoint", value=1.0, key="k" * 20))
    assert (await anext(acks)).state is AckState.ACCEPTED
    port = await node.cut()
    reading = asyncio.ensure_future(anext(acks))
    await node.serve(port)
    node.commands.kept["k" * 20].append(Ack(key="k" * 20, state=AckState.DONE, t=1))
    async with asyncio.timeout(60):
        assert (await reading).state is AckState.DONE
    assert len(node.commands.seen) == 1

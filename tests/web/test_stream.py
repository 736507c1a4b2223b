"""Server-sent events: live values and traces."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sereno.client import TraceLine


async def _open(site: Any, path: str = "/api/v1/stream?tag=north", role: str = "viewer") -> Any:
    connection = site.connect(path, token=await site.token(role, role))
    start = await connection.next()
    assert start["status"] == 200
    headers = dict(start["headers"])
    assert headers[b"content-type"].startswith(b"text/event-stream")
    assert headers[b"cache-control"] == b"no-store"
    return connection


async def test_a_snapshot_then_changes(site) -> None:
    async with site.running():
        connection = await _open(site)
        _, first = await connection.event()
        assert first["snapshot"]
        assert first["tags"][0] == "north/plc1/level"
        assert dict(zip(first["index"], first["value"], strict=True))[5] == 2**64 - 1
        site.plant.set("north/plc1/level", 4.5)
        _, change = await connection.event()
        assert (change["snapshot"], change["index"], change["value"]) == (False, [0], [4.5])
        assert change["seq"] == first["seq"] + 1
        await connection.close()
    assert site.plant.subscriptions[0].closed


async def test_a_heartbeat_each_second(site) -> None:
    async with site.running():
        connection = await _open(site)
        await connection.event()
        for second in (1, 2):
            await site.clock.advance(1.0)
            assert await connection.event() == ("heartbeat", {"t": f"2025-11-20T12:00:0{second}.000000Z"})
        await connection.close()


async def test_an_unknown_tag_is_a_problem_not_a_stream(site) -> None:
    connection = site.connect("/api/v1/stream?tag=none", token=await site.token("viewer", "viewer"))
    assert (await connection.next())["status"] == 404
    await connection.close()


async def test_a_slow_client_misses_frames_not_values(site) -> None:
    async with site.running():
        slow = await _open(site)
        quick = await _open(site)
        await slow.event()
        slow.flowing.clear()
        for i in range(20):
            site.plant.set("north/plc1/level", float(i))
            await quick.event()
        slow.flowing.set()
        seen = [(await slow.event())[1] for _ in range(2)]
        assert [e["snapshot"] for e in seen] in ([True, True], [False, True])
        assert seen[1]["value"][0] == 19.0
        assert seen[1]["dropped"] > 10
        text = (await _metrics(site)).replace(".0\n", "\n")
        assert f"sereno_web_dropped_total {seen[1]['dropped']}\n" in text
        await slow.close()
        await quick.close()


async def _metrics(site: Any) -> str:
    async with await site.signed_in("viewer") as browser:
        return (await browser.get("/metrics")).text


async def test_a_client_that_takes_nothing_is_cut_off(site) -> None:
    async with site.running():
        stuck = await _open(site)
        await stuck.event()
        stuck.flowing.clear()
        site.plant.set("north/plc1/level", 2.0)
        await site.clock.advance(15.0)
        await asyncio.wait_for(stuck.task, 60)
        assert "sereno_web_stalled_total 1.0" in await _metrics(site)
        assert 'sereno_web_clients{kind="sse"} 0.0' in await _metrics(site)
    assert site.plant.subscriptions[0].closed


async def test_rights_that_end_end_the_stream(site) -> None:
    async with site.running():
        connection = await _open(site)
        await connection.event()
        await site.accounts.set_disabled("viewer", True, by="test")
        await connection.next(lambda m: m["type"] == "http.response.body" and not m["more_body"])
        await asyncio.wait_for(connection.task, 60)


async def test_a_token_that_runs_out_ends_the_stream(site) -> None:
    async with site.running():
        connection = await _open(site)
        await connection.event()
        site.clock.now += 3700.0
        await site.clock.advance(31.0)
        await connection.next(lambda m: m["type"] == "http.response.body" and not m["more_body"])
        await asyncio.wait_for(connection.task, 60)


async def test_a_stopping_node_ends_streams(site) -> None:
    async with site.running():
        connection = await _open(site)
        await connection.event()
        site.app.state.outlets.close()
        await asyncio.wait_for(connection.task, 60)
        late = await _open(site)
        await asyncio.wait_for(late.task, 60)


async def test_values_that_end_end_the_stream(site) -> None:
    async with site.running():
        connection = await _open(site)
        await connection.event()
        await site.plant.subscriptions[0].close()
        await asyncio.wait_for(connection.task, 60)


@pytest.mark.parametrize("query", ["interval=-1", "interval=61", "interval=often"])
async def test_odd_intervals_are_refused(site, query: str) -> None:
    connection = site.connect(f"/api/v1/stream?{query}", token=await site.token("viewer", "viewer"))
    assert (await connection.next())["status"] == 422
    await connection.close()


async def test_a_trace_shows_raw_frames(site) -> None:
    async with site.running():
        connection = await _open(site, "/api/v1/devices/north/plc1/trace", "engineer")
        site.plant.lines.put_nowait(TraceLine(1_763_640_000_000_000_000, "tcp://x", "tx", b"\x00\x01\xff", "read 1"))
        assert await connection.event() == (
            "message",
            {
                "t": "2025-11-20T12:00:00.000000Z",
                "link": "tcp://x",
                "direction": "tx",
                "data": "00 01 ff",
                "text": "read 1",
            },
        )
        site.plant.lines.put_nowait(None)
        await asyncio.wait_for(connection.task, 60)


async def test_a_trace_needs_its_right_and_a_device(site) -> None:
    for path, role, status in (
        ("north/plc1", "operator", 403),
        ("north/plc9", "engineer", 404),
    ):
        connection = site.connect(f"/api/v1/devices/{path}/trace", token=await site.token(role, role))
        assert (await connection.next())["status"] == status
        await connection.close()


async def test_who_comes_back_is_told_to_wait_each_another_while(site) -> None:
    token = await site.token("viewer", "viewer")
    waits = []
    async with site.running():
        for _ in range(40):
            connection = site.connect("/api/v1/stream?tag=north", token=token)
            await connection.next()
            waits.append(int((await connection.next())["body"].removeprefix(b"retry: ")))
            await connection.close()
    assert min(waits) >= 1500
    assert max(waits) - min(waits) > 750
    assert len(set(waits)) > 30

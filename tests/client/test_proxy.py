from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest

from sereno.access.actor import ROLES, Actor
from sereno.client import Client, Reading, connect, observe, wait_for_value
from sereno.client._watching import MAX_WAITING
from sereno.model import (
    AckState,
    DeniedError,
    DeviceError,
    ErrorSeverity,
    NotFoundError,
    OperationError,
    Quality,
    RefusedError,
)
from tests.gateways.native.site import DEVICE, NAMES, Site, site_at

VOLTAGE = f"{DEVICE}/voltage"


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with site_at() as site:
        site.publish(voltage=1.5, current=0.25, mode=1, label="bench")
        yield site


@pytest.fixture
async def client(site: Site) -> AsyncIterator[Client]:
    async with connect(site.server.url, "operator") as client:
        yield client


async def test_a_tag_reads_and_writes(client: Client, site: Site) -> None:
    ps = client[DEVICE]
    assert (await ps.voltage.read()).value == 1.5
    assert await ps.mode.value() == "on"
    ack = await ps.voltage.write(3.0)
    assert (ack.state, ack.value) == (AckState.DONE, 3.0)
    assert (await ps.voltage.spec()).unit == "V"
    assert site.handler.written == [(VOLTAGE, 3.0)]


async def test_commands_are_called(client: Client) -> None:
    ps = client[DEVICE]
    assert await ps.add(2, 3) == 5
    np.testing.assert_array_equal(await ps.call("wave"), [0.0, 1.0, 2.0])
    with pytest.raises(OperationError, match="no command 'reset'"):
        await ps.reset()


async def test_what_was_not_done_is_raised(client: Client, site: Site) -> None:
    ps = client[DEVICE]
    site.handler.refuse = "interlock open"
    with pytest.raises(OperationError, match="interlock open") as failed:
        await ps.voltage.write(1.0)
    assert failed.value.ack.state is AckState.FAILED  # type: ignore[attr-defined]
    with pytest.raises(RefusedError, match="read only"):
        await ps.current.write(1.0)
    with pytest.raises(RefusedError, match="you saw 9"):
        await ps.voltage.write(1.0, expected=9.0)


async def test_the_error_of_a_device_comes_with_its_four_parts(client: Client) -> None:
    with pytest.raises(DeviceError) as failed:
        await client[DEVICE].trip()
    error = failed.value
    assert (error.reason, error.origin, error.severity) == ("overheated", "lab/ps/1/trip", ErrorSeverity.PANIC)
    assert error.description == "the heat sink is at 95 degC"
    assert str(error) == "overheated: the heat sink is at 95 degC (lab/ps/1/trip, panic)"


async def test_a_described_device_knows_its_names(client: Client) -> None:
    ps = await client[DEVICE]
    assert {*NAMES, "add", "trip"} <= set(dir(ps))
    assert await ps.add(1, 2) == 3
    assert ps.commands["add"].signature == "add()"
    assert ps.tags["voltage"].unit == "V"
    with pytest.raises(AttributeError, match="did you mean voltage"):
        ps.voltag  # noqa: B018
    with pytest.raises(KeyError):
        ps["nothing"]
    with pytest.raises(NotFoundError, match="no device"):
        await client["lab/ps/9"]


async def test_a_device_reads_and_writes_several_at_once(client: Client, site: Site) -> None:
    ps = client[DEVICE]
    assert {name: r.value for name, r in (await ps.read()).items()}["label"] == "bench"
    acks = await ps.write(voltage=2.0, current=1.0)
    assert {name: ack.state for name, ack in acks.items()} == {"voltage": AckState.DONE, "current": AckState.REFUSED}


async def test_a_group_is_read_in_one_frame(client: Client, site: Site) -> None:
    before = site.server.statistics()["requests"]
    group = client.group("lab/*")
    found = await group.read()
    assert site.server.statistics()["requests"] == before + 2  # made ready, read
    assert found[VOLTAGE].value == 1.5
    assert found[f"{DEVICE}/label"].value == "bench"
    assert found.present.values[found.paths.index(VOLTAGE)] == 1.5
    assert len(found) == len(NAMES)
    await group.read()
    assert site.server.statistics()["requests"] == before + 3
    assert await group.devices() == [DEVICE]


async def test_a_group_is_written_in_one_frame(client: Client, site: Site) -> None:
    before = site.server.statistics()["requests"]
    acks = await client.group(VOLTAGE).write({VOLTAGE: 4.0})
    assert acks[VOLTAGE].state is AckState.DONE
    assert site.server.statistics()["requests"] == before + 1
    assert (await client.group("lab/*").write(5.0))[VOLTAGE].state is AckState.DONE
    assert (await client.group("lab/*").call("add", 1, 2))[DEVICE].value == 3
    with pytest.raises(NotFoundError, match="names no tag that can be written"):
        await client.group(f"{DEVICE}/current").write(1.0)


async def next_of(stream: Any) -> Any:
    async with asyncio.timeout(60):
        return await anext(stream)


async def test_tags_watched_at_the_same_time_share_a_frame(client: Client, site: Site) -> None:
    before = site.server.statistics()["requests"]
    ps = client[DEVICE]
    watches = await asyncio.gather(*(ps[name].subscribe() for name in NAMES), ps.voltage.subscribe())
    assert site.server.statistics()["requests"] == before + 1
    assert [(await next_of(aiter(w))).tag.name for w in watches] == [*NAMES, "voltage"]
    for watch in watches[:-1]:
        await watch.close()
    site.publish(voltage=7.0)
    assert (await next_of(aiter(watches[-1]))).value == 7.0
    await watches[-1].close()


async def test_a_wrong_name_among_them_is_told_to_that_one_alone(client: Client) -> None:
    ps = client[DEVICE]
    good, wrong = await asyncio.gather(ps.voltage.subscribe(), ps.voltag.subscribe(), return_exceptions=True)
    assert isinstance(wrong, NotFoundError)
    assert not isinstance(good, BaseException)
    assert (await next_of(aiter(good))).value == 1.5
    await good.close()


async def test_callbacks_and_thresholds(client: Client, site: Site) -> None:
    seen: list[float] = []
    watch = await client[DEVICE].voltage.subscribe(lambda r: seen.append(r.value), absolute=1.0)
    for value in (1.6, 3.0, 3.5, 4.5):
        site.publish(voltage=value)
        await client.get(VOLTAGE)
    async with asyncio.timeout(60):
        while 4.5 not in seen:
            await client.get(VOLTAGE)
    assert seen == [1.5, 3.0, 4.5]
    await watch.close()


@pytest.mark.parametrize("kind", ["periodic", "archive"])
async def test_what_does_not_change_is_told_by_time(client: Client, kind: str) -> None:
    watch = await client[DEVICE].voltage.subscribe(kind=kind, period=0.02)
    stream = aiter(watch)
    assert [(await next_of(stream)).value for _ in range(3)] == [1.5, 1.5, 1.5]
    await watch.close()


async def test_the_reader_of_a_watch_may_be_slow(client: Client, site: Site) -> None:
    watch = await client[DEVICE].voltage.subscribe()
    count = 3 * MAX_WAITING
    for number in range(count):
        site.publish(voltage=1000.0 + number)
        await client.get(VOLTAGE)
    seen = []
    async with asyncio.timeout(60):
        async for reading in watch:
            seen.append(reading.value)
            if reading.value == 1000.0 + count - 1:
                break
    assert len(seen) <= MAX_WAITING
    assert len(seen) + watch.dropped == count + 1
    await watch.close()


async def test_observe_and_wait_for_value(client: Client, site: Site) -> None:
    ps = client[DEVICE]
    seen = []
    async for reading in observe(ps.voltage):
        seen.append(reading.value)
        if len(seen) == 3:
            break
        site.publish(voltage=2.0 + len(seen))
    assert seen == [1.5, 3.0, 4.0]
    waiting = asyncio.create_task(wait_for_value(ps.mode, "off", 10.0))
    site.publish(mode=0)
    assert isinstance(await waiting, Reading)
    assert (await wait_for_value(ps.voltage, 4.05, 10.0, tolerance=0.1)).value == 4.0
    assert (await wait_for_value(ps.voltage, lambda v: v > 3, 10.0)).value == 4.0


async def test_what_did_not_come_in_time_says_what_was_there(site: Site) -> None:
    local = Client(site.hub, site.router, site, site, Actor("me", (ROLES["operator"],)))  # type: ignore[arg-type]
    voltage = local[DEVICE].voltage
    with pytest.raises(TimeoutError, match=r"lab/ps/1/voltage did not become 9.0 within 0.3 s; it was 1.5"):
        await wait_for_value(voltage, 9.0, 0.3)
    site.publish(int(Quality.SENSOR_FAILURE), voltage=9.0)
    with pytest.raises(TimeoutError, match=r"it was 9.0 \(sensor failure\)"):
        await wait_for_value(voltage, 9.0, 0.3)
    await local.close()


async def test_a_watch_is_told_of_a_lost_server_and_goes_on(client: Client, site: Site) -> None:
    watch = await client[DEVICE].voltage.subscribe()
    stream = aiter(watch)
    await next_of(stream)
    await site.server.stop()
    assert (await next_of(stream)).quality == Quality.NOT_CONNECTED
    await site.restart()
    site.publish(voltage=2.0)
    async with asyncio.timeout(60):
        async for reading in stream:
            if reading.quality == 0:
                assert reading.value == 2.0
                break
    await watch.close()


async def test_a_local_client_has_the_same_proxies(site: Site) -> None:
    local = Client(site.hub, site.router, site, site, Actor("me", (ROLES["operator"],)))  # type: ignore[arg-type]
    assert (await local[DEVICE].voltage.read()).value == 1.5
    assert (await local[DEVICE].voltage.write(3.0)).value == 3.0
    assert (await local.group("lab/*").read())[VOLTAGE].value == 3.0
    watch = await local[DEVICE].voltage.subscribe()
    assert (await next_of(aiter(watch))).value == 3.0
    with pytest.raises(RefusedError, match="native protocol"):
        await local[DEVICE].voltage.subscribe(absolute=1.0)
    await local.close()


async def test_denied(site: Site) -> None:
    async with connect(site.server.url, "viewer") as viewer:
        with pytest.raises(DeniedError):
            await viewer[DEVICE].voltage.write(1.0)

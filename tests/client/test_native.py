from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest

from sereno.access.actor import ROLES, Actor
from sereno.client import Client, connect
from sereno.client._native import NativeClient
from sereno.model import AckState, DeniedError, NotConnectedError, NotFoundError, Quality, RefusedError
from tests.gateways.native.site import DEVICE, SPECS, Site, site_at

BIG = 2**63 + 12345
VOLTAGE = f"{DEVICE}/voltage"


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with site_at() as site:
        site.publish(voltage=1.5, mode=1, on=1, serial=BIG, label="récipe", wave=np.array([1.0, math.nan, 3.0, 4.0]))
        yield site


@pytest.fixture
async def client(site: Site) -> AsyncIterator[NativeClient]:
    async with connect(site.server.url, "operator") as client:
        assert isinstance(client, NativeClient)
        yield client


async def until(stream: Any, wanted: Any) -> Any:
    async with asyncio.timeout(60):
        async for item in stream:
            if wanted(item):
                return item
    raise AssertionError("ended")


async def test_declarations_are_those_of_the_node(client: Client) -> None:
    assert tuple(await client.tags()) == SPECS
    assert client.actor.name == "operator"


async def test_every_kind_of_value_comes_as_it_is(client: Client, site: Site) -> None:
    readings = {r.tag.name: r for r in await client.read(DEVICE)}
    assert readings["voltage"].value == 1.5
    assert readings["mode"].value == "on"
    assert readings["on"].value is True
    assert readings["serial"].value == BIG
    assert readings["label"].value == "récipe"
    np.testing.assert_array_equal(readings["wave"].value, [1.0, np.nan, 3.0, 4.0])
    local = {r.tag.name: r for r in await site.hub.read((DEVICE,), Actor("x", (ROLES["viewer"],)))}
    for name, reading in readings.items():
        assert (reading.tag, reading.quality, reading.t_source) == (
            local[name].tag,
            local[name].quality,
            local[name].t_source,
        )
        assert reading.age <= local[name].age + 1


@pytest.mark.parametrize("name", ["voltage", "mode", "on", "serial", "label"])
async def test_one_tag_alone_reads_the_same(client: Client, name: str) -> None:
    alone = await client.get(f"{DEVICE}/{name}")
    among = next(r for r in await client.read(DEVICE) if r.tag.name == name)
    assert (alone.tag, alone.value, alone.quality, alone.t_source) == (
        among.tag,
        among.value,
        among.quality,
        among.t_source,
    )


async def test_a_value_that_is_not_good_says_why(client: Client, site: Site) -> None:
    site.publish(int(Quality.SENSOR_FAILURE), voltage=2.0)
    alone = await client.get(VOLTAGE)
    assert (alone.quality, alone.reason) == (Quality.SENSOR_FAILURE, "sensor failure")
    assert {r.reason for r in await client.read(f"{DEVICE}/[cv]*")} == {"sensor failure"}


async def test_columns_for_many_tags(client: NativeClient) -> None:
    tags, present = await client.native.present(f"{DEVICE}/*")
    assert tags == SPECS
    assert present.values[[tags[p].name for p in present.index].index("voltage")] == 1.5
    assert np.uint64(present.exact_values.view(np.uint64)[0]) == BIG
    _, one = await client.native.present(VOLTAGE)
    assert one.values.tolist() == [1.5]


async def test_unknown_names_are_refused_with_a_near_one(client: Client) -> None:
    with pytest.raises(NotFoundError, match="did you mean 'lab/ps/1/voltage'"):
        await client.get(f"{DEVICE}/voltag")


async def test_new_tags_are_behind_a_read_that_names_them_by_glob(client: Client, site: Site) -> None:
    before = await client.read("lab/*")
    site.hub.register_tags([type(SPECS[0])(path="lab/ps/2/voltage")])
    assert len(await client.read("lab/*")) == len(before) + 1
    assert (await client.get(VOLTAGE)).value == 1.5


async def test_a_write_ends_with_its_readback(client: Client, site: Site) -> None:
    ack = await client.write(VOLTAGE, 4.5)
    assert (ack.state, ack.value) == (AckState.DONE, 4.5)
    assert site.handler.written == [(VOLTAGE, 4.5)]
    states = [a.state for a in await client.acks(ack.key)]
    assert states[-1] is AckState.DONE


async def test_a_device_that_refuses_is_quoted(client: Client, site: Site) -> None:
    site.handler.refuse = "interlock open"
    ack = await client.write(VOLTAGE, 4.5)
    assert ack.state is AckState.FAILED
    assert "interlock open" in ack.reason


async def test_calls_give_their_result(client: Client) -> None:
    assert (await client.call(DEVICE, "add", 2, 3)).value == 5
    np.testing.assert_array_equal((await client.call(DEVICE, "wave")).value, [0.0, 1.0, 2.0])


async def test_a_viewer_may_not_write(site: Site) -> None:
    async with connect(site.server.url, "viewer") as viewer:
        with pytest.raises(DeniedError, match="no right to command"):
            await viewer.write(VOLTAGE, 1.0)
    assert site.handler.written == []


@pytest.mark.parametrize("value", [math.nan, math.inf, "text", None])
async def test_what_is_no_number_is_refused(client: Client, site: Site, value: Any) -> None:
    ack = await client.write(VOLTAGE, value)
    assert ack.state is AckState.REFUSED
    assert site.handler.written == []


async def test_a_subscription_starts_with_everything_and_goes_on(client: Client, site: Site) -> None:
    subscription = await client.subscribe(DEVICE)
    assert subscription.tags == SPECS
    first = await anext(aiter(subscription))
    assert first.snapshot
    assert {SPECS[p].name: v for p, v, _, _ in first.objects}["label"] == "récipe"
    assert first.exact_values.view(np.uint64).tolist() == [BIG]
    site.publish(voltage=7.0)
    update = await until(subscription, lambda u: 7.0 in u.values)
    assert update.index.tolist() == [5]
    assert update.seq > first.seq
    await subscription.close()
    await subscription.close()


async def test_a_slow_reader_gets_the_last_value_and_is_told_what_it_missed(client: Client, site: Site) -> None:
    subscription = await client.subscribe(VOLTAGE)
    await anext(aiter(subscription))
    for number in range(500):
        site.publish(voltage=float(number))
        await asyncio.sleep(0)
    updates, dropped, last = 0, 0, None
    async with asyncio.timeout(60):
        while last != 499.0:
            update = await anext(aiter(subscription))
            updates, dropped, last = updates + 1, dropped + update.dropped, float(update.values[-1])
    assert updates + dropped == 500
    assert subscription.statistics()["dropped"] == dropped
    await subscription.close()


async def test_a_token_that_nobody_has(site: Site) -> None:
    with pytest.raises(DeniedError):
        async with connect(site.server.url, "nobody"):
            pass


async def test_nobody_there() -> None:
    with pytest.raises(NotConnectedError, match=r"no connection to tcp://127\.0\.0\.1:1"):
        async with connect("tcp://127.0.0.1:1", "x"):
            pass


@pytest.mark.parametrize("url", ["tcp://", "tcp://host", "tls://host:port"])
async def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(ValueError, match="expected tcp://HOST:PORT"):
        async with connect(url, "x"):
            pass


async def test_a_restarted_server_is_found_again_and_the_gap_is_told(client: Client, site: Site) -> None:
    subscription = await client.subscribe(VOLTAGE)
    await anext(aiter(subscription))
    await site.server.stop()
    lost = await until(subscription, lambda u: Quality.NOT_CONNECTED in u.quality)
    assert lost.values.tolist() == [1.5]
    assert "the server is stopping" in lost.reasons[0]
    await site.restart()
    site.publish(voltage=3.0)
    back = await until(subscription, lambda u: u.snapshot)
    assert (back.values.tolist(), back.quality.tolist()) == ([3.0], [0])
    assert (await client.get(VOLTAGE)).value == 3.0
    assert (await client.write(VOLTAGE, 5.0)).state is AckState.DONE
    await subscription.close()


async def test_lossless_is_for_the_node_itself(client: Client) -> None:
    with pytest.raises(RefusedError, match="cannot be lossless"):
        await client.subscribe(VOLTAGE, lossless=True)


async def test_devices(client: Client) -> None:
    assert [d.path for d in await client.devices()] == [DEVICE]

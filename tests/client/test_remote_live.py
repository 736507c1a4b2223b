from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sereno.client import Client, GroupSpec, Subscription, Update, connect
from sereno.model import (
    DeniedError,
    NotFoundError,
    RefusedError,
    RowIndex,
    TagSpec,
    seal,
)
from tests.client.node import NOT_CONNECTED, SPECS, Node, node_at

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


async def test_a_subscription_starts_with_everything_and_goes_on(client: Client, node: Node) -> None:
    subscription = await client.subscribe("north/plc1/*")
    assert [t.path for t in subscription.tags] == [s.path for s in SPECS]
    updates = aiter(subscription)
    first = await anext(updates)
    assert first.snapshot
    assert value_of(first, subscription, LEVEL) == 1.25
    assert first.exact_values.tolist() == [BIG]
    objects = {subscription.tags[place].name: value for place, value, _, _ in first.objects}
    assert objects["recipe"] == "récipe"
    np.testing.assert_array_equal(objects["forecast"], [1.0, np.nan, 3.0])
    node.publish(level=7.0)
    second = await until(updates, lambda u: value_of(u, subscription, LEVEL) == 7.0)
    assert second.seq > first.seq
    assert subscription.statistics()["delivered"] >= 2
    await subscription.close()
    await subscription.close()


async def test_a_lost_connection_turns_values_bad_and_comes_back(client: Client, node: Node) -> None:
    subscription = await client.subscribe(LEVEL, RECIPE, TOTAL)
    updates = aiter(subscription)
    await anext(updates)
    port = await node.cut()
    lost = await until(updates, lambda u: NOT_CONNECTED in u.quality)
    assert value_of(lost, subscription, LEVEL) == 1.25
    assert lost.exact_values.tolist() == [BIG]
    assert lost.objects[0][1::2] == ("récipe", NOT_CONNECTED)
    assert set(lost.quality.tolist()) == {NOT_CONNECTED}
    assert "connection" in lost.reasons[0]
    await node.serve(port)
    node.publish(level=3.5)
    back = await until(updates, lambda u: u.snapshot)
    assert (back.seq, value_of(back, subscription, LEVEL)) == (lost.seq + 1, 3.5)
    await subscription.close()


async def test_a_subscription_ends_when_the_token_is_no_longer_good(client: Client, node: Node) -> None:
    subscription = await client.subscribe(LEVEL)
    updates = aiter(subscription)
    await anext(updates)
    for token in await node.accounts.tokens.all():
        await node.accounts.tokens.revoke(token.id)
    with pytest.raises(DeniedError):
        await until(updates, lambda _: False)


async def test_closing_ends_the_iteration(client: Client) -> None:
    subscription = await client.subscribe(LEVEL)

    async def read() -> int:
        return len([update async for update in subscription])

    reading = asyncio.create_task(read())
    await asyncio.sleep(0)
    await subscription.close()
    async with asyncio.timeout(60):
        assert await reading <= 1


async def test_what_cannot_be_subscribed(client: Client) -> None:
    with pytest.raises(NotFoundError, match="levle"):
        await client.subscribe("north/plc1/levle")
    with pytest.raises(RefusedError, match="lossless"):
        await client.subscribe(LEVEL, lossless=True)


async def test_tags_that_moved_while_the_connection_was_lost_keep_their_positions(client: Client, node: Node) -> None:
    subscription = await client.subscribe("north/plc1/level", "north/plc1/total")
    updates = aiter(subscription)
    first = await anext(updates)
    declared = subscription.tags
    node.hub.register_tags([TagSpec(path="north/plc1/aa")])
    group = node.hub.register_group(GroupSpec("more", "north/plc1", 0.1, 60.0, RowIndex([len(SPECS)])))
    node.hub.publish(seal(group, 1, RowIndex([len(SPECS)]), np.array([99.0]), node.clock.wall_ns(), 0))
    subscription._globs = ("north/plc1/*",)
    port = await node.cut()
    await until(updates, lambda u: NOT_CONNECTED in u.quality)
    await node.serve(port)
    back = await until(updates, lambda u: u.snapshot)
    assert subscription.tags == declared
    assert set(back.index.tolist()) == {0, 1}
    assert value_of(back, subscription, LEVEL) == value_of(first, subscription, LEVEL)
    assert back.exact_values.tolist() == [BIG]
    assert back.objects == ()
    await subscription.close()

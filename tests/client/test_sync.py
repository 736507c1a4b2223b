from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from sereno.client import SyncClient, connect_sync
from sereno.model import AckState, Command, NotConnectedError, NotFoundError
from tests.client.node import Node, node_at

LEVEL = "north/plc1/level"


class Behind:
    """A node in a loop of its own thread, as a blocking client meets it."""

    def __init__(self, folder: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()
        self._context = node_at(folder)
        self.node: Node = self.run(self._context.__aenter__())

    def run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def publish(self, **values: Any) -> int:
        async def publish() -> int:
            return self.node.publish(**values)

        return self.run(publish())

    def end(self) -> None:
        self.run(self._context.__aexit__(None, None, None))
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()


@pytest.fixture
def behind(tmp_path: Path) -> Iterator[Behind]:
    behind = Behind(tmp_path)
    behind.publish(level=1.25, recipe="a")
    yield behind
    behind.end()


@pytest.fixture
def client(behind: Behind) -> Iterator[SyncClient]:
    with connect_sync(behind.node.url, behind.node.token) as client:
        yield client


def test_every_call_blocks_until_its_answer(client: SyncClient, behind: Behind) -> None:
    assert len(client.tags()) == 8
    assert client.get(LEVEL).value == 1.25
    assert [r.tag.path for r in client.read(LEVEL)] == [LEVEL]
    assert client.devices()[0].path == "north/plc1"
    (series,) = client.query(LEVEL, start="now-1h")
    assert series.value.tolist() == [1.25]
    ack = client.write("north/plc1/setpoint", 2.0)
    assert ack.state is AckState.DONE
    assert client.call("north/plc1", "open", 1).state is AckState.DONE
    assert [a.state for a in client.submit(Command(target="north/plc1/setpoint", value=1.0))][-1] is AckState.DONE
    assert client.acks(ack.key)[-1].state is AckState.DONE
    with pytest.raises(NotFoundError):
        client.get("north/plc1/levle")


def test_a_subscription_is_an_iterator(client: SyncClient, behind: Behind) -> None:
    with client.subscribe(LEVEL) as subscription:
        assert [t.path for t in subscription.tags] == [LEVEL]
        first = next(subscription)
        assert first.values.tolist() == [1.25]
        behind.publish(level=3.0)
        assert next(u for u in subscription if 3.0 in u.values)
        assert subscription.statistics()["delivered"] >= 2
    assert list(subscription) == []


def test_closing_a_subscription_from_another_thread_ends_it(client: SyncClient) -> None:
    subscription = client.subscribe(LEVEL)
    next(subscription)
    threading.Timer(0.05, subscription.close).start()
    assert list(subscription) == []


def test_many_threads_use_one_client(client: SyncClient) -> None:
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: client.get(LEVEL).value, range(40)))
    assert found == [1.25] * 40


def test_futures_do_not_wait(client: SyncClient) -> None:
    futures = [client.future("read", LEVEL), client.future("write", "north/plc1/setpoint", 1.0, comment="x")]
    assert futures[0].result(60)[0].value == 1.25
    assert futures[1].result(60).state is AckState.DONE
    with pytest.raises(ValueError, match="'close'"):
        client.future("close")


def test_closing_ends_who_waits(behind: Behind) -> None:
    client = connect_sync(behind.node.url, behind.node.token)
    subscription = client.subscribe(LEVEL)
    next(subscription)
    threading.Timer(0.05, client.close).start()
    with pytest.raises(NotConnectedError, match="closed"):
        list(subscription)
    client.close()
    for call in (client.read, client.tags, lambda: client.subscribe(LEVEL)):
        with pytest.raises(NotConnectedError, match="closed"):
            call()


def test_what_connecting_raises_comes_through_and_leaves_no_thread(behind: Behind) -> None:
    before = threading.active_count()
    with pytest.raises(NotConnectedError):
        connect_sync("http://127.0.0.1:9", "t")
    assert threading.active_count() == before

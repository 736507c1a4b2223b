"""The kit for written devices, tried with every kind of our driver against our simulators."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from sereno.drivers.alpaca.family import ALPACA
from sereno.sim.instruments.run import run_alpaca
from sereno.testing.conformance import device_conformance


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server in a thread: the kit has loops of its own."""
    ready, stopped = threading.Event(), threading.Event()
    ports: list[int] = []

    async def serve() -> None:
        async with run_alpaca() as server:
            ports.append(server.port)
            ready.set()
            await asyncio.to_thread(stopped.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="simulators")
    thread.start()
    assert ready.wait(20)
    yield f"http://127.0.0.1:{ports[0]}/0"
    stopped.set()
    thread.join(20)


@pytest.mark.parametrize("kind", sorted(ALPACA.kinds))
def test_every_rule_is_kept(url: str, kind: str) -> None:
    score = device_conformance(ALPACA.kinds[kind], {"url": url})
    assert not score.failures, str(score)
    assert score.passed >= 6

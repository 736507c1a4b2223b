"""The paced loop: virtual time stands still while threads work, sockets are served while it waits."""

from __future__ import annotations

import asyncio
import selectors
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from sereno.app.paced.clock import PacedClock
from sereno.app.paced.loop import PacedLoop
from sereno.device import SocketTransports
from sereno.testing import EPOCH_NS

T = TypeVar("T")


def run(clock: PacedClock, work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=lambda: PacedLoop(clock)) as runner:
        return runner.run(work)


def test_a_night_passes_while_nobody_has_anything_to_do() -> None:
    clock = PacedClock(EPOCH_NS)

    async def watch(seen: list[float]) -> None:
        while True:
            await clock.sleep(2.0)
            seen.append(clock.monotonic())

    async def main() -> list[float]:
        seen: list[float] = []
        task = asyncio.create_task(watch(seen))
        await clock.sleep(3601.0)
        task.cancel()
        return seen

    assert run(clock, main()) == [2.0 * n for n in range(1, 1801)]


def test_time_stands_still_while_a_thread_works() -> None:
    clock, go_on = PacedClock(EPOCH_NS), threading.Event()

    def work() -> float:
        began = clock.monotonic()
        asyncio.run_coroutine_threadsafe(noop(), loops[0]).result(60)  # the loop turns meanwhile
        go_on.wait(60)
        return clock.monotonic() - began

    async def noop() -> None:
        go_on.set()

    loops: list[asyncio.AbstractEventLoop] = []

    async def main() -> float:
        loops.append(asyncio.get_running_loop())
        clock.call_later(0.001, lambda: None)
        async with clock.timeout(0.002):
            return await asyncio.to_thread(work)

    assert run(clock, main()) == 0.0


def test_a_timeout_of_the_clock_is_a_timeout() -> None:
    clock = PacedClock(EPOCH_NS)

    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with clock.timeout(600.0):
                await asyncio.Event().wait()
        assert clock.monotonic() == 600.0
        async with clock.timeout(5.0):
            await clock.sleep(1.0)
        await clock.sleep(0)
        assert clock.monotonic() == 601.0
        task = asyncio.create_task(clock.sleep(1e6))
        await clock.sleep(1.0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert clock.due_in() is None

    run(clock, main())


def test_real_sockets_are_served_while_the_clock_runs_flat_out_and_while_it_waits() -> None:
    class Echo(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            self.transport.write(data)

    async def asked(clock: PacedClock) -> bytes:
        stop = asyncio.Event()

        async def plant() -> None:
            while not stop.is_set():
                await clock.sleep(0.25)

        busy = asyncio.create_task(plant())
        listener = await SocketTransports().listen(Echo, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(b"hello")
        answer = await reader.readexactly(5)
        writer.close()
        await writer.wait_closed()
        await listener.close()
        stop.set()
        busy.cancel()
        return answer

    for speed in (0.0, 1.0):
        clock = PacedClock(EPOCH_NS, speed)
        assert run(clock, asked(clock)) == b"hello"


def test_not_every_timer_costs_a_look_at_the_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    polls, poll = [], selectors.DefaultSelector.select

    def counted(selector: Any, timeout: float | None = None) -> Any:
        polls.append(timeout)
        return poll(selector, timeout)

    monkeypatch.setattr(selectors.DefaultSelector, "select", counted)
    clock = PacedClock(EPOCH_NS)

    async def main() -> None:
        for _ in range(300):
            await clock.sleep(1.0)

    run(clock, main())
    assert clock.monotonic() == 300.0
    assert len(polls) < 100


def test_the_loop_s_own_timers_are_real() -> None:
    clock = PacedClock(EPOCH_NS)

    async def main() -> bool:
        pushed = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.01, pushed.set_result, None)
        steps = 0
        while not pushed.done():
            await clock.sleep(1.0)
            steps += 1
        return steps > 1

    assert run(clock, main())

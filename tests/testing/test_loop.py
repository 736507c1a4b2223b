from __future__ import annotations

import asyncio
import inspect
import random
import socket
import threading
import time

import pytest

from sereno.model import Clock
from sereno.testing import EPOCH_NS, DeadlockError, JumpingClock, jumping, run_jumping


def test_eight_hours_pass_in_a_millisecond_bit_for_bit() -> None:
    async def shift(clock: JumpingClock) -> list[tuple[str, float, int]]:
        seen = []
        dice = random.Random(7)

        async def worker(name: str) -> None:
            while clock.monotonic() < 8 * 3600:
                seen.append((name, clock.monotonic(), clock.wall_ns()))
                await clock.sleep(dice.uniform(60, 1800))

        async with asyncio.TaskGroup() as group:
            for name in "abc":
                group.create_task(worker(name))
        return seen

    first = run_jumping(shift)
    assert first == run_jumping(shift)
    assert len(first) > 60
    assert first[-1][1] > 7 * 3600


def test_time_is_exactly_that_of_the_timer() -> None:
    async def main(clock: JumpingClock) -> None:
        await clock.sleep(0.1)
        assert clock.monotonic() == 0.1
        assert clock.wall_ns() == EPOCH_NS + 100_000_000
        await clock.sleep(1e6)
        assert clock.wall_ns() == EPOCH_NS + 1_000_000_100_000_000

    run_jumping(main)


def test_callbacks_come_in_order_of_time() -> None:
    async def main(clock: JumpingClock) -> list[str]:
        seen: list[str] = []
        clock.call_later(2, lambda: seen.append("late"))
        clock.call_later(1, lambda: seen.append("early"))
        clock.call_later(1.5, lambda: seen.append("cancelled")).cancel()
        await clock.sleep(3)
        return seen

    assert run_jumping(main) == ["early", "late"]


def test_timeout_raises_in_virtual_time() -> None:
    async def main(clock: JumpingClock) -> float:
        with pytest.raises(TimeoutError):
            async with clock.timeout(3600):
                await asyncio.Event().wait()
        return clock.monotonic()

    assert run_jumping(main) == 3600


def test_wall_clock_steps_apart_from_monotonic_time() -> None:
    async def main(clock: JumpingClock) -> None:
        await clock.sleep(1)
        clock.step_wall(-10)
        assert clock.wall_ns() == EPOCH_NS - 9_000_000_000
        assert clock.monotonic() == 1
        await clock.sleep(1)
        assert clock.wall_ns() == EPOCH_NS - 8_000_000_000

    run_jumping(main)


def test_work_in_a_thread_is_waited_for_and_time_stands_still() -> None:
    release = threading.Event()

    async def main(clock: JumpingClock) -> list[tuple[str, float]]:
        seen: list[tuple[str, float]] = []
        clock.call_later(10, lambda: seen.append(("timer", clock.monotonic())))
        work = asyncio.create_task(asyncio.to_thread(release.wait, 5))
        threading.Timer(0.02, release.set).start()
        seen.append(("thread", clock.monotonic())) if await work else None
        await clock.sleep(20)
        return seen

    assert run_jumping(main) == [("thread", 0), ("timer", 10)]


def test_time_stands_still_until_the_result_of_a_thread_has_arrived() -> None:
    async def main(clock: JumpingClock) -> set[float]:
        timer = clock.call_later(10, lambda: None)
        seen = set()
        for _ in range(300):
            await asyncio.to_thread(int)
            seen.add(clock.monotonic())
        timer.cancel()
        return seen

    assert run_jumping(main) == {0.0}


def test_time_moves_on_after_thread_work_was_cancelled() -> None:
    async def main(clock: JumpingClock) -> float:
        busy = threading.Event()
        loop = asyncio.get_running_loop()
        jobs = [loop.run_in_executor(None, busy.wait) for _ in range(64)]  # more than there are threads
        jobs[-1].cancel()
        busy.set()
        await asyncio.gather(*jobs[:-1])
        await clock.sleep(5)
        return clock.monotonic()

    assert run_jumping(main) == 5


def test_time_stands_still_while_a_cancelled_thread_still_runs() -> None:
    async def main(clock: JumpingClock) -> list[str]:
        seen: list[str] = []
        running, release = threading.Event(), threading.Event()

        def work() -> None:
            running.set()
            release.wait(60)
            seen.append("thread")

        job = asyncio.get_running_loop().run_in_executor(None, work)
        while not running.is_set():
            await asyncio.sleep(0)
        job.cancel()
        threading.Timer(0.02, release.set).start()
        await clock.sleep(5)
        seen.append("timer")
        return seen

    assert run_jumping(main) == ["thread", "timer"]


def test_errors_of_thread_work_arrive() -> None:
    async def main(clock: JumpingClock) -> None:
        def fails() -> None:
            raise LookupError("in the thread")

        with pytest.raises(LookupError, match="in the thread"):
            await asyncio.to_thread(fails)

    run_jumping(main)


def test_deadlock_is_an_error_that_names_who_waits() -> None:
    async def main(clock: JumpingClock) -> None:
        await clock.sleep(3)
        await asyncio.create_task(asyncio.Event().wait(), name="somebody")

    with pytest.raises(DeadlockError, match=r"at 3\.000 s(?s:.*)somebody at .*locks\.py"):
        run_jumping(main, patience=0)


def test_real_sockets_get_their_chance_before_a_deadlock_is_declared() -> None:
    async def main(clock: JumpingClock) -> bytes:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with ours, theirs:
            threading.Timer(0.02, theirs.send, [b"news"]).start()
            return await asyncio.get_running_loop().sock_recv(ours, 10)

    assert run_jumping(main, patience=10) == b"news"


def test_other_threads_are_waited_for_inside_outside() -> None:
    async def main(clock: JumpingClock) -> float:
        loop = asyncio.get_running_loop()
        done = asyncio.Event()
        clock.call_later(100, lambda: None)
        threading.Timer(0.02, loop.call_soon_threadsafe, [done.set]).start()
        with loop.outside():  # type: ignore[attr-defined]
            await done.wait()
        return clock.monotonic()

    assert run_jumping(main) == 0


def test_tasks_left_behind_fail_the_run() -> None:
    async def main(clock: JumpingClock) -> None:
        main.task = asyncio.create_task(clock.sleep(1), name="forgotten")  # type: ignore[attr-defined]

    with pytest.raises(AssertionError, match="forgotten"):
        run_jumping(main)


def test_a_coroutine_may_be_given_with_its_clock() -> None:
    clock: Clock = JumpingClock(epoch_ns=0)
    run_jumping(clock.sleep(60), clock=clock)  # type: ignore[arg-type]
    assert clock.wall_ns() == 60_000_000_000


async def test_waiting_on_another_loop_is_refused() -> None:
    clock = JumpingClock()
    with pytest.raises(RuntimeError, match="run_jumping"):
        await clock.sleep(1)
    with pytest.raises(RuntimeError, match="run_jumping"):
        clock.call_later(1, print)
    with pytest.raises(RuntimeError, match="run_jumping"):
        clock.timeout(1)


@pytest.mark.parametrize("hours", [1, 8])
@jumping
async def test_decorated_tests_take_parameters_and_fixtures(clock: JumpingClock, hours: int, tmp_path: object) -> None:
    """Kept."""
    await clock.sleep(hours * 3600)
    assert clock.monotonic() == hours * 3600
    assert tmp_path


def test_the_decorator_keeps_name_and_hides_the_clock() -> None:
    test = test_decorated_tests_take_parameters_and_fixtures
    assert (test.__name__, test.__doc__) == ("test_decorated_tests_take_parameters_and_fixtures", "Kept.")
    assert list(inspect.signature(test).parameters) == ["hours", "tmp_path"]
    assert not inspect.iscoroutinefunction(test)


def test_in_turn_threads_and_tasks_are_in_the_same_order_in_every_run() -> None:
    async def main(clock: JumpingClock) -> list[str]:
        told: list[str] = []

        async def one(name: str, thread: bool) -> None:
            for number in range(20):
                await (asyncio.to_thread(time.sleep, 0.0002 * (number % 3)) if thread else asyncio.sleep(0))
                told.append(name)

        await asyncio.gather(one("thread", True), one("task", False))
        with pytest.raises(KeyError):
            await asyncio.get_running_loop().run_in_executor(None, {}.__getitem__, "missing")
        assert clock.monotonic() == 0.0
        return told

    runs = [run_jumping(main, in_turn=True) for _ in range(5)]
    assert len({tuple(told) for told in runs}) == 1

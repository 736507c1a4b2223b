"""The loop under a JumpingClock: eight hours pass in a millisecond, repeatable bit for bit."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, ThreadPoolExecutor, wait
from typing import Any, Concatenate, ParamSpec, TypeVar

from sereno.app.paced.outside import Event, OutsideLoop, SkippingSelector

from ._clock import JumpingClock

T = TypeVar("T")
P = ParamSpec("P")


class DeadlockError(RuntimeError):
    """Nothing is ready, scheduled or under way outside the loop: the test would wait for ever."""


class JumpingLoop(OutsideLoop):
    """An event loop in virtual time.

    When nothing is ready it jumps to the next timer. Work in executor threads is really waited for, time stands
    still meanwhile; work of other threads only inside `outside()`. With no timer at all it gives threads and
    sockets `patience` real seconds, then raises DeadlockError with the tasks that wait. With `in_turn` the
    loop itself stands still while a thread works, so that the order of all things is the same in every run.
    """

    def __init__(self, clock: JumpingClock, *, patience: float = 0.5, in_turn: bool = False) -> None:
        self._clock = clock
        self.patience = patience
        super().__init__(_JumpingSelector(self))
        self._clock_resolution = 1e-9  # the base class takes the machine's; 16 ms would merge timers
        clock.attach(self)
        self._one = ThreadPoolExecutor(1) if in_turn else None
        if self._one is not None:
            self.set_default_executor(self._one)

    def time(self) -> float:
        """Virtual seconds."""
        return self._clock.monotonic()

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """As in asyncio; time stands still until the thread is done."""
        if self._one is not None:
            running = (executor or self._one).submit(func, *args)
            wait([running])
            return asyncio.wrap_future(running, loop=self)
        return super().run_in_executor(executor, func, *args)

    def jump(self, seconds: float) -> None:
        """Called by the selector: nothing happens before `seconds` have passed, so they have."""
        self._clock.advance(seconds)

    def deadlock(self) -> DeadlockError:
        """The error that says who waits for what will never come."""
        waits = "".join(f"\n  {task.get_name()} at {_place(task)}" for task in asyncio.all_tasks(self))
        return DeadlockError(
            f"deadlock at {self.time():.3f} s of virtual time: nothing is ready, scheduled or under way in a thread; "
            f"waiting:{waits or ' nobody'}"
        )


class _JumpingSelector(SkippingSelector):
    def __init__(self, loop: JumpingLoop) -> None:
        super().__init__()
        self._loop = loop

    def turn(self, events: list[Event], timeout: float | None) -> list[Event]:
        if events or timeout == 0:
            return events
        if self._loop.waits_outside:
            return self.wait(None)
        if timeout is not None:
            self._loop.jump(timeout)
            return events
        events = self.wait(self._loop.patience)
        if not events:
            raise self._loop.deadlock()
        return events


def _place(task: asyncio.Task[Any]) -> str:
    frames = task.get_stack(limit=1)
    return f"{frames[0].f_code.co_filename}:{frames[0].f_lineno}" if frames else "its end"


def run_jumping(
    main: Callable[[JumpingClock], Coroutine[Any, Any, T]] | Coroutine[Any, Any, T],
    *,
    clock: JumpingClock | None = None,
    patience: float = 0.5,
    in_turn: bool = False,
) -> T:
    """Run `main` (a coroutine, or a function that makes one of the clock) in virtual time; its result.

    Raises AssertionError if it leaves tasks behind, DeadlockError if it would wait for ever. Not to be called from
    a running loop. `patience` and `in_turn`: see JumpingLoop.
    """
    clock = clock or JumpingClock()

    async def whole(running: Coroutine[Any, Any, T]) -> T:
        result = await running
        await asyncio.sleep(0)  # tasks that were cancelled last end now
        this = asyncio.current_task()
        left = [f"{task.get_name()} at {_place(task)}" for task in asyncio.all_tasks() if task is not this]
        assert not left, "tasks are left running:\n  " + "\n  ".join(left)
        return result

    with asyncio.Runner(loop_factory=lambda: JumpingLoop(clock, patience=patience, in_turn=in_turn)) as runner:
        return runner.run(whole(main(clock) if callable(main) else main))


def jumping(test: Callable[Concatenate[JumpingClock, P], Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """Decorator for an async test whose first parameter is the clock: runs it in virtual time.

    The result is a plain function of the other parameters, which may be fixtures (not async ones).
    """

    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        return run_jumping(lambda clock: test(clock, *args, **kwargs))

    signature = inspect.signature(test)
    run.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=list(signature.parameters.values())[1:]
    )
    for name in ("__module__", "__name__", "__qualname__", "__doc__"):
        setattr(run, name, getattr(test, name))
    if hasattr(test, "pytestmark"):
        run.pytestmark = test.pytestmark  # type: ignore[attr-defined]
    return run

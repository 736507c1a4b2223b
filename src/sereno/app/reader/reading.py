"""read_live: the life of a reader, from its first question to Ctrl-C."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from sereno.app.stopping import first_of, until
from sereno.model import DeliveryError

from .asking import Source, every, poll, rate_of, slow_words
from .ring import Read, Ring
from .views import View

FRAME = 0.05
"""Seconds between two pictures."""
ASK_RATE_AGAIN = 5.0


class Reader:
    """Reads `source` every `dt` seconds (`each`: gets every sample) into a ring of `length`, and shows it.

    `say` gets what people should know: that it asks too seldom, that the server is gone, that it is back.
    """

    def __init__(
        self,
        source: Source,
        dt: float,
        view: View,
        say: Callable[[str], None],
        *,
        length: int = 20,
        each: bool = False,
        persistent: bool = False,
        most: int | None = None,
    ) -> None:
        self.ring = Ring(length)
        self._source = source
        self._dt = dt
        self._view = view
        self._say = say
        self._each = each
        self._persistent = persistent
        self._most = most

    async def run(self, stopped: asyncio.Event, seconds: float | None = None) -> None:
        """Until told to stop, for `seconds`, or until the view is closed.

        Raises NotConnectedError where nobody answers the first question, or hangs up on who gets every sample.
        """
        works = [self._read(), self._show(stopped), until(stopped, seconds)]
        if not self._each:
            works.append(self._advise())
        try:
            await first_of(*works)
            self._view.draw(self.ring)
        finally:
            self._view.close()

    async def _read(self) -> None:
        source = every(self._source) if self._each else self._polled()
        async with aclosing(source) as reads:
            async for read in reads:
                self.ring.add(read)
                self._view.take(read)
                if self._most is not None and self.ring.seen >= self._most:
                    return

    async def _polled(self) -> AsyncGenerator[Read, None]:
        told = ""
        source = poll(self._source, self._dt, persistent=self._persistent)
        async with aclosing(source) as answers:
            async for answer in answers:
                if not isinstance(answer, DeliveryError):
                    if told:
                        self._say("the server answers again")
                        told = ""
                    yield answer
                    continue
                if not self.ring.seen:
                    raise answer
                if not told:
                    told = str(answer)
                    self._say(told)
                yield Read(float("nan"), self._source.clock.wall_ns(), good=False)

    async def _show(self, stopped: asyncio.Event) -> None:
        while not self._view.closed:
            await self._source.clock.sleep(FRAME)
            self._view.draw(self.ring)
        stopped.set()

    async def _advise(self) -> None:
        """Say once that it asks more seldom than the sensor sends, then wait for ever."""
        while not (words := slow_words(self._dt, await rate_of(self._source))):
            await self._source.clock.sleep(ASK_RATE_AGAIN)
        self._say(words)
        await asyncio.get_running_loop().create_future()


async def live(
    host: str,
    port: int,
    dt: float = 0.1,
    *,
    length: int = 20,
    each: bool = False,
    name: str = "",
    seconds: float | None = None,
) -> Ring:
    """The reader below a cell of a notebook: `await live("127.0.0.1", 5000, 0.1)`, until it is interrupted.

    Returns the last values. Raises as `Reader.run`; OperationError outside a notebook.
    """
    from sereno.model import SystemClock

    from .views import Notebook

    source = Source(host, port, SystemClock(), name)
    reader = Reader(source, dt, Notebook(f"{host}:{port} {name}".strip()), print, length=length, each=each)
    await reader.run(asyncio.Event(), seconds)
    return reader.ring

"""One connection to a PLC that speaks JSON: one question at a time, and no answer is taken for a later one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from sereno.device import Environment, Link
from sereno.model import ExpiredError, LinkState, NoAnswerError, NotConnectedError, OperationError

from .protocol import Answer, Splitter, parse_answer, question

CONNECT_TIMEOUT = 3.0


class _Wire(asyncio.Protocol):
    """One connection; what it gets while nobody asks ends it."""

    def __init__(self, link: JsonPlcLink) -> None:
        self._link = link
        self._splitter = Splitter()
        self.transport: asyncio.Transport | None = None
        self.reply: asyncio.Future[bytes] | None = None
        self.open = False
        self.hung_up = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self.transport = transport  # type: ignore[assignment]
        self.open = True

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self.open, self.hung_up = False, True
        self._fail(f"connection lost: {exc}" if exc else "the PLC closed the connection")

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        try:
            messages = self._splitter.feed(data)
        except ValueError as error:
            self._end(str(error))
            return
        for message in messages:
            if self.reply is None or self.reply.done():
                self._end("an answer that nobody asked for")
                return
            self.reply.set_result(message)

    def shut(self) -> None:
        """Never use this connection again."""
        self.open = False
        if self.transport is not None:
            self.transport.abort()

    def _end(self, why: str) -> None:
        self.shut()
        self._fail(why)

    def _fail(self, why: str) -> None:
        if self.reply is not None and not self.reply.done():
            self.reply.set_exception(NoAnswerError(why))


class JsonPlcLink(Link):
    """The connection. A PLC may close it between questions: then the next question opens another."""

    def __init__(self, key: str, endpoint: tuple[str, int], environment: Environment) -> None:
        super().__init__(key, environment)
        self._endpoint = endpoint
        self._wire: _Wire | None = None
        self._turn = asyncio.Lock()
        self.counters.update(dict.fromkeys(("questions", "answers", "timeouts", "connects"), 0))
        self.counters.update(dict.fromkeys(("bytes_in", "bytes_out"), 0))

    async def connect(self) -> None:
        """See Link. Raises NotConnectedError with the reason in one line."""
        self.state = LinkState.CONNECTING
        try:
            await self._open()
        except NotConnectedError:
            self.state = LinkState.DOWN
            raise
        self.state = LinkState.UP

    async def close(self) -> None:
        """See Link."""
        self.state = LinkState.DOWN
        self._drop()

    async def ask(
        self,
        commands: list[Mapping[str, Any]],
        timeout: float,
        deadline: float | None = None,
        *,
        reads: bool = False,
        check: Callable[[], None] = lambda: None,
    ) -> Answer:
        """One question and its answer. Raises NotConnectedError, ExpiredError, NoAnswerError, OperationError.

        One that only `reads` is asked once more where the PLC had hung up after the question before it. `check` is
        called when all waiting is over; what it raises keeps the question from being asked.
        """
        clock = self.environment.clock
        async with self._turn:
            if deadline is not None and clock.monotonic() >= deadline:
                raise ExpiredError("its time was over before the connection was free")
            used = self._wire
            wire = await self._ready()
            if deadline is not None and clock.monotonic() >= deadline:
                raise ExpiredError("its time was over before there was a connection")
            check()
            try:
                return await self._asked(wire, question(*commands), timeout, reads=reads)
            except NoAnswerError:
                if wire is not used or not wire.hung_up or not reads:
                    raise
            return await self._asked(await self._ready(), question(*commands), timeout, reads=reads)

    async def _asked(self, wire: _Wire, data: bytes, timeout: float, *, reads: bool) -> Answer:
        try:
            return parse_answer(await self._exchange(wire, data, timeout))
        except TimeoutError:
            self.counters["timeouts"] += 1
            self._drop()
            raise NoAnswerError(f"no answer within {timeout:g} s") from None
        except ValueError as error:
            self._drop()
            words = f"the answer is not understood: {error}"
            raise (OperationError(words) if reads else NoAnswerError(words)) from None
        except asyncio.CancelledError:
            self._drop()
            raise

    async def _ready(self) -> _Wire:
        """The connection, opened anew if it was closed; that fails once, and then the link is lost."""
        if self.state is not LinkState.UP:
            raise NotConnectedError(f"not sent: no connection to {self.key}")
        if self._wire is None or not self._wire.open:
            try:
                await self._open()
            except NotConnectedError as error:
                self.lost(str(error))
                raise
        assert self._wire is not None
        return self._wire

    async def _exchange(self, wire: _Wire, data: bytes, timeout: float) -> bytes:
        assert wire.transport is not None
        wire.reply = asyncio.get_running_loop().create_future()
        self.counters["questions"] += 1
        self.counters["bytes_out"] += len(data)
        if self.taps:
            self.trace("tx", data, _words(data))
        wire.transport.write(data)
        try:
            async with self.environment.clock.timeout(timeout):
                message = await wire.reply
        finally:
            wire.reply = None
        self.counters["answers"] += 1
        self.counters["bytes_in"] += len(message)
        if self.taps:
            self.trace("rx", message, _words(message))
        return message

    async def _open(self) -> None:
        self._drop()
        host, port = self._endpoint
        wire = _Wire(self)
        try:
            async with self.environment.clock.timeout(CONNECT_TIMEOUT):
                await self.environment.transports.connect(lambda: wire, host, port)
        except TimeoutError:
            raise NotConnectedError(f"cannot connect to {self.key}: no answer within {CONNECT_TIMEOUT:g} s") from None
        except OSError as error:
            words = (error.strerror or str(error)).lower()
            raise NotConnectedError(f"cannot connect to {self.key}: {words}") from error
        self._wire = wire
        self.counters["connects"] += 1

    def _drop(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.shut()


def _words(data: bytes) -> str:
    """A message in one line, without its values."""
    try:
        found = json.loads(data)
    except ValueError:
        return "no JSON"
    parts = found.get("command", []) if isinstance(found, dict) else found
    names = [str(part.get("name", "?")) for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    return ", ".join(names) or "nothing"

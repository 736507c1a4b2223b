"""How a reader gets its values: by asking again and again, or by being told each of them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from sereno.gateways.latest.protocol import ASK, parse_sample
from sereno.model import Clock, DeliveryError, NoAnswerError, NotConnectedError, NotFoundError

from .ring import Read

LONGEST_ANSWER = 256
LOOK_AGAIN = 0.3
TOLERANCE = 1.05
"""A reader that is slower than its sensor by less than this part loses nothing worth a word."""


@dataclass(frozen=True, slots=True)
class Source:
    """A server of latest values; `name` is one of its sensors, "" the one that `n` is answered with."""

    host: str
    port: int
    clock: Clock
    name: str = ""
    timeout: float = 5.0

    def question(self, verb: str) -> bytes:
        """A line."""
        return f"{verb} {self.name}".strip().encode() + b"\n"

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A connection. Raises NotConnectedError."""
        try:
            async with self.clock.timeout(self.timeout):
                reader, writer = await asyncio.open_connection(self.host, self.port)
        except (OSError, TimeoutError) as error:
            words = (error.strerror if isinstance(error, OSError) else "") or "no answer"
            raise NotConnectedError(f"nobody serves values at {self.host}:{self.port}: {words.lower()}") from None
        try:
            yield reader, writer
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def ask(source: Source, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Read:
    """The latest value over a connection. Raises NoAnswerError, NotConnectedError, NotFoundError."""
    writer.write(source.question("get") if source.name else ASK)
    try:
        async with source.clock.timeout(source.timeout):
            answer = await (reader.readline() if source.name else reader.read(LONGEST_ANSWER))
    except TimeoutError:
        raise NoAnswerError(f"{source.host}:{source.port} did not answer within {source.timeout:g} s") from None
    except OSError as error:
        raise NotConnectedError(f"{source.host}:{source.port} hung up: {error}") from None
    if not answer:
        raise NotConnectedError(f"{source.host}:{source.port} hung up")
    return _read(source, answer)


def _read(source: Source, answer: bytes) -> Read:
    try:
        if source.name:
            return Read(*parse_sample(answer))
        value = float(answer)
    except ValueError as error:
        if answer.startswith(b"!"):
            raise NotFoundError(str(error)) from None
        raise NoAnswerError(f"{answer[:40]!r} is no number") from None
    return Read(value, source.clock.wall_ns(), good=not math.isnan(value))


async def poll(source: Source, dt: float, *, persistent: bool) -> AsyncGenerator[Read | DeliveryError, None]:
    """Ask every `dt` seconds, over a connection each time or one for all; what could not be read comes as its error."""
    clock, number = source.clock, 0
    begun = clock.monotonic()
    while True:
        if not persistent:
            yield await _once(source)
        else:
            try:
                async with source.connected() as (reader, writer):
                    while True:
                        yield await ask(source, reader, writer)
                        number = await _next(clock, begun, dt, number)
            except DeliveryError as error:
                yield error
        number = await _next(clock, begun, dt, number)


async def _once(source: Source) -> Read | DeliveryError:
    try:
        async with source.connected() as (reader, writer):
            return await ask(source, reader, writer)
    except DeliveryError as error:
        return error


async def _next(clock: Clock, begun: float, dt: float, number: int) -> int:
    """Wait for the next point of the grid; those that were missed are left out."""
    number = max(number + 1, math.ceil((clock.monotonic() - begun) / dt))
    await clock.sleep(begun + number * dt - clock.monotonic())
    return number


async def every(source: Source) -> AsyncGenerator[Read, None]:
    """Every sample from now on. Raises NotConnectedError when the server hangs up, NotFoundError for no such name."""
    async with source.connected() as (reader, writer):
        writer.write(source.question("every"))
        while line := await _line(source, reader):
            try:
                yield Read(*parse_sample(line))
            except ValueError as error:
                raise NotFoundError(str(error)) from None
    raise NotConnectedError(f"{source.host}:{source.port} hung up")


async def _line(source: Source, reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readline()
    except OSError as error:
        raise NotConnectedError(f"{source.host}:{source.port} hung up: {error}") from None


async def rate_of(source: Source) -> float:
    """Samples per second of the sensor; 0 where the server does not know, or does not understand the question."""
    patience = Source(source.host, source.port, source.clock, source.name, timeout=1.0)
    with suppress(DeliveryError, TimeoutError, OSError, ValueError):
        async with patience.connected() as (reader, writer):
            writer.write(source.question("rate"))
            async with source.clock.timeout(patience.timeout):
                return float(await reader.readline())
    return 0.0


async def served(source: Source) -> None:
    """Until somebody serves values there."""
    while True:
        with suppress(NotConnectedError):
            async with source.connected():
                return
        await source.clock.sleep(LOOK_AGAIN)


def slow_words(dt: float, rate: float) -> str:
    """What to say to a reader that asks more seldom than its sensor sends; empty where it does not."""
    if rate * dt <= TOLERANCE:
        return ""
    return (
        f"reads every {dt:g} s, and the sensor sends {rate:.3g} values a second: of {rate * dt:.3g} one is seen, "
        "and the shape of the signal may be lost; --every gets them all"
    )

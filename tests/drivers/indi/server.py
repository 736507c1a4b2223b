"""Debian's INDI server with its simulators, in a network of its own, reached through a listener on the loopback.

indiserver listens on every address and cannot be told otherwise, so it gets a network namespace where there is
nothing but a loopback; each connection to the listener is carried into it by a process.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

SIMULATORS = ("telescope", "ccd", "dome", "weather", "focus", "wheel")
PORT = 7624


def missing() -> str:
    """What the machine lacks; empty if nothing."""
    programs = [name for name in ("indiserver", "nc", "unshare", "nsenter", "ip") if shutil.which(name) is None]
    if programs:
        return f"no program {', '.join(programs)} (Debian: indi-bin netcat-openbsd util-linux iproute2)"
    return "" if os.geteuid() == 0 else "only root may make a network namespace"


@asynccontextmanager
async def indi_server(home: Path, *simulators: str) -> AsyncIterator[str]:
    """Where it is reached, as HOST:PORT, while it runs."""
    drivers = " ".join(f"indi_simulator_{name}" for name in simulators or SIMULATORS)
    script = f"ip link set lo up && exec indiserver -p {PORT} -m 500 {drivers}"
    environment = {**os.environ, "HOME": str(home)}
    with (home / "indiserver.log").open("wb") as log:
        process = subprocess.Popen(
            ["unshare", "-n", "sh", "-c", script],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
        )
    carried: set[asyncio.Task[None]] = set()

    def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        carried.add(asyncio.create_task(_carry(process.pid, reader, writer), name="into the namespace"))

    listener = await asyncio.start_server(carry, "127.0.0.1", 0)
    try:
        await _answers(process.pid)
        yield f"127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    finally:
        listener.close()
        for task in list(carried):
            task.cancel()
        await asyncio.gather(*carried, return_exceptions=True)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        await asyncio.to_thread(process.wait, 10)


def _inside(pid: int) -> tuple[str, ...]:
    return "nsenter", "-t", str(pid), "-n", "nc", "127.0.0.1", str(PORT)


async def _answers(pid: int) -> None:
    async with asyncio.timeout(60):
        while True:
            probe = await asyncio.create_subprocess_exec(*_inside(pid)[:-2], "-z", "127.0.0.1", str(PORT))
            if await probe.wait() == 0:
                return
            await asyncio.sleep(0.1)


async def _carry(pid: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        pipe = asyncio.subprocess.PIPE
        inner = await asyncio.create_subprocess_exec(*_inside(pid), stdin=pipe, stdout=pipe, limit=1 << 22)
        await _both_ways(inner, reader, writer)
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)


async def _both_ways(
    inner: asyncio.subprocess.Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    assert inner.stdin is not None
    assert inner.stdout is not None
    tasks = [asyncio.create_task(way) for way in (_copy(reader, inner.stdin), _copy(inner.stdout, writer))]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(ProcessLookupError):
            inner.kill()
        await inner.wait()
        inner._transport.close()  # type: ignore[attr-defined]  # its pipes may not have been told yet that they ended


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await source.read(1 << 20):
            sink.write(data)
            await sink.drain()

"""The process of an agent as a Link: connected while it runs and answers, killed when it is closed."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from sereno.app.platform import tied_to_this_process, write_private
from sereno.client import Client, Present, connect
from sereno.device import Device, Environment, Link
from sereno.model import Clock, NotConnectedError, SerenoError, TagSpec

from .said import LONGEST, pass_on, ready_line
from .seat import TIMEOUTS, ApartSeats

log = structlog.get_logger(__name__)
ANSWER_TIMEOUT = 2.0
END_TIMEOUT = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Apart:
    """An agent apart: what runs it. `source` is its class as the plant file names it, found from `folder`.

    `timeouts`: what the plant file says of its commands, in seconds; told to its process when that is started.
    """

    device: str
    cls: type[Device]
    source: str
    settings: Mapping[str, Any]
    folder: Path
    data: Path
    seats: ApartSeats
    timeouts: dict[str, float] = field(default_factory=dict)
    url: str = "its own process"


class ApartLink(Link):
    """Starts the process and asks it over the native protocol."""

    def __init__(self, config: Apart, environment: Environment) -> None:
        super().__init__(config.device, environment)
        self._config = config
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._said: list[asyncio.Task[None]] = []
        self._stack = AsyncExitStack()
        self._client: Client | None = None
        self.counters["starts"] = 0

    @property
    def client(self) -> Client:
        """The agent's devices. Raises NotConnectedError."""
        if self._client is None:
            raise NotConnectedError(f"the process of {self.key} does not run")
        return self._client

    @property
    def process_id(self) -> int | None:
        """Of the process that runs."""
        return None if self._process is None else self._process.pid

    async def connect(self) -> None:
        """See Link. Raises NotConnectedError when the process ends at once, with its exit code."""
        await self.close()
        variables = {**os.environ, **tied_to_this_process(), **self._config.seats.variables(self.key)}
        variables[TIMEOUTS] = json.dumps(self._config.timeouts)
        self._process = await asyncio.create_subprocess_exec(
            *self._command(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=LONGEST,
            cwd=self._config.folder,
            env=variables,
        )
        self.counters["starts"] += 1
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._hear(self._process.stderr)
        ready = await ready_line(self._process.stdout, self.key)
        if ready is None:
            code = await self._process.wait()
            raise NotConnectedError(f"the process of {self.key} ended with exit code {code}; see its log")
        opened = connect(ready["url"], ready["token"], timeout=ANSWER_TIMEOUT)
        self._client = await self._stack.enter_async_context(opened)
        self._watch = asyncio.create_task(self._until_it_ends(self._process), name=f"process of {self.key}")
        self._hear(self._process.stdout)

    async def close(self) -> None:
        """See Link: the process is told to end, and killed when it does not."""
        watch, self._watch = self._watch, None
        if watch is not None:
            await _cancelled(watch)
        self._client = None
        stack, self._stack = self._stack, AsyncExitStack()
        with suppress(SerenoError, OSError):
            await stack.aclose()
        process, self._process = self._process, None
        if process is not None:
            await _end(process, self.environment.clock)
        said, self._said = self._said, []
        for task in said:
            await _cancelled(task)

    async def read(self, paths: Sequence[str]) -> tuple[tuple[TagSpec, ...], Present]:
        """What the agent's tags are now. Raises SerenoError."""
        return await self.client.present(*paths)

    def given(self, key: str, check: Callable[[], None]) -> AbstractContextManager[None]:
        """Meanwhile its process has the command with that key, and asks `check` before it begins."""
        return self._config.seats.given(self.key, key, check)

    async def _until_it_ends(self, process: asyncio.subprocess.Process) -> None:
        code = await process.wait()
        self._watch = None
        self.lost(f"the process of {self.key} ended with exit code {code}")

    def _hear(self, output: asyncio.StreamReader) -> None:
        self._said.append(asyncio.create_task(pass_on(output, self.key), name=f"output of {self.key}"))

    def _command(self) -> list[str]:
        config = self._config
        config.data.mkdir(parents=True, exist_ok=True)
        settings = config.data / "settings.json"
        write_private(settings, json.dumps({config.device: dict(config.settings)}, default=str))
        options = ["--settings", str(settings), "--data", str(config.data), "--json", "--until-stdin-closes"]
        return [sys.executable, "-m", "sereno", "serve", config.source, config.device, *options]


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _end(process: asyncio.subprocess.Process, clock: Clock) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with clock.timeout(END_TIMEOUT):
            await process.wait()
    except TimeoutError:
        log.warning("process does not end, it is killed", pid=process.pid)
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()

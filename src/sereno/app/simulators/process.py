"""The process of a simulator: begun, asked for beats, heard, ended; it ends by itself when this process does."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog

from sereno.agents.simulators import SimulatorRun
from sereno.app.apart.said import INFO, LONGEST, WARNING, said
from sereno.model import Clock, OperationError
from sereno.sim.lifeline import ASKED

log = structlog.get_logger(__name__)
_ASK_EVERY = 1.0
_END_TIMEOUT = 3.0
_BEAT = "beat"
_LAST_WORDS, _LAST_WORDS_TIMEOUT = 300, 1.0


class SimulatorProcess:
    """One run of one simulator: `begin` it once, `end` it in any case. One that `ends` is to end by itself."""

    def __init__(
        self,
        path: str,
        words: Sequence[str],
        folder: Path,
        variables: Mapping[str, str],
        clock: Clock,
        *,
        ends: bool = False,
    ) -> None:
        self._path = path
        self._words = [*words, "--json", "--until-stdin-closes"]
        self._folder = folder
        self._variables = dict(variables)
        self._clock = clock
        self._ends = ends
        self._process: asyncio.subprocess.Process | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._asked = self._answers = 0
        self._ready = self._ending = False
        self._exit_code: int | None = None
        self._last_words = ""
        self._since = clock.monotonic()

    @property
    def now(self) -> SimulatorRun:
        """As it is."""
        pid = self._process.pid if self._process is not None else 0
        return SimulatorRun(pid, self._since, self._ready, self._answers, self._exit_code, self._last_words)

    async def begin(self) -> None:
        """Start it; it is ready later. Raises OperationError."""
        try:
            self._process = process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "sereno", "sim", *self._words),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=LONGEST,
                cwd=self._folder,
                env=self._variables,
            )
        except OSError as error:
            raise OperationError(f"{self._path} cannot be started: {error.strerror}") from error
        if self._ending:
            process.kill()
            await process.wait()
            raise OperationError(f"{self._path} was told to end before it had begun")
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        log.info("simulator is started", simulator=self._path, pid=process.pid, words=" ".join(self._words))
        hearing = [self._hear(process.stdout, self._heard), self._hear(process.stderr, self._complained)]
        self._tasks = [
            asyncio.create_task(work, name=f"{what} of {self._path}")
            for what, work in zip(("output", "errors"), hearing, strict=True)
        ]
        self._tasks.append(asyncio.create_task(self._watch(process), name=f"process of {self._path}"))
        self._tasks.append(asyncio.create_task(self._ask(process.stdin), name=f"beats of {self._path}"))

    async def end(self) -> None:
        """Tell it to end, and kill it when it does not. Nothing of it is left then."""
        self._ending = True
        process = self._process
        if process is not None and process.stdin is not None:
            process.stdin.close()
            try:
                async with self._clock.timeout(_END_TIMEOUT):
                    await process.wait()
            except TimeoutError:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
                log.warning("simulator did not end, it was killed", simulator=self._path, pid=process.pid)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        code = await process.wait()
        with suppress(TimeoutError):
            async with self._clock.timeout(_LAST_WORDS_TIMEOUT):  # a child of its own may hold the pipes
                await asyncio.wait(self._tasks[:2])
        self._exit_code = code
        if not self._ending:
            level = INFO if self._ends and code == 0 else WARNING
            log.log(level, "simulator has ended", simulator=self._path, exit_code=code)

    async def _ask(self, stdin: asyncio.StreamWriter) -> None:
        """One question at a time, so that nothing heaps up before one that is hung."""
        while True:
            if self._asked == self._answers and not stdin.is_closing():
                self._asked += 1
                stdin.write(ASKED)
            await self._clock.sleep(_ASK_EVERY)

    async def _hear(self, output: asyncio.StreamReader, heard: Any) -> None:
        while True:
            try:
                line = await output.readline()
            except ValueError:  # longer than the reader keeps, which has dropped it
                line = b"a line that was too long is left out\n"
            if not line:
                return
            if text := line.decode("utf-8", "replace").rstrip():
                heard(text)

    def _heard(self, line: str) -> None:
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict) and found.keys() == {_BEAT}:
            self._answers += 1
            return
        if isinstance(found, dict) and not self._ready:
            self._ready = True
        if isinstance(found, dict) and "event" not in found:
            told = {name: value for name, value in found.items() if value not in ("", None, [])}
            words = ", ".join(f"{name}: {_plain(value)}" for name, value in told.items())
            log.info("simulator says", simulator=self._path, words=words)
        else:
            self._say(line)

    def _complained(self, line: str) -> None:
        self._last_words = line[:_LAST_WORDS]
        self._say(line)

    def _say(self, line: str) -> None:
        level, event, fields = said(line)
        known = {key: value for key, value in fields.items() if key != "simulator"}
        log.log(level, event, simulator=self._path, **known)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

"""The node's process as the rig sees it: started, asked, killed, started again over the same database."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from starting import ended, ready_line

STARTUP = 30.0


class Child:
    """One life of the node after another. An answer that a kill cut off is None."""

    def __init__(self, folder: Path, port: int, defect: str) -> None:
        self._arguments = [str(folder), str(port), *([defect] if defect else [])]
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[dict[str, Any] | None]] = {}
        self._asked = 0
        self.selected: dict[str, int] = {}

    async def start(self) -> None:
        """A new process; returns when its devices answer."""
        here = Path(__file__).parent
        path = os.pathsep.join([str(here.parent), os.environ.get("PYTHONPATH", "")])
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(here / "node.py"),
            *self._arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
        )
        try:
            await ready_line(process, STARTUP)
        except SystemExit:
            await ended(process)
            raise
        assert process.stdout is not None
        self._reader = asyncio.create_task(self._read(process.stdout))

    async def ask(self, actor: str, command: dict[str, Any]) -> dict[str, Any] | None:
        """The end of a command; None if the process died before it told. `selected` has those that wait for people."""
        return await self._answer({"actor": actor, "command": command})

    async def say(self, actor: str, what: str, key: str) -> dict[str, Any] | None:
        """What became of an act about a command that waits."""
        return await self._answer({"actor": actor, "say": what, "key": key})

    async def _answer(self, question: dict[str, Any]) -> dict[str, Any] | None:
        self._asked += 1
        number = self._asked
        assert self._process is not None
        assert self._process.stdin is not None
        line = json.dumps({"ask": number, **question}) + "\n"
        self._waiting[number] = answer = asyncio.get_running_loop().create_future()
        try:
            self._process.stdin.write(line.encode())
            await self._process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            self._waiting.pop(number, None)
            return None
        return await answer

    async def kill(self) -> None:
        """Without a warning; whatever it was doing."""
        assert self._process is not None
        assert self._reader is not None
        self._process.kill()
        await self._process.wait()
        await self._reader

    async def stop(self) -> None:
        """Let it end by itself."""
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._reader is not None
        self._process.stdin.close()
        await asyncio.wait_for(self._process.wait(), STARTUP)
        await self._reader

    async def _read(self, lines: asyncio.StreamReader) -> None:
        while line := await lines.readline():
            if line.endswith(b"\n"):
                told = json.loads(line)
                if "selected" in told:
                    self.selected[told["selected"]] = told["until"]
                else:
                    _give(self._waiting.pop(told["ask"]), told)
        waiting, self._waiting = self._waiting, {}
        for answer in waiting.values():
            _give(answer, None)


def _give(answer: asyncio.Future[dict[str, Any] | None], told: dict[str, Any] | None) -> None:
    """Unless nobody waits for it any more."""
    if not answer.done():
        answer.set_result(told)

"""The node's process as the rig sees it: started, asked, killed, started again over the same database."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

STARTUP = 30.0


class Child:
    """One life of the node after another. An answer that a kill cut off is None."""

    def __init__(self, folder: Path, port: int, defect: str) -> None:
        self._arguments = [str(folder), str(port), *([defect] if defect else [])]
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[dict[str, Any] | None]] = {}
        self._asked = 0

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
        assert process.stdout is not None
        first = await asyncio.wait_for(process.stdout.readline(), STARTUP)
        if json.loads(first or b"null") != {"ready": True}:
            raise RuntimeError("the node did not start; its reason is above")
        self._reader = asyncio.create_task(self._read(process.stdout))

    async def ask(self, actor: str, command: dict[str, Any]) -> dict[str, Any] | None:
        """The end of a command; None if the process died before it told."""
        self._asked += 1
        number = self._asked
        assert self._process is not None
        assert self._process.stdin is not None
        line = json.dumps({"ask": number, "actor": actor, "command": command}) + "\n"
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
                self._waiting.pop(told["ask"]).set_result(told)
        waiting, self._waiting = self._waiting, {}
        for answer in waiting.values():
            answer.set_result(None)

"""A program of this machine: an argument list, never a shell; what there is to tell is its standard input."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from pathlib import Path

import orjson
from pydantic import Field

from sereno.alarms.notify.way import Message, WayConfig, plain
from sereno.model import OperationError

KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SYSTEMROOT", "XDG_RUNTIME_DIR")
MAX_OUTPUT = 500


class CommandConfig(WayConfig):
    """The program and its arguments."""

    command: list[str] = Field(min_length=1, max_length=100)


class CommandWay:
    """Runs the program with the message as JSON at its standard input, and its parts as SERENO_... in the environment.

    Nothing of the message becomes an argument. It ends well with exit code 0; when its time is over it is killed, also
    where a child of it keeps its output open.
    """

    Config = CommandConfig
    addressed = False

    def __init__(self, config: CommandConfig, folder: Path) -> None:
        self._command = config.command
        self._folder = folder

    async def send(self, message: Message) -> str:
        """See Way."""
        body = message.as_json()
        parts = {
            f"SERENO_{n.upper()}": plain(str(body[n]))
            for n in ("kind", "subject", "priority", "person", "address", "link")
        }
        environment = {**{name: os.environ[name] for name in KEPT if name in os.environ}, **parts}
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *self._command, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.STDOUT, cwd=self._folder, env=environment
        )
        try:
            said = await _talk(process, orjson.dumps(body))
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        name = Path(self._command[0]).name
        text = plain(said[-MAX_OUTPUT:].decode("utf-8", "replace"))
        if process.returncode != 0:
            raise OperationError(f"{name} ended with {process.returncode}{f': {text}' if text else ''}")
        return f"{name} ended well"


async def _talk(process: asyncio.subprocess.Process, body: bytes) -> bytes:
    """The end of what it says, whatever the length; a program need not read what it is told."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(body)
    process.stdin.close()
    said = b""
    while piece := await process.stdout.read(1 << 16):
        said = (said + piece)[-MAX_OUTPUT:]
    await process.wait()
    return said

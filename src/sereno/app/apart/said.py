"""What the process of an agent writes, passed on as if the node had said it."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

import structlog

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
INFO, WARNING = LEVELS["info"], LEVELS["warning"]
LONGEST = 1 << 16
_TOLD = ("event", "level", "timestamp", "agent", "exc_info", "stack_info", "self", "method_name")
"""Fields that are told in another way, or that a logger's own arguments are named like."""


async def pass_on(output: asyncio.StreamReader, agent: str) -> None:
    """Line by line until its end; unread, the process would wait for room before long."""
    while (line := await _line(output)) is not None:
        _say(line, agent)


async def ready_line(output: asyncio.StreamReader, agent: str) -> dict[str, Any] | None:
    """What the process says when it is ready; None if it ends before. What its `startup` prints is passed on."""
    while (line := await _line(output)) is not None:
        # a thread may have printed its text, and not yet the end of its line, before this was written
        before, brace, rest = line.rpartition('{"url":')
        with suppress(ValueError, RecursionError):
            found = json.loads(brace + rest)
            if isinstance(found, dict) and {"url", "token"} <= found.keys():
                _say(before, agent)
                return found
        _say(line, agent)
    return None


async def _line(output: asyncio.StreamReader) -> str | None:
    try:
        line = await output.readline()
    except ValueError:  # longer than the reader keeps, which has dropped it
        return "a line that was too long is left out"
    return line.decode("utf-8", "replace").rstrip() if line else None


def _say(line: str, agent: str) -> None:
    level, event, fields = said(line)
    if event:
        structlog.get_logger(__name__).log(level, event, agent=agent, **fields)


def said(line: str) -> tuple[int, str, dict[str, Any]]:
    """Level, event and fields of a line; one that is no log line is an event by itself."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("event"), str):
        return INFO, line, {}
    level = LEVELS.get(str(found.get("level")), INFO)
    return level, found["event"], {str(k): v for k, v in found.items() if k not in _TOLD}

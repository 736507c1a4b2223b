"""What goes wrong without a wrong value: exceptions that nobody caught, sockets and tasks that stay."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import structlog


class Complaints:
    """Exceptions that ended up in the event loop's handler or in a log line of a task boundary."""

    def __init__(self) -> None:
        self.count = 0
        self.texts: deque[str] = deque(maxlen=10)

    def listen(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hear what the loop reports."""
        loop.set_exception_handler(lambda _, context: self._reported(context))

    @contextmanager
    def logged(self) -> Iterator[None]:
        """Hear what is logged with an exception; nothing else of the log is shown meanwhile."""
        before = structlog.get_config()
        structlog.configure(processors=[self._heard], cache_logger_on_first_use=False)
        try:
            yield
        finally:
            structlog.configure(**before)

    def _reported(self, context: dict[str, Any]) -> None:
        self.count += 1
        self.texts.append(f"{context.get('message')}: {context.get('exception')!r}")

    def _heard(self, _logger: Any, _method: str, event: MutableMapping[str, Any]) -> Any:
        if event.get("exc_info"):
            self.count += 1
            self.texts.append(f"{event.get('event')} ({event.get('task', '')})")
        raise structlog.DropEvent

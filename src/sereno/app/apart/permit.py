"""In an agent's process: the node says, right before a command begins, whether it still may."""

from __future__ import annotations

from sereno.client import RemoteClient
from sereno.model import Clock, Command, RefusedError, SerenoError

ANSWER_TIMEOUT = 2.0
FRESH = 0.5
"""Seconds for which an answer holds: a process that was stopped by a signal meanwhile asks again."""
QUESTIONS = 3


class NodePermits:
    """Implements Permit of the command router. Raises RefusedError also when the node gives no answer in time."""

    def __init__(self, node: RemoteClient, clock: Clock) -> None:
        self._node = node
        self._clock = clock

    async def __call__(self, command: Command) -> None:
        """Ask, until an answer is fresh when it is heard."""
        for _ in range(QUESTIONS):
            before = self._clock.monotonic()
            await self._ask(command.key)
            if self._clock.monotonic() - before < FRESH:
                return
        raise RefusedError(f"not begun: the node's answers take longer than {FRESH:g} s")

    async def _ask(self, key: str) -> None:
        try:
            async with self._clock.timeout(ANSWER_TIMEOUT):
                await self._node.may_begin(key)
        except RefusedError:
            raise
        except TimeoutError:
            raise RefusedError(f"not begun: the node has not said within {ANSWER_TIMEOUT:g} s that it may") from None
        except (SerenoError, OSError) as error:
            raise RefusedError(f"not begun: the node does not say that it may: {error}") from error

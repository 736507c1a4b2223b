"""Who may use a link: commands one at a time and before queued scans."""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType

from ._driver import Link


class LinkTurns:
    """Turns on one link, shared by all its devices.

    Commands go one at a time. Where the link pipelines, scans pass freely. Otherwise scans go one at a time too, and
    none starts while a command is under way; a command does not wait for the scan under way, the link itself puts
    their requests in order. After each command a scan that waits is let in, so that commands cannot starve scans.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._scan = _Turn(self)
        self._free = _FreeTurn()
        self.command = _Turn(self)

    @property
    def scan(self) -> _Turn | _FreeTurn:
        """The turn for scans, as an async context to enter once."""
        return self._free if self._link.pipelines else self._scan

    def hand_over(self, released: _Turn) -> None:
        """Let in who is next, after `released` has become free."""
        if released is self.command or not self.command.taken:
            self._scan.admit()
        self.command.admit()

    def may_enter(self, turn: _Turn) -> bool:
        """True if somebody new may enter at once."""
        return not turn.taken and not (turn is self._scan and self.command.taken)


class _Turn:
    """An async context that one at a time may be in; who waits is let in in order."""

    def __init__(self, turns: LinkTurns) -> None:
        self._turns = turns
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.taken = False

    def admit(self) -> None:
        """Let in the first who waits, if the turn is free."""
        while self._waiting and not self.taken:
            future = self._waiting.popleft()
            if not future.done():
                self.taken = True
                future.set_result(None)

    async def __aenter__(self) -> None:
        if not self._waiting and self._turns.may_enter(self):
            self.taken = True
            return
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self.release()
            elif future in self._waiting:
                self._waiting.remove(future)
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def release(self) -> None:
        """Leave; who is next is let in."""
        self.taken = False
        self._turns.hand_over(self)


class FreeTurns:
    """For groups whose values are at hand: nobody waits."""

    @property
    def scan(self) -> _FreeTurn:
        """As LinkTurns.scan."""
        return _FreeTurn()


class _FreeTurn:
    """A turn that everybody may have at once."""

    async def __aenter__(self) -> None:
        return

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return


FREE_TURNS = FreeTurns()

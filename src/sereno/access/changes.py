"""News that rights, people or ways in have changed, for whoever holds an open connection."""

from __future__ import annotations

from collections.abc import Callable


class Changes:
    """Callbacks for changes that this process makes; called in the event loop, in no particular order."""

    def __init__(self) -> None:
        self._callbacks: set[Callable[[], None]] = set()

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` after each change, until the function that is returned is called."""
        self._callbacks.add(callback)
        return lambda: self._callbacks.discard(callback)

    def announce(self) -> None:
        """Something changed."""
        for callback in list(self._callbacks):
            callback()

"""A PLC with somebody beside it, who sees what the dome's shutter really does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .machine import PlcMachine


class WatchedPlc(PlcMachine):
    """`seen` is called with each change of the shutter: "open", "opening", "closed", "closing".

    While it is `deaf`, it takes no orders from afar.
    """

    seen: Callable[[str], None] | None = None
    deaf = False
    _shown = "closed"

    @property
    def shutter(self) -> str:
        """Where it is, by the PLC's own word."""
        return str(self.devices["DOME"].values["shutter"].value)

    def settle(self) -> None:
        """See PlcMachine."""
        super().settle()
        self._look()

    def _set(self, command: Mapping[str, Any]) -> str:
        reason = "the dome is switched to local" if self.deaf else super()._set(command)
        self._look()
        return reason

    def _look(self) -> None:
        if self.shutter != self._shown:
            self._shown = self.shutter
            if self.seen is not None:
                self.seen(self._shown)

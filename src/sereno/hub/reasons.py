"""Why a value is not good, in words: what freshness knows about the device, else the meaning of the code."""

from __future__ import annotations

from collections.abc import Mapping

from sereno.model import Clock, OperationalState, Quality, reason

from .groups import DeviceLink, Groups

_ABOUT_THE_LINK = frozenset((Quality.STALE, Quality.NOT_CONNECTED, Quality.WAITING))
_BY_HUB = frozenset((Quality.STALE, Quality.SUBSTITUTED))
_NOT_RUNNING = frozenset((OperationalState.OFFLINE, OperationalState.STANDBY, OperationalState.FAULT))


class Reasons:
    """Words for the quality codes of a group's tags."""

    def __init__(self, groups: Groups, clock: Clock) -> None:
        self._groups = groups
        self._clock = clock
        self.own: dict[int, str] = {}
        self._told: dict[int, tuple[int, ...]] = {}

    def tell(self, group: int, reasons: Mapping[int, str]) -> None:
        """Words of the group's tags of their own, by handle; they replace those told before."""
        for handle in self._told.pop(group, ()):
            self.own.pop(handle, None)
        if reasons:
            self.own.update(reasons)
            self._told[group] = tuple(reasons)

    def text(self, group: int, code: int, handle: int = -1) -> str:
        """Empty for plain good, else as in "stale: river/plc1 has not answered for 3.2 s (connection refused)"."""
        if code and code not in _BY_HUB and handle in self.own:
            return f"{reason(code)}: {self.own[handle]}"
        if code not in _ABOUT_THE_LINK or group < 0:
            return reason(code)
        spec = self._groups.specs[group]
        silent = _span(self._clock.monotonic() - float(self._groups.last[group]))
        silence = f"for {silent}" if self._groups.answered[group] else f"since its start {silent} ago"
        return f"{reason(code)}: {spec.device} has not answered {silence}{_why(self._groups.device(spec.device))}"


def _why(device: DeviceLink) -> str:
    parts = [device.error] if device.error else []
    if device.state in _NOT_RUNNING:
        parts.append(f"device in {device.state}")
    return f" ({'; '.join(parts)})" if parts else ""


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"

"""Back-off after failed sign-ins, per account and address, so that nobody can lock out somebody elsewhere."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass

from sereno.model import Clock

MAX_ENTRIES = 20_000


@dataclass(slots=True)
class _Entry:
    failures: int = 0
    until: float = 0.0
    last: float = 0.0


class Lockout:
    """Counts attempts per (account, address) and per address over all accounts; waiting doubles with each failure.

    Memory is bounded: the entries used longest ago are forgotten first. `forget` seconds without an attempt clear one.
    """

    def __init__(self, clock: Clock, *, free: int = 5, free_of_address: int = 50, forget: float = 3600.0) -> None:
        self._clock = clock
        self._free = free
        self._free_of_address = free_of_address
        self._forget = forget
        self._entries: OrderedDict[tuple[str, str], _Entry] = OrderedDict()

    def attempt(self, account: str, address: str) -> float:
        """0 if an attempt may be made now (it counts as failed until `succeeded`), else the seconds to wait."""
        now = self._clock.monotonic()
        network = _network(address)
        entries = [
            (self._entry((account, network), now), self._free),
            (self._entry(("", network), now), self._free_of_address),
        ]
        wait = max(entry.until - now for entry, _ in entries)
        if wait > 0:
            return wait
        for entry, free in entries:
            entry.failures += 1
            entry.last = now
            over = entry.failures - free
            if over >= 0:
                entry.until = now + min(2.0 ** min(over, 10), 300.0)
        return 0.0

    def succeeded(self, account: str, address: str) -> None:
        """The attempt was right: the pair starts anew, the address gets its attempt back."""
        network = _network(address)
        self._entries.pop((account, network), None)
        whole = self._entries.get(("", network))
        if whole is not None:
            whole.failures = max(0, whole.failures - 1)
            whole.until = 0.0

    def _entry(self, key: tuple[str, str], now: float) -> _Entry:
        entry = self._entries.pop(key, None)
        if entry is None or now - max(entry.last, entry.until) > self._forget:
            entry = _Entry(last=now)
        self._entries[key] = entry
        while len(self._entries) > MAX_ENTRIES:
            self._entries.popitem(last=False)
        return entry


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.version == 6 and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)

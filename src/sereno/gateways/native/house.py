"""What all connections of one server share: ports, who is here, bodies encoded once, figures."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sereno.client import Update
from sereno.wire.columns import pack_columns

from .ports import NativePorts

if TYPE_CHECKING:
    from .connection import Connection

BEAT = 1.0
"""Seconds after which a peer is heard at the latest."""
_KEPT = 8


@dataclass(slots=True)
class Figures:
    """Counters since the start."""

    connections: int = 0
    connections_peak: int = 0
    accepted: int = 0
    refused: int = 0
    stalled: int = 0
    silent: int = 0
    requests: int = 0
    updates: int = 0
    dropped: int = 0


@dataclass(slots=True)
class House:
    """One server's common things. `closing` once it stops."""

    ports: NativePorts
    max_connections: int
    max_strangers: int
    here: set[Connection] = field(default_factory=set)
    strangers: int = 0
    closing: bool = False
    figures: Figures = field(default_factory=Figures)
    _bodies: OrderedDict[int, tuple[Any, bytes]] = field(default_factory=OrderedDict)

    def body(self, update: Update, flags: int) -> bytes:
        """The columns of an update as bytes. Subscriptions of the same tags share the arrays, and so the bytes."""
        columns = update.values
        known = self._bodies.get(id(columns))
        if known is not None and known[0] is columns and not update.snapshot:
            return known[1]
        made = pack_columns(update, flags)
        if not update.snapshot:
            self._bodies[id(columns)] = columns, made
            if len(self._bodies) > _KEPT:
                self._bodies.popitem(last=False)
        return made

"""Listing: all texts and switches that a server tells when it is asked for everything."""

from __future__ import annotations

import asyncio

from .protocol import Decoder, ask

MOST_DEVICES = 1000


class Listing(asyncio.Protocol):
    """Asks once; `devices` are texts by property and member. `problem` says why it ended before it was ended."""

    def __init__(self) -> None:
        self.devices: dict[str, dict[tuple[str, str], str]] = {}
        self.count = 0
        self.problem = ""
        self._decoder = Decoder()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        transport.write(ask())  # type: ignore[attr-defined]  # uvloop's do not inherit from WriteTransport

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        try:
            messages = self._decoder.feed(data)
        except ValueError as error:
            self.problem = str(error)
            return
        for message in messages:
            if message.verb != "def" or len(self.devices) >= MOST_DEVICES:
                continue
            self.count += 1
            known = self.devices.setdefault(message.device, {})
            for name, member in message.members.items():
                if isinstance(member.value, bool):
                    known[message.name, name] = "On" if member.value else "Off"
                elif isinstance(member.value, str):
                    known[message.name, name] = member.value

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        if not self.devices:
            self.problem = self.problem or f"the server hung up{f': {exc}' if exc else ''}"

"""The link by itself, with a peer that does what it is told in the thread."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from sereno.device import Environment
from sereno.drivers.tango import link as links
from sereno.drivers.tango.link import TangoLink
from sereno.drivers.tango.tags import TangoConfig
from sereno.model import RefusedError


class Peer:
    """Of no device."""

    def __init__(self, *_: Any) -> None:
        self.told: list[str] = []

    def close(self) -> None:
        """Nothing to close."""


async def test_a_command_that_is_barred_behind_a_scan_never_goes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "Peer", Peer)
    link = TangoLink(TangoConfig(url="tango://127.0.0.1:1/a/b/c"), Environment())
    await link.connect()
    gate, barred = threading.Event(), False

    def check() -> None:
        if barred:
            raise RefusedError("the interlock is false by now")

    def read(peer: Peer) -> list[str]:
        assert gate.wait(60)
        return peer.told

    scan = asyncio.create_task(link.ask("read", read))
    await asyncio.sleep(0)
    late = asyncio.create_task(link.ask("write", lambda peer: peer.told.append("late"), None, check))
    free = asyncio.create_task(link.ask("write", lambda peer: peer.told.append("free")))
    await asyncio.sleep(0)
    barred = True
    gate.set()
    with pytest.raises(RefusedError, match="false by now"):
        await late
    await free
    assert await scan == ["free"]
    await link.close()

"""A device server as the native protocol takes it."""

from __future__ import annotations

from sereno.access.actor import ROLES, Actor
from sereno.app.no_history import NoHistory
from sereno.gateways.native.door import TokenDoor
from sereno.gateways.native.ports import NativePorts

from .server import DeviceServer

CONSOLE = Actor("console", (ROLES["admin"],), kind="token")


def ports_of(server: DeviceServer, token: str) -> NativePorts:
    """A device server as the native protocol serves it: whoever has the token may do everything."""
    return NativePorts(
        live=server.hub,
        commands=server.router,
        devices=server.devices,
        door=TokenDoor({token: CONSOLE}),
        clock=server.clock,
        history=NoHistory(),
        node="device server",
    )

"""A device server as the native protocol takes it."""

from __future__ import annotations

from sereno.access.actor import NOBODY, ROLES, Actor
from sereno.access.insecure import Insecure, Peers
from sereno.app.no_history import NoHistory
from sereno.gateways.line.server import LineServer
from sereno.gateways.native.door import TokenDoor
from sereno.gateways.native.ports import NativePorts
from sereno.gateways.tango.gateway import TangoGateway
from sereno.gateways.tango.settings import TangoSettings

from .logged import LoggedRecord
from .server import DeviceServer

CONSOLE = Actor("console", (ROLES["admin"],), kind="token")


def line_server(server: DeviceServer, port: int) -> LineServer:
    """A device server by lines: for this machine, and read only."""
    peers = Peers(Insecure(name="gateway/line"), LoggedRecord(), server.clock)
    return LineServer(server.client(NOBODY), peers, port=port)


def tango_gateway(server: DeviceServer, port: int) -> TangoGateway:
    """A device server as Tango devices: for this machine, and read only."""
    insecure = Insecure(name="gateway/tango")
    client = server.client(NOBODY)
    return TangoGateway(client, server.hub, insecure, TangoSettings(port=port), LoggedRecord())


def ports_of(server: DeviceServer, token: str, *, for_whom: bool = False) -> NativePorts:
    """A device server as the native protocol serves it: whoever has the token may do everything.

    `for_whom`: it is a node that has the token, and says on whose behalf it asks.
    """
    return NativePorts(
        live=server.hub,
        commands=server.router,
        devices=server.devices,
        door=TokenDoor({token: CONSOLE}),
        clock=server.clock,
        history=NoHistory(),
        node="device server",
        for_whom=for_whom,
        locks=server.locks,
    )

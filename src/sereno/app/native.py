"""The native protocol of a node."""

from __future__ import annotations

from ssl import SSLContext

from sereno.gateways.native.alarmnews import alarm_news
from sereno.gateways.native.door import AccountsDoor
from sereno.gateways.native.ports import NativePorts
from sereno.gateways.native.server import NativeServer

from .no_history import NoHistory
from .plant.load import Plant
from .wiring import Parts


def native_server(plant: Plant, parts: Parts, pages: str, tls: SSLContext | None) -> NativeServer:
    """For the same plant and the same tokens; `pages` is the address of the web room."""
    ports = NativePorts(
        live=parts.hub,
        commands=parts.router,
        devices=parts.device_port,
        door=parts.seats.apart.door(AccountsDoor(parts.accounts, parts.clock)),
        clock=parts.clock,
        history=parts.historian or NoHistory(),
        locks=parts.locks,
        events={"alarm": alarm_news(parts.alarms)},
        node=plant.table.name,
        pages=lambda: pages,
    )
    return NativeServer(ports, plant.native.host, plant.native.port, tls)

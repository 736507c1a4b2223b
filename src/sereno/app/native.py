"""The native protocol of a node."""

from __future__ import annotations

from ssl import SSLContext

from sereno.gateways.native.alarmnews import alarm_news
from sereno.gateways.native.door import AccountsDoor
from sereno.gateways.native.ports import NativePorts
from sereno.gateways.native.server import NativeServer
from sereno.model import Clock

from .no_history import NoHistory
from .paced.live import live_at
from .plant.load import Plant
from .wiring import Parts


def native_server(plant: Plant, parts: Parts, pages: str, tls: SSLContext | None, clock: Clock) -> NativeServer:
    """For the same plant and the same tokens; `pages` is the address of the web room, `clock` that of programs."""
    ports = NativePorts(
        live=live_at(parts.hub, clock),
        commands=parts.router,
        rights_of=parts.router.rights_of,
        devices=parts.device_port,
        door=parts.seats.apart.door(AccountsDoor(parts.accounts, clock)),
        clock=clock,
        history=parts.historian or NoHistory(),
        locks=parts.locks,
        begins=parts.seats.apart.begins,
        events={"alarm": alarm_news(parts.alarms)},
        node=plant.table.name,
        pages=lambda: pages,
    )
    return NativeServer(ports, plant.native.host, plant.native.port, tls)

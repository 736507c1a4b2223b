"""The gateways of a plant: built from their tables, each with a door and an actor of its own."""

from __future__ import annotations

from sereno.access.insecure import Peers
from sereno.client import Client
from sereno.gateways.line.server import LineServer
from sereno.store.audit import AuditLog

from .plant.load import Plant


def make_gateways(plant: Plant, client: Client, audit: AuditLog) -> dict[str, LineServer]:
    """By name, not started. `client` is the plant; whoever comes in by a gateway acts as that gateway's actor."""
    made = {}
    line = plant.gateway.line
    if line is not None:
        peers = Peers(line.insecure_as("gateway/line"), audit, client.clock)
        made["line"] = LineServer(client, peers, host=line.host, port=line.port)
    return made

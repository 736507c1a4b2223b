"""The gateways of a plant: built from their tables, each with a door and an actor of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from sereno.access.insecure import Insecure, Peers
from sereno.client import Client, PlannedPort
from sereno.gateways.http.server import HttpServer
from sereno.gateways.latest.board import BESIDE
from sereno.gateways.latest.server import LatestServer
from sereno.gateways.line.server import LineServer
from sereno.gateways.tango.gateway import TangoGateway
from sereno.store.audit import AuditLog

from .plant.gateway_schema import LatestTable
from .plant.load import Plant


class Gateway(Protocol):
    """A server of our tags for others, as the node starts and stops it."""

    async def start(self) -> None:
        """Listen. Raises OperationError if the address cannot be had."""

    async def stop(self) -> None:
        """Hang up on everybody. May be called twice."""

    def figures(self) -> dict[str, float]:
        """Counters for the metrics."""


def make_gateways(plant: Plant, client: Client, live: PlannedPort, audit: AuditLog) -> Mapping[str, Gateway]:
    """By name, not started. `client` is the plant; whoever comes in by a gateway acts as that gateway's actor."""
    made: dict[str, Gateway] = {}
    line, latest = plant.gateway.line, plant.gateway.latest
    if line is not None:
        peers = Peers(line.insecure_as("gateway/line"), audit, client.clock)
        made["line"] = LineServer(client, peers, host=line.host, port=line.port)
    if latest is not None:
        peers = Peers(_reader_of(latest), audit, client.clock)
        made["latest"] = LatestServer(client, live, peers, latest.tags, host=latest.host, port=latest.port)
    http = plant.gateway.http
    if http is not None:
        peers = Peers(http.insecure_as("gateway/http"), audit, client.clock)
        made["http"] = HttpServer(client, live, peers, http.settings())
    tango = plant.gateway.tango
    if tango is not None:
        made["tango"] = TangoGateway(client, live, tango.insecure_as("gateway/tango"), tango.settings(), audit)
    return made


def gateway_problems(gateways: Mapping[str, Gateway]) -> list[str]:
    """Those that serve nobody now, with the reason."""
    problems = {name: one.problem for name, one in gateways.items() if isinstance(one, TangoGateway)}
    return [f"gateway {name}: {problem}" for name, problem in problems.items() if problem]


def _reader_of(table: LatestTable) -> Insecure:
    counts = [tag + BESIDE for tag in table.tags]
    return Insecure(name="gateway/latest", allow=table.allowed, reads=(*table.tags, *counts))

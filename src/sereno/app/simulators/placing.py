"""A plant as it is run here: devices with other addresses than its file has, simulators at ports that are free."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace

import structlog

from sereno.app.plant.devices import PlantDevice
from sereno.app.plant.load import Plant
from sereno.app.plant.simulators import Claims, Placed, PlantSimulator
from sereno.model import ConfigurationError, Fault

log = structlog.get_logger(__name__)
_TRIES = 5
"""For a port: the wanted one, then any that is free; somebody may claim that before it is ours."""


def with_urls(plant: Plant, urls: Mapping[str, str]) -> Plant:
    """The plant with other addresses for some of its devices."""
    return as_placed(plant, replace(plant.placed, urls={**plant.placed.urls, **urls}))


def with_simulators(plant: Plant) -> Plant:
    """The plant with its simulators run, each on its usual port or else a free one, and devices that talk to them.

    Raises ConfigurationError for a plant without simulators.
    """
    if not plant.simulators:
        raise ConfigurationError(
            [Fault(str(plant.path), "no [[simulator]] to run", "at least one, or no --simulators")]
        )
    claims = Claims()
    ports = free_ports({one.table.name: one.table.port for one in plant.simulators}, claims)
    urls = {path: one.url(ports[one.table.name]) for one in plant.simulators for path in one.table.devices}
    real = [device.table.name for device in plant.linked_devices if _has_url(device) and device.table.name not in urls]
    if real:
        log.warning("devices that no simulator stands for keep their addresses", devices=", ".join(real))
    return as_placed(plant, Placed(urls, ports, claims))


def as_placed(plant: Plant, placed: Placed) -> Plant:
    """The plant, from its file, as another one was placed."""
    urls = placed.urls
    devices = [_with_url(d, urls[d.table.name]) if d.table.name in urls else d for d in plant.devices]
    return replace(plant, devices=tuple(devices), placed=placed)


def running(plant: Plant) -> list[PlantSimulator]:
    """The simulators that this run of the plant has."""
    return [one for one in plant.simulators if one.table.name in plant.placed.ports]


def free_ports(wanted: Mapping[str, int], claims: Claims) -> dict[str, int]:
    """For each name the wanted port, or another one where that is taken or claimed; 0 wants none. Raises OSError."""
    with ExitStack() as held:
        return {name: _free(port, held, claims) if port else 0 for name, port in wanted.items()}


def _free(wanted: int, held: ExitStack, claims: Claims) -> int:
    """Keeps the port until all have theirs, and claims it for this run."""
    for left in reversed(range(_TRIES)):
        port = wanted if left == _TRIES - 1 else 0
        listening = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", port))
            listening.listen()  # else another one could be bound there too
            found = int(listening.getsockname()[1])
            claims.take(found)
        except OSError:
            if not left:
                raise
        else:
            return found
    raise AssertionError("the last try gives one, or raises")


def _with_url(device: PlantDevice, url: str) -> PlantDevice:
    if device.written is None:
        return replace(device, config=device.config.model_copy(update={"url": url}))
    settings = {**device.written.settings, "url": url}
    return replace(device, config=settings, written=replace(device.written, settings=settings))


def _has_url(device: PlantDevice) -> bool:
    if device.written is not None:
        return "url" in device.written.settings
    return hasattr(device.config, "url")


def urls_of(simulators: Iterable[PlantSimulator], ports: Mapping[str, int]) -> dict[str, str]:
    """Where each is found."""
    return {one.table.name: one.url(ports[one.table.name]) for one in simulators}

"""Derived devices of a plant, joined to hub and router."""

from __future__ import annotations

from collections.abc import AsyncIterator

from sereno.access.actor import Actor, Right
from sereno.client import DevicePort, DeviceStatus, TraceLine
from sereno.derive.derivation import Derivation
from sereno.derive.facade import Facade
from sereno.hub.hub import Hub
from sereno.hub.router import CommandRouter
from sereno.model import Clock, RefusedError

from .plant.load import Plant


def join_derived(plant: Plant, hub: Hub, router: CommandRouter, clock: Clock) -> Derivation | None:
    """The derivation of a plant, listening; None where nothing is derived. The tags of other devices are registered."""
    if not plant.derived:
        return None
    known = {spec.path: (int(handle), spec) for handle, spec in hub.directory().items()}
    derivation = Derivation(plant.derived, hub, clock, known)
    hub.add_sink(derivation)
    for device in plant.derived_devices:
        path = device.table.name
        writes = {r.spec.path: r.forward for r in plant.derived if r.spec.device == path and r.forward}
        split = {name: behind.rpartition("/")[::2] for name, behind in device.config.calls.items()}
        router.register(path, Facade(path, writes, split, router, clock))
    derivation.begin()
    return derivation


class AllDevices:
    """A DevicePort of the devices with links and of the derived ones."""

    def __init__(self, devices: DevicePort, derivation: Derivation | None) -> None:
        self._devices = devices
        self._derivation = derivation

    async def devices(self, actor: Actor) -> list[DeviceStatus]:
        """See DevicePort."""
        found = await self._devices.devices(actor)
        if self._derivation is None:
            return found
        derived = [status for status in self._derivation.status() if actor.may(Right.READ, status.path)]
        return sorted([*found, *derived], key=lambda status: status.path)

    def trace(self, device: str, actor: Actor) -> AsyncIterator[TraceLine]:
        """See DevicePort. Raises RefusedError for a derived device: it has no wire."""
        if self._derivation is not None and any(one.path == device for one in self._derivation.devices):
            raise RefusedError(f"{device} is derived from other tags: it has no link and so no frames")
        return self._devices.trace(device, actor)

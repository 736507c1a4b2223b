"""Derived devices of a plant, joined to hub and router."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Protocol

from sereno.access.actor import Actor, Right
from sereno.client import DevicePort, DeviceStatus, TraceLine
from sereno.derive.derivation import Derivation
from sereno.derive.facade import Facade
from sereno.hub.hub import Hub
from sereno.hub.router import CommandRouter
from sereno.model import Clock, Command, RefusedError, Verb

from .plant.load import Plant


def join_derived(plant: Plant, hub: Hub, router: CommandRouter, clock: Clock) -> Derivation:
    """The derivation of a plant, listening. The tags of other devices are registered."""
    known = {spec.path: (int(handle), spec) for handle, spec in hub.directory().items()}
    derivation = Derivation(plant.derived, hub, clock, known)
    hub.add_sink(derivation)
    for path, facade in facades(plant, router, clock):
        router.register(path, facade)
    derivation.begin()
    return derivation


def facades(plant: Plant, router: CommandRouter, clock: Clock) -> Iterator[tuple[str, Facade]]:
    """What executes the commands of each derived device, by its path."""
    own = {device.table.name for device in plant.derived_devices}

    def reads(target: str, name: str) -> bool:
        """Of what is itself handed on nobody looks further: such calls may go round in a circle."""
        asked = Command(target=target, verb=Verb.CALL, name=name)
        return target not in own and Right.READ in router.rights_of(asked)

    for device in plant.derived_devices:
        path = device.table.name
        writes = {r.spec.path: r.forward for r in plant.derived if r.spec.device == path and r.forward}
        split = {name: behind.rpartition("/")[::2] for name, behind in device.config.calls.items()}
        yield path, Facade(path, writes, split, router, clock, reads=reads)


class StatusSource(Protocol):
    """Devices without a link, as they are now."""

    def status(self) -> list[DeviceStatus]:
        """All of them."""


class AllDevices:
    """A DevicePort of the devices with links and of those without: derived ones, the node itself."""

    def __init__(self, devices: DevicePort, *others: StatusSource) -> None:
        self._devices = devices
        self.others = list(others)

    async def devices(self, actor: Actor) -> list[DeviceStatus]:
        """See DevicePort."""
        others = [status for status in self._linkless() if actor.may(Right.READ, status.path)]
        return sorted([*await self._devices.devices(actor), *others], key=lambda status: status.path)

    def trace(self, device: str, actor: Actor) -> AsyncIterator[TraceLine]:
        """See DevicePort. Raises RefusedError for a device without a link: it has no frames."""
        if any(status.path == device for status in self._linkless()):
            raise RefusedError(f"{device} has no link and so no frames")
        return self._devices.trace(device, actor)

    def _linkless(self) -> list[DeviceStatus]:
        return [status for source in self.others for status in source.status()]

"""Agents of a plant, joined to the devices that they are and to the plant that they act in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sereno.agents.supervisor import Supervisor
from sereno.client import Client, DeviceStatus
from sereno.device import DeviceConfig, DeviceSet, Environment
from sereno.hub.hub import Hub
from sereno.hub.router import CommandRouter
from sereno.model import NotConnectedError
from sereno.store.engine import Store
from sereno.store.stops import StoredStops

from .apart.driver import ApartDriver
from .apart.link import Apart
from .apart.seat import ApartSeats
from .datafolder import DataFolder
from .plant.agents import PlantAgent
from .plant.load import Plant


class Seats:
    """Hands every agent the plant in its own eyes, once there is one; a child device has its parent's seat.

    Agents that are to have a process of their own are placed there.
    """

    def __init__(self, plant: Plant, folder: DataFolder) -> None:
        self._actors = {agent.rule.device: agent.actor for agent in plant.agents}
        self._folder = folder
        self._base = plant.path.parent
        self._written = {device.table.name: device.written for device in plant.devices}
        apart = {agent.rule.device: agent.actor for agent in plant.agents if agent.process}
        self.apart = ApartSeats(apart, folder.path)
        self._clients: dict[str, Client] = {}
        self.plant: Client | None = None

    def placed(self, configs: Sequence[DeviceConfig]) -> list[DeviceConfig]:
        """The devices, with mirrors in the place of agents that run apart."""
        return [self._placed(config) for config in configs]

    def _placed(self, config: DeviceConfig) -> DeviceConfig:
        written = self._written.get(config.path)
        if config.path not in self.apart.devices or written is None:
            return config
        data = self._folder.agent(config.path).absolute()
        settings = written.settings
        there = Apart(config.path, written.cls, written.source, settings, self._base.absolute(), data, self.apart)
        return replace(config, driver=ApartDriver, config=there)

    def __call__(self, device: str) -> Client:
        """See Environment.plant."""
        path = device
        while path and path not in self._actors:
            path = path.rpartition("/")[0]
        if not path:
            return Environment().plant(device)
        if self.plant is None:
            raise NotConnectedError("the node is not joined yet")
        if path not in self._clients:
            self._clients[path] = self.plant.as_actor(self._actors[path])
        return self._clients[path]


class AgentDevices:
    """An AgentControl of agents that are devices of this node."""

    def __init__(self, devices: DeviceSet) -> None:
        self._devices = devices

    def status(self, device: str) -> DeviceStatus:
        """See AgentControl."""
        return self._devices.handlers[device].status()

    async def start(self, device: str) -> None:
        """See AgentControl."""
        self._devices.resume(device)

    async def stop(self, device: str) -> None:
        """See AgentControl."""
        await self._devices.pause(device)


def join_agents(
    agents: Sequence[PlantAgent], devices: DeviceSet, hub: Hub, router: CommandRouter, store: Store
) -> Supervisor:
    """The supervisor of a plant's agents, each with its commands registered."""
    rules = [agent.rule for agent in agents if agent.rule.device in devices.handlers]
    supervisor = Supervisor(rules, AgentDevices(devices), hub, hub.clock, StoredStops(store))
    for path, supervised in supervisor.agents.items():
        router.register(path, supervised)
    return supervisor

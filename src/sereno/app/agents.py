"""Agents of a plant, joined to the devices that they are and to the plant that they act in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from sereno.access.actor import Actor
from sereno.agents.simulators import Simulators, simulator_alarms
from sereno.agents.supervisor import AgentRule, Supervisor, agent_alarms
from sereno.client import AlarmSpec, Client, DeviceStatus
from sereno.device import DeviceConfig, DeviceSet, Environment
from sereno.hub.hub import Hub
from sereno.hub.router import CommandRouter
from sereno.model import Clock, NotConnectedError
from sereno.store.engine import Store
from sereno.store.stops import StoredStops

from .apart.driver import ApartDriver
from .apart.link import Apart
from .apart.seat import ApartSeats, timeouts_of
from .datafolder import DataFolder
from .memory import FileMemory
from .plant.agents import AGENT, PlantAgent
from .plant.load import Plant
from .plant.written import WrittenDevice
from .simulators.placing import running


class Seats:
    """Hands every agent the plant in its own eyes, once there is one; a child device has its parent's seat.

    Agents that are to have a process of their own are placed there.
    """

    def __init__(self, plant: Plant, folder: DataFolder, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._actors: dict[str, Actor] = {}
        self._clients: dict[str, Client] = {}
        self.apart = ApartSeats(folder.path)
        self._simulated = {one.device: one.actor for one in running(plant) if one.actor is not None}
        self.plant: Client | None = None
        self.unended: Callable[[str], bool] = lambda _device: False
        self.replace(plant)

    def replace(self, plant: Plant) -> None:
        """The agents are those of this plant from now on; what one may do changes for clients that it holds, too."""
        self._actors = {agent.rule.device: agent.actor for agent in plant.agents}
        for path, client in list(self._clients.items()):
            client.actor = self.now(client.actor)
            if path not in self._actors:
                del self._clients[path]
        apart = {agent.rule.device: agent.actor for agent in plant.agents if agent.process}
        self.apart.replace({**apart, **self._simulated})

    def now(self, actor: Actor) -> Actor:
        """An agent with the rights of this moment. Others as they are.

        It has none when it is no agent any more, or was to end and has not: what it still does is nobody's will.
        """
        if actor.kind != "agent" or not actor.name.startswith(AGENT):
            return actor
        device = actor.name.removeprefix(AGENT)
        found = None if self.unended(device) else self._actors.get(device)
        return replace(actor, roles=found.roles if found is not None else ())

    def memory_of(self, device: str) -> FileMemory:
        """What an agent has memorised in the folder that is its own when it runs apart."""
        folder = self._folder.agent(device)
        folder.mkdir(parents=True, exist_ok=True)
        return FileMemory(DataFolder(folder).memorised, self._clock)

    def placed(self, plant: Plant, configs: Sequence[DeviceConfig]) -> list[DeviceConfig]:
        """The devices of this plant, with mirrors in the place of agents that run apart."""
        apart = {agent.rule.device for agent in plant.agents if agent.process}
        written = {device.table.name: device.written for device in plant.devices if device.table.name in apart}
        return [self._placed(config, written.get(config.path), plant.path.parent) for config in configs]

    def _placed(self, config: DeviceConfig, written: WrittenDevice | None, base: Path) -> DeviceConfig:
        if written is None:
            return config
        data = self._folder.agent(config.path).absolute()
        limits = timeouts_of(config.marks)
        what = (config.path, written.cls, written.source, written.settings)
        return replace(config, driver=ApartDriver, config=Apart(*what, base.absolute(), data, self.apart, limits))

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


def supervised(supervisor: Supervisor, simulators: Simulators) -> list[str]:
    """Paths of all agents and simulators."""
    return [*(rule.device for rule in supervisor.rules), *(rule.device for rule in simulators.rules)]


def supervision_alarms(supervisor: Supervisor, simulators: Simulators) -> list[AlarmSpec]:
    """An alarm for each that is supervised."""
    return [*agent_alarms(supervisor.rules), *simulator_alarms(simulators.rules)]


def agent_rules(agents: Sequence[PlantAgent], devices: DeviceSet) -> list[AgentRule]:
    """Of the agents that run here: one whose device is not enabled is watched by nobody."""
    return [agent.rule for agent in agents if agent.rule.device in devices.handlers]


def join_agents(
    agents: Sequence[PlantAgent], devices: DeviceSet, hub: Hub, router: CommandRouter, store: Store
) -> Supervisor:
    """The supervisor of a plant's agents, each with its commands registered."""
    rules = agent_rules(agents, devices)
    supervisor = Supervisor(rules, AgentDevices(devices), hub, hub.clock, StoredStops(store))
    for path, supervised in supervisor.members.items():
        router.register(path, supervised)
    return supervisor

"""The simulators of a plant as they run, joined to their supervision."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping

from sereno.agents.simulators import SimulatorRun, Simulators
from sereno.app.plant.load import Plant
from sereno.app.platform import tied_to_this_process
from sereno.hub.hub import Hub
from sereno.hub.router import CommandRouter
from sereno.model import Clock, OperationError

from .placing import running, urls_of
from .process import SimulatorProcess

NODE = ("SERENO_URL", "SERENO_TOKEN")
"""Where a simulator that acts in the plant finds it."""


class SimulatorProcesses:
    """A SimulatorControl: `credentials` are the address and the token for one that acts in the plant."""

    def __init__(self, plant: Plant, credentials: Callable[[str], tuple[str, str]], clock: Clock) -> None:
        self._known = {one.device: one for one in running(plant)}
        self._ports = plant.placed.ports
        self._claims = plant.placed.claims
        self._urls = urls_of(self._known.values(), self._ports)
        self._folder = plant.path.parent.absolute()
        self._credentials = credentials
        self._clock = clock
        self._runs: dict[str, SimulatorProcess] = {}
        self._closed = False

    def run(self, device: str) -> SimulatorRun | None:
        """See SimulatorControl."""
        process = self._runs.get(device)
        return None if process is None else process.now

    async def start(self, device: str, scenario: str) -> None:
        """See SimulatorControl."""
        if self._closed:
            raise OperationError(f"{device} is not started, the node ends")
        simulator = self._known[device]
        words = simulator.words(self._ports[simulator.table.name], self._urls)
        if scenario:
            words += ["--scenario", str(simulator.scenarios[scenario])]
        given = self._credentials(device) if simulator.actor is not None else None
        ends = simulator.table.once
        process = SimulatorProcess(device, words, self._folder, _variables(given), self._clock, ends=ends)
        self._runs[device] = process
        try:
            await process.begin()
        except OperationError:
            self._runs.pop(device, None)
            raise

    async def stop(self, device: str) -> None:
        """See SimulatorControl."""
        process = self._runs.get(device)
        if process is not None:
            await process.end()
            self._runs.pop(device, None)

    async def close(self) -> None:
        """End all of them, at the same time; none is started any more.

        Raises what the first one raised, when all have ended.
        """
        self._closed = True
        ends = await asyncio.gather(*map(self.stop, tuple(self._runs)), return_exceptions=True)
        self._claims.give_up()
        for ended in ends:
            if isinstance(ended, BaseException):
                raise ended


def join_simulators(
    plant: Plant, credentials: Callable[[str], tuple[str, str]], hub: Hub, router: CommandRouter
) -> tuple[Simulators, SimulatorProcesses]:
    """The simulators that this run of the plant has, each with its commands registered."""
    processes = SimulatorProcesses(plant, credentials, hub.clock)
    rules = [one.rule_at(plant.placed.ports[one.table.name]) for one in running(plant)]
    simulators = Simulators(rules, processes, hub, hub.clock)
    for path, member in simulators.members.items():
        router.register(path, member)
    return simulators, processes


def _variables(given: tuple[str, str] | None) -> Mapping[str, str]:
    rest = {name: value for name, value in os.environ.items() if name not in NODE} | tied_to_this_process()
    return rest if given is None else {**rest, **dict(zip(NODE, given, strict=True))}

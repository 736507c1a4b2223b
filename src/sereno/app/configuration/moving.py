"""Devices that start anew, with what only agents have: who was stopped stays so, memorised values move along."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sereno.app.agents import agent_rules
from sereno.app.apart.driver import ApartDriver
from sereno.app.plant.load import Plant
from sereno.app.wiring import Parts
from sereno.device import DeviceConfig


class Moving:
    """Made before anything stops; `rest` and `carry` while the devices are quiet, `begin` in the end."""

    def __init__(self, parts: Parts, coming: Sequence[DeviceConfig]) -> None:
        self._parts = parts
        self._rested = parts.supervisor.resting()
        running = {config.path: parts.devices.handlers.get(config.path) for config in coming}
        self._was_apart = {p: _apart(known.config) for p, known in running.items() if known is not None}

    async def rest(self, new: Plant, quiet: Collection[str]) -> None:
        """Stop whom a person had stopped when it was an agent before, so that it never acts as the one it becomes."""
        parts = self._parts
        for path in parts.supervisor.stopped_before(agent_rules(new.agents, parts.devices)):
            if path not in quiet:
                await parts.devices.pause(path)

    async def carry(self, coming: Sequence[DeviceConfig]) -> None:
        """Into a process of its own and back, an agent takes along what it has memorised."""
        for config in coming:
            was = self._was_apart.get(config.path)
            if was is None or was is _apart(config):
                continue
            here, there = self._parts.memory, self._parts.seats.memory_of(config.path)
            source, target = (there, here) if was else (here, there)
            await target.recall(config.path)
            for name, value in (await source.recall(config.path)).items():
                target.keep(config.path, name, value)
            await there.close()

    def begin(self, coming: Sequence[DeviceConfig]) -> None:
        """Start what has come, but no agent that a person has stopped; and who is no agent any more runs again."""
        parts, supervisor = self._parts, self._parts.supervisor
        paths = [config.path for config in coming]
        supervisor.renewed(paths)
        resting = supervisor.resting()
        parts.devices.begin([path for path in paths if path not in resting])
        for path in self._rested - resting - set(paths):
            if path in parts.devices.handlers:
                parts.devices.resume(path)


def _apart(config: DeviceConfig) -> bool:
    return issubclass(config.driver, ApartDriver)

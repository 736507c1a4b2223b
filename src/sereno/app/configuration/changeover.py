"""Changeover: leads the parts of a running node from one plant to another. What does not change is not touched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import structlog

from sereno.agents.jobs.jobs import job_alarms
from sereno.app.agents import agent_rules, supervision_alarms
from sereno.app.apart.link import Apart
from sereno.app.apart.seat import timeouts_of
from sereno.app.derived import facades
from sereno.app.device_configs import device_config, device_configs_of
from sereno.app.plant.counters import counter_groups
from sereno.app.plant.devices import PlantDevice
from sereno.app.plant.load import Plant, live_alarms
from sereno.app.self_watch import ALARMS as SELF_ALARMS
from sereno.app.wiring import Parts
from sereno.device import DeviceConfig, adopt_device
from sereno.hub.table import same_kind
from sereno.model import OperationError, RefusedError, TagSpec

from .difference import Difference, difference, paths_of
from .facts import device_paths
from .moving import Moving

log = structlog.get_logger(__name__)


class Changeover:
    """Performs one change at a time; its caller sees to that."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def perform(self, old: Plant, new: Plant, found: Difference) -> None:
        """Make `new` run in place of `old`. Raises RefusedError if something is in the way, and changes nothing then.

        Raises OperationError if it failed although it had been rehearsed: then `old` runs again.
        """
        if not (found.devices or found.alarms or found.guards or found.jobs or found.agents):
            self._parts.reports.replace(new.reports)
            return
        self._check_commands(old, new, found)
        try:
            await self._change(old, new, found)
        except Exception as error:
            log.exception("a configuration was not applied", task="apply")
            await self._change(new, old, difference(new, old))
            raise OperationError(f"not applied, the old configuration runs again: {error}") from error

    def _check_commands(self, old: Plant, new: Plant, found: Difference) -> None:
        names = [*found.leaving, *found.adopting]
        if found.derived:
            names += [device.table.name for device in old.derived_devices]
        agents = {agent.rule.path for agent in new.agents}
        gone = [agent.rule.path for agent in old.agents if agent.rule.path not in agents]
        concerned = [*paths_of(old, names), *gone]
        busy = self._parts.router.busy_with(lambda target: any(_within(target, path) for path in concerned))
        if busy:
            raise RefusedError(f"{' and '.join(busy)} is under way; wait for its end or cancel it")

    async def _change(self, old: Plant, new: Plant, found: Difference) -> None:
        async with self._parts.supervisor.still():
            await self._lead(old, new, found)

    async def _lead(self, old: Plant, new: Plant, found: Difference) -> None:
        parts = self._parts
        named = dict.fromkeys([*paths_of(old, found.leaving), *paths_of(new, found.coming)])
        leaving = [path for path in named if path in parts.devices.handlers]
        comers = [d for d in new.linked_devices if d.table.name in found.coming]
        coming = parts.seats.placed(new, device_configs_of(comers, parts.memory))
        for config in coming:
            running = parts.devices.handlers.get(config.path)
            if running is not None:
                adopt_device(config, running.config)
        moving = Moving(parts, coming)
        await parts.devices.quiet(leaving)
        await moving.carry(coming)
        await parts.jobs.quiet(new.jobs)
        await moving.rest(new, leaving)  # last: the way back resumes whom the supervisor knows
        specs = [entry.tag.spec for config in coming for entry in config.tags]
        moved = self._moved(specs)
        with parts.hub.keeping([*specs, *_computed(new)]):
            self._exchange(old, new, found if not moved else _all_computed(found), leaving, coming)
        self._redeclare(new, found, specs)
        watched = supervision_alarms(parts.supervisor, parts.simulators)
        declared = [*live_alarms(new), *job_alarms(new.jobs), *watched, *SELF_ALARMS]
        fresh = await parts.alarms.prepared(declared)
        parts.alarms.replace(fresh, parts.hub.held())
        parts.telling.know()
        moving.begin(coming)
        parts.guards.replace(new.guards)
        parts.jobs.follow()
        parts.reports.replace(new.reports)
        await parts.overrides.follow()
        parts.locks.follow()

    def _exchange(
        self, old: Plant, new: Plant, found: Difference, leaving: list[str], coming: list[DeviceConfig]
    ) -> None:
        """All that registers tags, between two batches: first who leaves, then who comes."""
        parts = self._parts
        if found.counters:
            parts.totals.retire()
        if found.derived:
            parts.derivation.retire()
            for device in old.derived_devices:
                parts.router.forget(device.table.name)
        parts.devices.put(leaving, coming)
        for path in leaving:
            parts.router.forget(path)
        for config in coming:
            parts.router.replace(config.path, parts.devices.handlers[config.path])
        self._exchange_agents(new)
        if found.jobs:
            self._exchange_jobs(new)
        if found.counters:
            parts.totals.build(counter_groups(new.linked_devices))
        if found.derived:
            self._derive(new)

    def _exchange_agents(self, new: Plant) -> None:
        parts = self._parts
        parts.seats.replace(new)
        before = set(parts.supervisor.members)
        parts.supervisor.put(agent_rules(new.agents, parts.devices))
        for path in before - parts.supervisor.members.keys():
            parts.router.forget(path)
        for path, supervised in parts.supervisor.members.items():
            parts.router.replace(path, supervised)

    def _exchange_jobs(self, new: Plant) -> None:
        parts = self._parts
        before = set(parts.jobs.handlers)
        parts.jobs.put(new.jobs)
        for path in before - parts.jobs.handlers.keys():
            parts.router.forget(path)
        for path in parts.jobs.handlers.keys() - before:
            parts.router.replace(path, parts.jobs.handlers[path])

    def _derive(self, new: Plant) -> None:
        parts, table = self._parts, self._parts.hub.table
        inputs = dict.fromkeys(path for rule in new.derived for path in rule.inputs)
        handles = {path: handle for path in inputs if (handle := table.paths.get(path)) is not None}
        parts.derivation.build(new.derived, {path: (int(h), table.spec(h)) for path, h in handles.items()})
        for path, facade in facades(new, parts.router, parts.clock):
            parts.router.replace(path, facade)
        parts.derivation.take_up(parts.hub.held())

    def _moved(self, specs: Iterable[TagSpec]) -> bool:
        """True if a tag stays by name but not by kind: then it has another handle, and whoever reads it must know."""
        table = self._parts.hub.table
        known = ((table.paths.get(spec.path), spec) for spec in specs)
        return any(handle is not None and not same_kind(table.spec(handle), spec) for handle, spec in known)

    def _redeclare(self, new: Plant, found: Difference, specs: list[TagSpec]) -> None:
        """Words, limits, deadbands and set-points of tags whose devices go on."""
        parts, adopting = self._parts, set(found.adopting)
        changed: list[TagSpec] = []
        for device in new.linked_devices:
            if device.table.name not in adopting:
                continue
            self._adopt(device)
            mine = [tag.spec for tag in device.tags]
            changed += [spec for spec in mine if parts.hub.table.spec(parts.hub.table.handle(spec.path)) != spec]
        parts.hub.redeclare(changed)
        if parts.historian is not None:
            meant = (*changed, *specs, *_computed(new))
            parts.historian.redefine([parts.hub.table.handle(spec.path) for spec in meant])

    def _adopt(self, device: PlantDevice) -> None:
        """A device and its children go on with other words and marks; one of a driver with all that it declares."""
        table, handlers = device.table, self._parts.devices.handlers
        if device.written is None:
            handlers[table.name].adopt(device_config(device))
            return
        for path in device_paths(device):
            marks, reading = table.marks_at(path), table.reading_at(path)
            config = replace(handlers[path].config, marks=marks, reading=reading)
            words = table.description if path == table.name else ""
            handlers[path].adopt(replace(config, description=words or config.description))
            if isinstance(config.config, Apart):
                config.config.timeouts.clear()
                config.config.timeouts.update(timeouts_of(config.marks))


def _computed(plant: Plant) -> Iterator[TagSpec]:
    """The tags that no device delivers."""
    for device in plant.derived_devices:
        yield from (tag.spec for tag in device.tags)
    for group in counter_groups(plant.linked_devices):
        yield from group.specs


def _all_computed(found: Difference) -> Difference:
    return replace(found, derived=True, counters=True)


def _within(target: str, device: str) -> bool:
    return target == device or target.startswith(f"{device}/")

"""Configurations: what runs, what another plant file would change, apply and roll back, with all that is on record."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import structlog

from sereno.access.actor import Actor, Right
from sereno.app.datafolder import DataFolder
from sereno.app.installation import at_console
from sereno.app.node_record import digests
from sereno.app.plant.load import Plant, load_plant
from sereno.app.simulators.placing import as_placed
from sereno.app.wiring import Parts
from sereno.client import ChangePlan, Effect, RunningConfiguration
from sereno.device import Environment
from sereno.model import ConfigurationError, DeniedError, Fault, NotFoundError, RefusedError, SerenoError

from .changeover import Changeover
from .difference import Difference, difference
from .gently import gently
from .kept import About, KeptConfigurations
from .rehearsal import rehearse

WHOLE = "*"
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Target:
    """A configuration that may be applied; without a plant it has faults."""

    plant: Plant | None
    plan: ChangePlan
    found: Difference
    digests: dict[str, str]
    about: About | None = None


class Configurations:
    """Implements ConfigurationPort for a node that has been joined. `start` before it is asked anything."""

    def __init__(self, plant: Plant, parts: Parts, folder: DataFolder, environment: Environment) -> None:
        self._plant = plant
        self._source = plant.path.absolute()
        self._parts = parts
        self._environment = environment
        self._kept = KeptConfigurations(folder.configurations)
        self._changeover = Changeover(parts)
        self._about = About(0, 0, "", "", "", {})
        self._since = 0
        self._by = ""
        self._back = False
        self._pending: tuple[str, ...] = ()
        self._turn = asyncio.Lock()
        self._looked: _Target | None = None

    async def start(self) -> None:
        """The plant runs; keep its files. Raises OperationError."""
        self._since, self._by = self._parts.clock.wall_ns(), at_console()

        def keep() -> About:
            about = self._kept.keep(self._plant, digests(self._plant), self._since, self._by, self._kept.last())
            self._kept.runs(about)
            return about

        self._about = await asyncio.to_thread(keep)

    def warnings(self) -> list[str]:
        """What somebody should look at."""
        told = [f"waits for a restart: {what}" for what in self._pending]
        if self._back:
            told.append(f"rolled back to configuration {self._about.number}; {self._source} says something else")
        return told

    # ---- ConfigurationPort

    async def running(self, actor: Actor) -> RunningConfiguration:
        """See ConfigurationPort."""
        self._check(actor)
        kept = await asyncio.to_thread(self._kept.all)
        older = [self._kept.listed(one) for one in reversed(kept) if one.number != self._about.number]
        return RunningConfiguration(
            number=self._about.number,
            plant=self._plant.table.name,
            source=str(self._source),
            since=self._since,
            by=self._by,
            folder=str(self._kept.path(self._about).parent),
            back=self._back,
            devices=len(self._plant.devices),
            tags=self._plant.tag_count,
            pending=self._pending,
            kept=tuple(older),
        )

    async def plan(self, actor: Actor, *, plant: str = "", back: bool = False) -> ChangePlan:
        """See ConfigurationPort."""
        self._check(actor)
        async with self._turn:
            self._looked = await self._target(plant, back=back)
            return self._looked.plan

    async def apply(
        self, actor: Actor, *, plant: str = "", back: bool = False, token: str = "", comment: str = ""
    ) -> ChangePlan:
        """See ConfigurationPort. Once begun it goes on, whether who asked waits for it or not."""
        return await asyncio.shield(asyncio.create_task(self._apply(actor, plant, token, comment, back=back)))

    # ---- inside

    async def _apply(self, actor: Actor, plant: str, token: str, comment: str, *, back: bool) -> ChangePlan:
        """What becomes of it is on record, once, also when nobody waits for it any more."""
        record = self._parts.record
        try:
            self._check(actor)
        except DeniedError as error:
            await record.refused_apply(actor, str(error))
            raise
        async with self._turn:
            try:
                target = await self._wanted(plant, token, back=back)
                if not target.plan.changes:
                    return target.plan
                await record.applying(actor, target.plan, comment)
            except SerenoError as error:
                await record.refused_apply(actor, str(error))
                raise
            try:
                await self._perform(actor, target, back=back)
            except Exception as error:
                log.warning("not applied", task="apply", error=str(error))
                word = "refused" if isinstance(error, RefusedError) else "failed"
                await record.applied(actor, target.plan, outcome=f"{word}: {error}")
                raise
            await record.applied(actor, target.plan, target.digests)
            return replace(target.plan, applied=True)

    async def _wanted(self, plant: str, token: str, *, back: bool) -> _Target:
        """What was planned with this token, or is found now. Raises ConfigurationError, RefusedError, NotFoundError."""
        looked, self._looked = self._looked, None
        if looked is None or not token or not await asyncio.to_thread(self._still, looked, token):
            looked = await self._target(plant, back=back)
        if looked.plant is None:
            raise ConfigurationError(list(looked.plan.faults))
        if token and token != looked.plan.token:
            raise RefusedError("the plant file or what runs has changed since the plan was made; look at it again")
        return looked

    async def _perform(self, actor: Actor, target: _Target, *, back: bool) -> None:
        """Kept first, since what cannot be kept cannot be gone back to; then made so, then adopted."""
        new, since = target.plant, self._parts.clock.wall_ns()
        assert new is not None
        about, made = await asyncio.to_thread(self._copy_of, target, new, since, actor.name)
        try:
            await self._changeover.perform(self._plant, new, target.found)
        except Exception:
            if made:
                await asyncio.to_thread(self._kept.drop, about)
            raise
        waits = [f"{one.kind} {one.name}" for one in target.plan.changes if one.effect is Effect.NEXT_START]
        self._pending = tuple(dict.fromkeys([*self._pending, *waits]))
        self._plant, self._about, self._back = new, about, back
        self._since, self._by = since, actor.name
        await asyncio.to_thread(self._kept.runs, about)

    async def _target(self, plant: str, *, back: bool) -> _Target:
        about = await asyncio.to_thread(self._before) if back else None
        path = self._kept.path(about) if about is not None else self._path(plant)
        with gently():
            return await asyncio.to_thread(self._looked_at, path, about)

    def _still(self, looked: _Target, token: str) -> bool:
        """True if what the plan of this token was made of is as it was."""
        try:
            return looked.plan.token == token and looked.plant is not None and digests(looked.plant) == looked.digests
        except OSError:
            return False

    def _looked_at(self, path: Path, about: About | None) -> _Target:
        """Load, compare, rehearse; in a thread, so that no scan waits for it."""
        try:
            said = load_plant(path, home=Path(about.home) if about is not None else None)
            loaded = as_placed(said, self._plant.placed)
            faults, hashes = rehearse(loaded, self._environment), digests(loaded)
            found = difference(self._plant, loaded)
            faults += self._cannot_be_apart(loaded) + self._not_simulated_yet(loaded)
        except ConfigurationError as error:
            return _Target(None, self._plan_of(path, faults=error.faults), Difference(), {})
        except OSError as error:
            return _Target(None, self._plan_of(path, faults=[Fault(str(path), str(error))]), Difference(), {})
        if faults:
            return _Target(None, self._plan_of(path, faults=faults), found, hashes)
        token = hashlib.sha256(msgspec.json.encode([self._about.number, self._since, hashes])).hexdigest()[:16]
        plan = replace(
            self._plan_of(path),
            plant=loaded.table.name,
            token=token,
            changes=tuple(found.changes),
            interrupted=dict(sorted(found.interrupted.items())),
        )
        return _Target(loaded, plan, found, hashes, about)

    def _cannot_be_apart(self, new: Plant) -> list[Fault]:
        """Processes of agents speak with the node by the native protocol, which comes with a start of the node."""
        if self._parts.seats.apart.url:
            return []
        apart = [agent.rule.device for agent in new.agents if agent.process]
        words = "in a process of its own needs the native protocol, which comes with the next start of the node"
        return [Fault(str(new.path), f"agent {name!r} {words}") for name in apart]

    def _not_simulated_yet(self, new: Plant) -> list[Fault]:
        """New devices that simulators are to stand for: those of this run do not, and the real ones would be opened."""
        placed, before = self._plant.placed, {device.table.name for device in self._plant.linked_devices}
        if not placed.ports:
            return []
        coming = {d.table.name: d.where for d in new.linked_devices if d.table.name not in {*before, *placed.urls}}
        stand_for = [(path, one.table.name) for one in new.simulators for path in one.table.devices if path in coming]
        words = "which stands for it with the next start of the node only; until then its own url would be opened"
        return [Fault(coming[path], f"device {path!r} has the simulator {name!r}, {words}") for path, name in stand_for]

    def _plan_of(self, path: Path, faults: list[Fault] | None = None) -> ChangePlan:
        return ChangePlan(plant=self._plant.table.name, source=str(path), interrupted={}, faults=tuple(faults or ()))

    def _path(self, plant: str) -> Path:
        """Only files beside the node's own plant file and below: others are none of this node's business."""
        path = (self._source.parent / plant).resolve() if plant else self._source
        if not path.is_relative_to(self._source.parent.resolve()) and path != self._source:
            raise RefusedError(f"{path} is not in {self._source.parent}, where the plant file of this node lies")
        return path / "plant.toml" if path.is_dir() else path

    def _before(self) -> About:
        """What ran before what runs; where that is not known any more, the one kept before it."""
        kept = {one.number: one for one in self._kept.all()}
        if self._about.before in kept:
            return kept[self._about.before]
        older = [number for number in kept if number < self._about.number]
        if not older:
            raise NotFoundError("there is no configuration before the one that runs")
        return kept[max(older)]

    def _copy_of(self, target: _Target, new: Plant, since: int, by: str) -> tuple[About, bool]:
        """The kept one, and whether it was made now. Raises OperationError."""
        if target.about is not None:
            return target.about, False
        known = {one.number for one in self._kept.all()}
        about = self._kept.keep(new, target.digests, since, by, self._about.number)
        return about, about.number not in known

    def _check(self, actor: Actor) -> None:
        if not actor.may(Right.CONFIGURE, WHOLE):
            raise DeniedError(f"{actor.name} has no right to configure the whole plant")

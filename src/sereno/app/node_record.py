"""What a node does by itself, on record: starts with their configuration, stops, history that was deleted."""

from __future__ import annotations

import hashlib
import platform
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Connection

from sereno.access.actor import Actor, Right
from sereno.client import ChangePlan
from sereno.historian.retention import Removed
from sereno.hub.execution import Rights, by_rights
from sereno.model import Clock, Command, DeniedError, RefusedError
from sereno.store import settings
from sereno.store.audit import AuditEntry, add_entry
from sereno.store.engine import Store
from sereno.store.errors import StoreError

from .history_acts import HISTORY
from .installation import at_console
from .machine import components
from .plant.load import Plant

PERIOD = 5.0
_CONFIGURATION = "configuration"
_TOLD = 200
"""Changes that the record names; it counts them all."""
_LONGEST = 2000
_log = structlog.get_logger(__name__)


class NodeRecord:
    """Adds the node's own acts to the audit and, every few seconds, looks after the audit's disk."""

    def __init__(self, plant: Plant, store: Store, clock: Clock) -> None:
        self._plant = plant
        self._store = store
        self._clock = clock
        self._removed: list[Removed] = []
        self._told = ""

    async def started(self) -> None:
        """A start, with versions and the hashes of the plant's files; what is not as at the last start is a change."""
        target, files = self._plant.table.name, digests(self._plant)
        versions = {"version": version("sereno"), "python": platform.python_version(), "components": components()}
        new = {"plant": str(self._plant.path.absolute()), "files": files, **versions}
        start = self._entry("node.start", target, new=new)

        def work(connection: Connection) -> None:
            old = settings.setting(connection, _CONFIGURATION)
            add_entry(connection, start)
            if old is not None and old != files:
                before, after = _differences(old, files)
                add_entry(connection, self._entry("configuration.change", target, old=before, new=after))
            settings.keep(connection, _CONFIGURATION, files)

        await self._store.run(work)

    async def stopped(self) -> None:
        """The end of a node that was told to stop."""
        try:
            await self._keep_removed()
            entry = self._entry("node.stop", self._plant.table.name)
            await self._store.run(lambda c: add_entry(c, entry))
        except StoreError as error:
            _log.error("the stop of the node is not on record", error=str(error))

    async def applying(self, actor: Actor, plan: ChangePlan, comment: str) -> None:
        """Somebody applies another configuration: on record before anything changes.

        Raises StoreError, RefusedError.
        """
        if self._store.recording.full:
            raise RefusedError(f"nothing is applied that cannot be kept on record: {self._store.recording.problem}")
        names = [f"{one.change} {one.kind} {one.name}" for one in plan.changes]
        new = {"source": plan.source, "changes": len(names), "first": names[:_TOLD], "interrupted": [*plan.interrupted]}
        entry = self._apply_entry(actor, plan.plant, new=new, outcome="accepted", comment=comment)
        await self._store.run(lambda c: add_entry(c, entry))

    async def applied(
        self, actor: Actor, plan: ChangePlan, files: dict[str, str] | None = None, outcome: str = "done"
    ) -> None:
        """What became of it; `files` are the hashes of what runs now. Failures of the store are logged."""
        entry = self._apply_entry(actor, plan.plant, new={"source": plan.source, "files": files}, outcome=outcome)

        def work(connection: Connection) -> None:
            add_entry(connection, entry)
            if files is not None:
                settings.keep(connection, _CONFIGURATION, files)

        try:
            await self._store.run(work)
        except StoreError as error:
            _log.error("an applied configuration is not on record", error=str(error))

    async def refused_apply(self, actor: Actor, why: str) -> None:
        """Somebody was refused, or the plant file has faults. Failures of the store are logged."""
        entry = self._apply_entry(actor, self._plant.table.name, outcome=f"refused: {why[:_LONGEST]}")
        try:
            await self._store.run(lambda c: add_entry(c, entry))
        except StoreError as error:
            _log.error("a refusal is not on record", error=str(error))

    def authorise(self, actor: Actor, command: Command, rights: Rights) -> None:
        """By rights, of history only by those who configure; and nothing while only the reserve is left to record it.

        Raises DeniedError, RefusedError.
        """
        by_rights(actor, command, rights)
        if command.target == HISTORY and not actor.may(Right.CONFIGURE, HISTORY):
            raise DeniedError(f"{actor.name} may not delete history: that takes the right to configure {HISTORY}")
        if self._store.recording.full:
            raise RefusedError(f"nothing is sent that cannot be kept on record: {self._store.recording.problem}")

    def removed(self, what: Removed) -> None:
        """History was deleted by its limits or on a full disk; goes on record with the next round."""
        self._removed.append(what)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._clock.sleep(PERIOD)
            try:
                await self._store.tend()
                await self._keep_removed()
            except StoreError as error:
                self._tell(str(error))
            else:
                self._tell(self._store.recording.problem)

    async def _keep_removed(self) -> None:
        while self._removed:
            what = self._removed[0]
            old = {"segments": list(what.segments), "from_ns": what.start, "to_ns": what.end, "bytes": what.bytes}
            entry = self._entry("history.delete", "history", old=old, outcome=f"done: {what.reason}")
            await self._store.run(partial(add_entry, entry=entry))
            self._removed.pop(0)

    def _tell(self, problem: str) -> None:
        """Once when it begins and once when it ends."""
        if bool(problem) is not bool(self._told):
            if problem:
                _log.error("the audit cannot be kept; commands are refused", reason=problem)
            else:
                _log.info("the audit is kept again")
        self._told = problem

    def _apply_entry(self, actor: Actor, target: str, **more: Any) -> AuditEntry:
        return AuditEntry(
            t=self._clock.wall_ns(),
            actor=actor.name,
            origin=actor.origin,
            action="configuration.apply",
            target=target,
            **more,
        )

    def _entry(self, action: str, target: str, **more: Any) -> AuditEntry:
        return AuditEntry(
            t=self._clock.wall_ns(), actor="sereno", origin=at_console(), action=action, target=target, **more
        )


def digests(plant: Plant) -> dict[str, str]:
    """SHA-256 of every file that the plant is made of, by its path as seen from the plant file."""
    return {_name(path, plant.path.parent): hashlib.sha256(path.read_bytes()).hexdigest() for path in plant.files}


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)


def _differences(old: dict[str, str], new: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    changed = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
    return {n: old[n] for n in sorted(changed & old.keys())}, {n: new[n] for n in sorted(changed & new.keys())}

"""Overrides: who may substitute a value or take a device out, for how long, and what is known meanwhile."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Collection
from dataclasses import replace
from typing import Any, Protocol

import structlog

from sereno.access.actor import Actor, Right
from sereno.client import DevicePort, DeviceStatus, Substitution
from sereno.model import Clock, DeniedError, NotFoundError, Override, OverrideKind, RefusedError, SerenoError, TagSpec

from .hub import Hub
from .paths import near_spellings
from .substitutes import substitute_of
from .table import NO_GROUP, not_found

LONGEST = 31 * 86400.0
"""Seconds that an override may last; what is meant for longer belongs in the plant file."""
MAX_REASON = 500
INTERVAL = 0.5
_NODE = "sereno"
_RIGHTS = {OverrideKind.SUBSTITUTION: Right.SUBSTITUTE, OverrideKind.MAINTENANCE: Right.CONFIGURE}
log = structlog.get_logger(__name__)


class OverrideJournal(Protocol):
    """Where overrides are kept over a restart, with begin, end and refusal on record; durable on return."""

    async def load(self) -> list[Override]:
        """All that have not ended."""

    async def begin(self, override: Override, origin: str, old: Any) -> None:
        """Keep it in place of an earlier one of its kind and path; `old` is the tag's own value."""

    async def end(self, override: Override, by: str, origin: str, why: str) -> None:
        """Keep it no longer."""

    async def refused(self, kind: OverrideKind, path: str, by: str, origin: str, why: str) -> None:
        """Put a refusal on record."""


class Overrides:
    """Implements OverridePort over a hub. `load` once all devices are registered, then `run` until the end.

    What ends by its time, or whose tag or device is gone after a restart, is ended in the name of `sereno`.
    """

    def __init__(self, hub: Hub, clock: Clock, journal: OverrideJournal, devices: Collection[str]) -> None:
        self._hub = hub
        self._clock = clock
        self._journal = journal
        self._devices = devices
        self._substituted: dict[str, Override] = {}
        self._any = asyncio.Event()

    async def load(self) -> None:
        """Take up what was in force when the node stopped. Raises SerenoError if it cannot be read."""
        for override in await self._journal.load():
            why = self._over(override) or self._taken_up(override)
            if why:
                log.warning("override ended", kind=override.kind, path=override.path, why=why)
                await self._journal.end(override, _NODE, "", why)

    async def run(self) -> None:
        """End what has lasted its time, to half a second, until cancelled."""
        while True:
            if not self._substituted and not self._hub.out:
                self._any.clear()
                await self._any.wait()
            await self._clock.sleep(INTERVAL)
            for override in [*self._substituted.values(), *self._hub.out.values()]:
                why = self._over(override)
                if why and self._in_force(override):
                    await self._expire(override, why)

    async def follow(self) -> None:
        """To be called after tags and devices came or went: what is in force on those that are gone ends."""
        self._hub.drop_substitutes()
        gone = [(o, "the tag is gone") for p, o in self._substituted.items() if not self._hub.substituted(p)]
        gone += [(o, "the device is gone") for path, o in self._hub.out.items() if path not in self._devices]
        for override, why in gone:
            if self._in_force(override):
                await self._expire(override, why)

    async def substitute(self, tag: str, value: Any, actor: Actor, *, reason: str, seconds: float) -> Override:
        """See OverridePort."""
        spec, handle = self._readable_tag(tag, actor)
        override = self._made(OverrideKind.SUBSTITUTION, tag, actor, reason, seconds)
        try:
            self._check(override, actor, seconds)
            if self._hub.table.group[handle] == NO_GROUP:
                raise RefusedError(f"{tag} is written only, it has no value to substitute")
            held = substitute_of(spec, value, override.since)
        except (DeniedError, RefusedError) as error:
            await self._refuse(override, actor, error)
            raise
        own = self._hub.own(handle) if tag in self._substituted else self._hub.readings.one(handle)
        override = replace(override, value=self._hub.readings.made(handle, held).value)
        await self._journal.begin(override, actor.origin, own.value)
        self._substituted[tag] = override
        self._any.set()
        self._hub.substitute(handle, held)
        return override

    async def end_substitution(self, tag: str, actor: Actor) -> Override:
        """See OverridePort."""
        self._readable_tag(tag, actor)
        return await self._end_by_hand(OverrideKind.SUBSTITUTION, tag, actor, self._substituted.get(tag))

    async def substitutions(self, actor: Actor) -> list[Substitution]:
        """See OverridePort."""
        known = [o for path, o in sorted(self._substituted.items()) if actor.may(Right.READ, path)]
        return [Substitution(o, self._hub.own(self._hub.table.handle(o.path))) for o in known]

    async def tag_out(self, device: str, actor: Actor, *, reason: str, seconds: float = 0.0) -> Override:
        """See OverridePort."""
        self._readable_device(device, actor)
        override = self._made(OverrideKind.MAINTENANCE, device, actor, reason, seconds)
        try:
            self._check(override, actor, seconds)
        except (DeniedError, RefusedError) as error:
            await self._refuse(override, actor, error)
            raise
        await self._journal.begin(override, actor.origin, None)
        self._hub.out[device] = override
        self._any.set()
        return override

    async def tag_in(self, device: str, actor: Actor) -> Override:
        """See OverridePort."""
        self._readable_device(device, actor)
        return await self._end_by_hand(OverrideKind.MAINTENANCE, device, actor, self._hub.out.get(device))

    async def tagged_out(self, actor: Actor) -> list[Override]:
        """See OverridePort."""
        return [o for path, o in sorted(self._hub.out.items()) if actor.may(Right.READ, path)]

    def _made(self, kind: OverrideKind, path: str, actor: Actor, reason: str, seconds: float) -> Override:
        now = self._clock.wall_ns()
        usable = math.isfinite(seconds) and 0 < seconds <= LONGEST
        expires = now + int(seconds * 1e9) if usable else 0
        return Override(kind=kind, path=path, reason=reason.strip(), actor=actor.name, since=now, expires=expires)

    def _check(self, override: Override, actor: Actor, seconds: float) -> None:
        """Right, reason, duration, in this order."""
        right = _RIGHTS[override.kind]
        if not actor.may(right, override.path):
            raise DeniedError(f"{actor.name} has no right to {right} {override.path}")
        if not override.reason or len(override.reason) > MAX_REASON:
            raise RefusedError(f"a reason of {len(override.reason)} characters; say why, in 1 to {MAX_REASON}")
        endless = seconds == 0 and override.kind is OverrideKind.MAINTENANCE
        if not override.expires and not endless:
            raise RefusedError(
                f"a duration of {seconds:g} s, expected more than 0 and at most {LONGEST / 86400:g} days"
            )

    async def _refuse(self, override: Override, actor: Actor, error: SerenoError) -> None:
        try:
            await self._journal.refused(override.kind, override.path, actor.name, actor.origin, str(error))
        except (OSError, SerenoError):
            log.exception("refusal not recorded", path=override.path, actor=actor.name)

    async def _end_by_hand(self, kind: OverrideKind, path: str, actor: Actor, known: Override | None) -> Override:
        right = _RIGHTS[kind]
        if not actor.may(right, path):
            raise DeniedError(f"{actor.name} has no right to {right} {path}")
        if known is None:
            raise NotFoundError(f"there is no {kind} of {path!r}")
        self._undo(known)
        await self._journal.end(known, actor.name, actor.origin, "by hand")
        return known

    async def _expire(self, override: Override, why: str) -> None:
        """It ends in the plant whether or not the disk takes it; one kept too long is ended at the next start."""
        self._undo(override)
        try:
            await self._journal.end(override, _NODE, "", why)
        except (OSError, SerenoError):
            log.exception("end of an override not recorded", kind=override.kind, path=override.path)

    def _undo(self, override: Override) -> None:
        if override.kind is OverrideKind.MAINTENANCE:
            del self._hub.out[override.path]
            return
        del self._substituted[override.path]
        if self._hub.substituted(override.path):
            self._hub.release(self._hub.table.handle(override.path))

    def _in_force(self, override: Override) -> bool:
        known = self._hub.out if override.kind is OverrideKind.MAINTENANCE else self._substituted
        return known.get(override.path) is override

    def _over(self, override: Override) -> str:
        return "its time is over" if 0 < override.expires <= self._clock.wall_ns() else ""

    def _taken_up(self, override: Override) -> str:
        """Put in force again what was kept; why not, if it cannot be."""
        if override.kind is OverrideKind.MAINTENANCE:
            if override.path not in self._devices:
                return "the device is gone"
            self._hub.out[override.path] = override
            return ""
        handle = self._hub.table.paths.get(override.path)
        if handle is None or self._hub.table.group[handle] == NO_GROUP:
            return "the tag is gone"
        try:
            value = substitute_of(self._hub.spec(handle), override.value, override.since)
        except RefusedError as error:
            return f"the tag has changed: {error}"
        self._substituted[override.path] = override
        self._hub.substitute(handle, value)
        return ""

    def _readable_tag(self, path: str, actor: Actor) -> tuple[TagSpec, int]:
        handle = self._hub.table.paths.get(path)
        if handle is None or not actor.may(Right.READ, path):
            raise not_found("tag", path, self._hub.nearest(path, actor))
        return self._hub.spec(handle), handle

    def _readable_device(self, path: str, actor: Actor) -> None:
        if path not in self._devices or not actor.may(Right.READ, path):
            visible = [device for device in self._devices if actor.may(Right.READ, device)]
            raise not_found("device", path, near_spellings(path, visible))


class MaintainedDevices:
    """A DevicePort whose devices carry their maintenance."""

    def __init__(self, devices: DevicePort, hub: Hub) -> None:
        self._devices = devices
        self._hub = hub
        self.trace = devices.trace

    async def devices(self, actor: Actor) -> list[DeviceStatus]:
        """See DevicePort."""
        found = await self._devices.devices(actor)
        return [replace(status, maintenance=self._hub.out_of_service(status.path)) for status in found]

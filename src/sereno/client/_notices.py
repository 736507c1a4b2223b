"""Notices as a port: who would be told, who was told and what became of it, rosters, and links to acknowledge by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from sereno.access.actor import Actor
from sereno.model import DeniedError, NotFoundError

from ._json import iso_time
from ._times import parse_time


@dataclass(frozen=True, slots=True, kw_only=True)
class SentNotice:
    """A notice to one recipient. `state` waiting, sent or failed; times ns UTC, 0 = not yet.

    `acknowledged` by the link in it.
    """

    id: int
    notice: int
    t: int
    pipeline: str
    kind: str
    step: int
    subject: str
    alarms: tuple[str, ...]
    person: str
    way: str
    state: str
    attempts: int
    done: int
    outcome: str
    acknowledged: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyTime:
    """Who is on duty by a roster from `start` to `end`, ns UTC."""

    roster: str
    start: int
    end: int
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterSwap:
    """From `start` to `end` (ns UTC) `takes` is on duty in place of `leaves`; one of them may be ""."""

    roster: str
    start: int
    end: int
    leaves: str = ""
    takes: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedNotice:
    """What a link leads to: whom it was sent to, its alarms with state and response. `used`: it has done its work."""

    person: str
    subject: str
    t: int
    alarms: tuple[tuple[str, str, str], ...]
    used: bool


class NoticePort(Protocol):
    """Notices. All raise NotFoundError, DeniedError, RefusedError; alarms that the actor may not read are left out."""

    async def overview(self, actor: Actor) -> dict[str, Any]:
        """Pipelines, ways, who is on duty, heartbeats: as JSON has them."""

    async def sent(self, actor: Actor, *, limit: int = 100, before: int | None = None) -> list[SentNotice]:
        """The newest first."""

    async def duty(self, actor: Actor, start: int, end: int) -> list[DutyTime]:
        """By every roster over [start, end) ns UTC."""

    async def test(self, way: str, person: str, actor: Actor) -> str:
        """Send a trial now; needs the right `configure`. What became of it; raises OperationError if it did not go."""

    async def tell(self, way: str, person: str, text: str, actor: Actor) -> str:
        """Send a message now; needs the right `call` on notices/WAY, as jobs have it. What became of it; as `test`."""

    async def swap(self, swap: RosterSwap, actor: Actor) -> int:
        """Change a roster for a time; needs the right `acknowledge`. Returns the number of the change."""

    async def linked(self, token: str) -> LinkedNotice:
        """What a link leads to. Raises DeniedError for one that is not ours or too old."""

    async def acknowledge_linked(self, token: str, note: str, origin: str) -> LinkedNotice:
        """Acknowledge as the person the link was sent to, once."""


class NoNotices:
    """A NoticePort of a plant that tells nobody."""

    async def overview(self, actor: Actor) -> dict[str, Any]:
        """Nothing."""
        del actor
        return {"pipelines": [], "ways": [], "duty": [], "heartbeats": [], "changes": []}

    async def sent(self, actor: Actor, *, limit: int = 100, before: int | None = None) -> list[SentNotice]:
        """None."""
        del actor, limit, before
        return []

    async def duty(self, actor: Actor, start: int, end: int) -> list[DutyTime]:
        """None."""
        del actor, start, end
        return []

    async def test(self, way: str, person: str, actor: Actor) -> str:
        """Raises NotFoundError."""
        del person, actor
        raise NotFoundError(f"no way {way!r}: this plant declares no notices")

    async def tell(self, way: str, person: str, text: str, actor: Actor) -> str:
        """Raises NotFoundError."""
        del text
        return await self.test(way, person, actor)

    async def swap(self, swap: RosterSwap, actor: Actor) -> int:
        """Raises NotFoundError."""
        del actor
        raise NotFoundError(f"no roster {swap.roster!r}: this plant declares no notices")

    async def linked(self, token: str) -> LinkedNotice:
        """Raises DeniedError."""
        del token
        raise DeniedError("this plant sends no links")

    async def acknowledge_linked(self, token: str, note: str, origin: str) -> LinkedNotice:
        """Raises DeniedError."""
        del note, origin
        return await self.linked(token)


_TIMES = ("t", "start", "end", "done", "acknowledged")


def sent_notice_json(sent: SentNotice) -> dict[str, Any]:
    """A notice that was sent, or is to be."""
    return _json(asdict(sent))


def parse_sent_notice(data: Mapping[str, Any]) -> SentNotice:
    """The other way."""
    return SentNotice(**{**_parsed(data), "alarms": tuple(data["alarms"])})


def duty_json(duty: DutyTime) -> dict[str, Any]:
    """A time on duty."""
    return _json(asdict(duty))


def parse_duty(data: Mapping[str, Any]) -> DutyTime:
    """The other way."""
    return DutyTime(**{**_parsed(data), "people": tuple(data["people"])})


def _json(data: dict[str, Any]) -> dict[str, Any]:
    return {name: iso_time(value) if name in _TIMES else value for name, value in data.items()}


def _parsed(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: parse_time(value) if value else 0 for name, value in data.items() if name in _TIMES} | {
        name: value for name, value in data.items() if name not in _TIMES
    }

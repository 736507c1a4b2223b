"""Alarms as a port: what they are, how they stand, what people do with them, and what was."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any, Protocol

from sereno.access.actor import Actor
from sereno.model import NotFoundError, RefusedError, reason, severity
from sereno.wire.jsonvalue import json_value

from ._json import iso_time
from ._times import parse_time

PRIORITIES = (1, 2, 3, 4)
"""From the most to the least urgent."""


class AlarmKind(StrEnum):
    """What an alarm watches."""

    LOLO = "lolo"
    LO = "lo"
    HI = "hi"
    HIHI = "hihi"
    DEVIATION = "deviation"
    RATE = "rate"
    STATE = "state"
    BAD = "bad"
    STALE = "stale"
    EXPRESSION = "expression"


class AlarmState(StrEnum):
    """How an alarm stands, after ISA-18.2."""

    NORMAL = "normal"
    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    RETURNED = "returned"
    LATCHED = "latched"
    LATCHED_ACKNOWLEDGED = "latched_acknowledged"
    SHELVED = "shelved"
    SUPPRESSED = "suppressed"
    OUT_OF_SERVICE = "out_of_service"

    @property
    def needs_acknowledging(self) -> bool:
        """Nobody has said yet that it has been seen."""
        return self in (AlarmState.UNACKNOWLEDGED, AlarmState.RETURNED, AlarmState.LATCHED)

    @property
    def hidden(self) -> bool:
        """Not announced, for a reason."""
        return self in (AlarmState.SHELVED, AlarmState.SUPPRESSED, AlarmState.OUT_OF_SERVICE)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmSpec:
    """A declared alarm. `id` names it, `source` is the path that rights are decided on (a tag, or the id).

    `inputs`: the tags that it watches; `condition` in words or as an expression. Delays and window in seconds.
    `draft`: not rationalised yet; only then may priority (0) and response be missing.
    """

    id: str
    source: str
    kind: AlarmKind
    inputs: tuple[str, ...]
    priority: int = 0
    response: str = ""
    cause: str = ""
    consequence: str = ""
    alarm_class: str = ""
    condition: str = ""
    unit: str = ""
    limit: float | None = None
    deadband: float = 0.0
    over: float = 0.0
    on_delay: float = 0.0
    off_delay: float = 0.0
    count: int = 1
    window: float = 0.0
    latch: bool = False
    suppress_when: str = ""
    draft: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmStatus:
    """An alarm as it stands. Times ns UTC, 0 = never. `active`: the condition is there, hidden or not.

    `since` when this state began, `raised` when the condition last came; value and quality are of the last change.
    `actor` and `note` of the last act of a person.
    """

    spec: AlarmSpec
    state: AlarmState
    active: bool
    since: int = 0
    raised: int = 0
    value: float | None = None
    quality: int = 0
    shelved_until: int = 0
    actor: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmEvent:
    """One row of the journal: an event that led an alarm to `state`. `t` by the node's clock, ns UTC."""

    seq: int
    t: int
    alarm: str
    event: str
    state: AlarmState
    priority: int
    value: float | None
    quality: int
    t_source: int
    actor: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class AlarmQuery:
    """Which rows of the journal: a glob of alarms, events by name, [start, end) ns UTC; newest first."""

    alarm: str = ""
    events: tuple[str, ...] = ()
    start: int | None = None
    end: int | None = None
    before: int | None = None
    limit: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmFigures:
    """Figures of ISA-18.2 over [start, end) ns UTC. An alarm counts when it becomes unacknowledged.

    `per_10_min` is the mean per operator; `worst_10_min`, `over_10_share` of the ten-minute periods from `start` on.
    `top` (alarm, count, share); `chattering` (alarm, count): three times within a minute; `stale` (alarm, seconds): was
    there for more than a day; `priorities` counts by priority; times until acknowledgement in s, None without any.
    """

    start: int
    end: int
    operators: int
    annunciated: int
    per_10_min: float
    worst_10_min: int
    over_10_share: float
    floods: int
    flood_share: float
    top: tuple[tuple[str, int, float], ...]
    chattering: tuple[tuple[str, int], ...]
    stale: tuple[tuple[str, float], ...]
    priorities: dict[str, int]
    acknowledged_median: float | None
    acknowledged_p95: float | None


class AlarmPort(Protocol):
    """Alarms. Acts name alarms by id, are durable on return, and raise NotFoundError, DeniedError, RefusedError."""

    async def alarms(self, actor: Actor) -> list[AlarmStatus]:
        """All that the actor may read, by id."""

    async def acknowledge(self, ids: Sequence[str], actor: Actor, *, note: str = "") -> list[AlarmStatus]:
        """They have been seen. Those that need no acknowledging are left as they are."""

    async def reset(self, ids: Sequence[str], actor: Actor, *, note: str = "") -> list[AlarmStatus]:
        """Latched alarms that are acknowledged and whose condition has gone become normal."""

    async def shelve(self, ids: Sequence[str], actor: Actor, *, reason: str, seconds: float) -> list[AlarmStatus]:
        """Not shown for a limited time."""

    async def unshelve(self, ids: Sequence[str], actor: Actor, *, note: str = "") -> list[AlarmStatus]:
        """Shown again before the time is over."""

    async def take_out(self, ids: Sequence[str], actor: Actor, *, reason: str) -> list[AlarmStatus]:
        """Out of service until put back."""

    async def put_back(self, ids: Sequence[str], actor: Actor, *, note: str = "") -> list[AlarmStatus]:
        """In service again."""

    async def journal(self, query: AlarmQuery, actor: Actor) -> list[AlarmEvent]:
        """Rows of the alarms that the actor may read."""

    async def figures(self, start: int, end: int, actor: Actor, *, operators: int = 1) -> AlarmFigures:
        """Over the alarms that the actor may read. Raises RefusedError for an empty time."""

    def watch(self, actor: Actor) -> AsyncIterator[list[AlarmStatus]]:
        """First all, then what changed; a slow reader gets the latest of each alarm.

        Ends when other alarms are declared: begin anew.
        """


class NoAlarms:
    """An AlarmPort of a plant that declares none."""

    async def alarms(self, actor: Actor) -> list[AlarmStatus]:
        """None."""
        del actor
        return []

    async def acknowledge(self, ids: Sequence[str], actor: Actor, *, note: str = "") -> list[AlarmStatus]:
        """Raises NotFoundError."""
        raise _none(ids, actor, note)

    async def reset(self, ids: Sequence[str], actor: Actor, *, note: str = "") -> list[AlarmStatus]:
        """Raises NotFoundError."""
        raise _none(ids, actor, note)

    async def shelve(self, ids: Sequence[str], actor: Actor, *, reason: str, seconds: float) -> list[AlarmStatus]:
        """Raises NotFoundError."""
        raise _none(ids, actor, f"{reason} {seconds}")

    async def unshelve(self, ids: Sequence[str], actor: Actor, *, note: str = "") -> list[AlarmStatus]:
        """Raises NotFoundError."""
        raise _none(ids, actor, note)

    async def take_out(self, ids: Sequence[str], actor: Actor, *, reason: str) -> list[AlarmStatus]:
        """Raises NotFoundError."""
        raise _none(ids, actor, reason)

    async def put_back(self, ids: Sequence[str], actor: Actor, *, note: str = "") -> list[AlarmStatus]:
        """Raises NotFoundError."""
        raise _none(ids, actor, note)

    async def journal(self, query: AlarmQuery, actor: Actor) -> list[AlarmEvent]:
        """None."""
        del query, actor
        return []

    async def figures(self, start: int, end: int, actor: Actor, *, operators: int = 1) -> AlarmFigures:
        """Raises RefusedError."""
        del start, end, actor, operators
        raise RefusedError("this plant declares no alarms")

    async def watch(self, actor: Actor) -> AsyncIterator[list[AlarmStatus]]:
        """None, once, and nothing after that."""
        del actor
        yield []
        await asyncio.Event().wait()


def _none(ids: Sequence[str], actor: Actor, said: str) -> NotFoundError:
    del actor, said
    return NotFoundError(f"no alarm {ids[0] if ids else ''!r}: this plant declares none")


def alarm_spec_json(spec: AlarmSpec) -> dict[str, Any]:
    """A declaration; `class` under its plain name."""
    data = asdict(spec)
    data["class"] = data.pop("alarm_class")
    return {**data, "inputs": list(spec.inputs), "kind": str(spec.kind)}


def alarm_json(status: AlarmStatus) -> dict[str, Any]:
    """An alarm with its declaration."""
    return {**alarm_spec_json(status.spec), **alarm_state_json(status)}


def alarm_state_json(status: AlarmStatus) -> dict[str, Any]:
    """What changes about an alarm."""
    return {
        "id": status.spec.id,
        "priority": status.spec.priority,
        "state": str(status.state),
        "active": status.active,
        "since": iso_time(status.since),
        "raised": iso_time(status.raised),
        "value": json_value(status.value),
        "quality": severity(status.quality),
        "reason": reason(status.quality),
        "code": status.quality,
        "shelved_until": iso_time(status.shelved_until),
        "actor": status.actor,
        "note": status.note,
    }


def alarm_event_json(event: AlarmEvent) -> dict[str, Any]:
    """A row of the journal."""
    return {
        **asdict(event),
        "state": str(event.state),
        "t": iso_time(event.t),
        "t_source": iso_time(event.t_source),
        "value": json_value(event.value),
        "quality": severity(event.quality),
        "code": event.quality,
    }


def alarm_figures_json(figures: AlarmFigures) -> dict[str, Any]:
    """Figures with their lists as tables."""
    return {
        **asdict(figures),
        "start": iso_time(figures.start),
        "end": iso_time(figures.end),
        "top": [{"alarm": name, "count": count, "share": share} for name, count, share in figures.top],
        "chattering": [{"alarm": name, "count": count} for name, count in figures.chattering],
        "stale": [{"alarm": name, "seconds": seconds} for name, seconds in figures.stale],
    }


def parse_alarm_figures(data: Mapping[str, Any]) -> AlarmFigures:
    """The other way."""
    known = {f.name: data[f.name] for f in fields(AlarmFigures) if f.name in data}
    lists = {name: tuple(tuple(one.values()) for one in data[name]) for name in ("top", "chattering", "stale")}
    return AlarmFigures(**{**known, **lists, "start": _time(data["start"]), "end": _time(data["end"])})


def parse_alarm(data: Mapping[str, Any]) -> AlarmStatus:
    """The other way of `alarm_json`."""
    known = {f.name: data[f.name] for f in fields(AlarmSpec) if f.name in data}
    spec = AlarmSpec(**{**known, "inputs": tuple(data["inputs"]), "kind": AlarmKind(data["kind"])})
    return AlarmStatus(
        spec=replace(spec, alarm_class=data.get("class", "")),
        state=AlarmState(data["state"]),
        active=data["active"],
        since=_time(data["since"]),
        raised=_time(data["raised"]),
        value=data["value"],
        quality=data["code"],
        shelved_until=_time(data["shelved_until"]),
        actor=data["actor"],
        note=data["note"],
    )


def parse_alarm_event(data: Mapping[str, Any]) -> AlarmEvent:
    """The other way of `alarm_event_json`."""
    known = {f.name: data[f.name] for f in fields(AlarmEvent) if f.name in data}
    times = {"t": _time(data["t"]), "t_source": _time(data["t_source"])}
    return AlarmEvent(**{**known, **times, "state": AlarmState(data["state"]), "quality": data["code"]})


def _time(text: str | None) -> int:
    return parse_time(text) if text else 0

"""[notices] to a plan: every fault of it is found here, with its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sereno.alarms.notify.heartbeat import HeartbeatSpec
from sereno.alarms.notify.pipeline import PipelineSpec, StepSpec
from sereno.alarms.notify.plan import DeclaredWay, NoticePlan
from sereno.alarms.notify.roster import Roster, Shift
from sereno.app.registry import load_notifier, notifier_entries
from sereno.model import Fault, OperationError, Subject

from .causes import ANY, of
from .faults import known_and_valid, nearest, unknown_keys, validate
from .located import Located
from .notice_schema import HeartbeatTable, NoticesTable, PipelineTable, RosterTable

Where = Callable[..., str]
_EVERYBODY = (Subject("way", ANY), Subject("person", ANY))


def notice_plan(main: Located, plant: str, timezone: str, faults: list[Fault], home: Path) -> NoticePlan:
    """The plan of a plant; one without ways where the file has no [notices]. `home` holds its secrets."""
    data: Any = main.data.get("notices")
    if data is None:
        return NoticePlan(plant=plant, timezone=timezone)

    def where(*key: str | int) -> str:
        return str(main.where("notices", *key))

    if not isinstance(data, dict):
        faults.append(Fault(where(), "'notices' is not a table", "[notices]"))
        return NoticePlan()
    wrong: list[Fault] = []
    table = known_and_valid(NoticesTable, data, where, "[notices]", wrong)
    faults += wrong if table is not None else of(Subject("section", "notices"), wrong, loses=_EVERYBODY)
    return NoticePlan() if table is None else _Loader(table, home, where, faults).plan(plant, timezone)


class _Loader:
    """Checks the parts against each other."""

    def __init__(self, table: NoticesTable, home: Path, where: Where, faults: list[Fault]) -> None:
        self._table = table
        self._folder = home
        self._where = where
        self._faults = faults

    def plan(self, plant: str, timezone: str) -> NoticePlan:
        table = self._table
        ways = {name: way for name, data in table.way.items() if (way := self._known_way(name, data)) is not None}
        self._people(ways)
        rosters = {name: self._roster(name, roster, timezone) for name, roster in table.roster.items()}
        for kind, named in (("pipeline", table.pipeline), ("heartbeat", table.heartbeat)):
            for name, count in Counter(one.name for one in named).items():
                if count > 1:
                    self._fault(kind, text=f"two {kind}s are called {name!r}")
        return NoticePlan(
            plant=plant,
            timezone=timezone,
            language=table.language,
            url=table.url.rstrip("/"),
            keep=table.keep / 86400.0,
            people=table.person,
            rosters=rosters,
            ways=ways,
            pipelines=tuple(self._pipeline(at, one, timezone, ways) for at, one in enumerate(table.pipeline)),
            heartbeats=tuple(self._heartbeat(at, one, timezone, ways) for at, one in enumerate(table.heartbeat)),
        )

    def _known_way(self, name: str, data: Mapping[str, Any]) -> DeclaredWay | None:
        before = len(self._faults)
        way = self._way(name, data)
        if way is None:
            lost = Subject("way", name)
            self._faults[before:] = of(lost, self._faults[before:], loses=[lost])
        return way

    def _way(self, name: str, data: Mapping[str, Any]) -> DeclaredWay | None:
        kind, entries = str(data.get("kind", "")), notifier_entries()
        if kind not in entries:
            found = f"unknown kind {kind!r} of way {name!r}" if kind else f"way {name!r} has no 'kind'"
            self._fault("way", name, *(["kind"] if kind else []), text=found, fix=nearest(kind, entries))
            return None
        try:
            notifier = load_notifier(entries[kind])
        except (ImportError, TypeError) as error:
            self._fault("way", name, text=f"the kind {kind!r} cannot be loaded: {error}")
            return None
        rest = {key: value for key, value in data.items() if key != "kind"}
        where = lambda *key: self._where("way", name, *key)  # noqa: E731
        self._faults.extend(unknown_keys(rest, notifier.Config.model_fields, where, f"way {name!r}"))
        known = {key: value for key, value in rest.items() if key in notifier.Config.model_fields}
        config = validate(notifier.Config, known, where, f"way {name!r}", self._faults)
        if config is None:
            return None
        try:
            return DeclaredWay(name=name, kind=kind, way=notifier(config, self._folder), config=config)
        except OperationError as error:
            self._fault("way", name, text=f"way {name!r}: {error}")
            return None

    def _people(self, ways: Mapping[str, DeclaredWay]) -> None:
        for person, addresses in self._table.person.items():
            for way in addresses:
                if way not in self._table.way:
                    self._unknown("way", way, ways, "person", person, way)
            if person in self._table.roster:
                self._fault("person", person, text=f"{person!r} is a person and a roster")

    def _roster(self, name: str, table: RosterTable, timezone: str) -> Roster:
        zone = table.timezone or timezone
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self._fault("roster", name, "timezone", text=f"unknown time zone {zone!r} of roster {name!r}")
        for at, shift in enumerate(table.shift):
            for person in shift.people:
                if person not in self._table.person:
                    self._unknown("person", person, self._table.person, "roster", name, "shift", at)
        shifts = tuple(Shift(weekdays=one.days, **{key: getattr(one, key) for key in _SHIFT}) for one in table.shift)
        return Roster(name=name, timezone=zone, shifts=shifts, holidays=frozenset(table.holidays))

    def _pipeline(self, at: int, table: PipelineTable, zone: str, ways: Mapping[str, DeclaredWay]) -> PipelineSpec:
        for number, step in enumerate(table.step):
            place = ("pipeline", at, "step", number)
            for way in step.by:
                if way not in self._table.way:
                    self._unknown("way", way, ways, *place)
            for name in step.to:
                if name not in self._table.person and name not in self._table.roster:
                    self._unknown("person or roster", name, [*self._table.person, *self._table.roster], *place)
            self._check_reached(step.to, [ways[way] for way in step.by if way in ways], place, table.name)
        return PipelineSpec(
            name=table.name,
            steps=tuple(StepSpec(by=one.by, to=one.to, after=one.after) for one in table.step),
            timezone=zone,
            alarms=table.alarms,
            priorities=table.priority,
            digest=tuple(map(_minute, table.digest)),
            **{key: getattr(table, key) for key in ("classes", "until", "group", "storm", "repeat", "tell_end")},
        )

    def _check_reached(
        self, names: Iterable[str], ways: Iterable[DeclaredWay], place: tuple[str | int, ...], pipeline: str
    ) -> None:
        """Somebody of those who are named must have an address for a way that needs one."""
        people = {person for name in names for person in self._members(name)}
        for way in ways:
            if way.way.addressed and not any(way.name in self._table.person.get(person, {}) for person in people):
                found = f"nobody of a step of pipeline {pipeline!r} has an address for {way.name!r}"
                self._fault(*place, text=found, fix=f'[notices.person.NAME] {way.name} = "..."')

    def _members(self, name: str) -> Iterable[str]:
        roster = self._table.roster.get(name)
        return [name] if roster is None else [person for shift in roster.shift for person in shift.people]

    def _heartbeat(self, at: int, table: HeartbeatTable, zone: str, ways: Mapping[str, DeclaredWay]) -> HeartbeatSpec:
        place = ("heartbeat", at)
        if table.way not in self._table.way:
            self._unknown("way", table.way, ways, *place, "way")
        elif table.to and table.way not in self._table.person.get(table.to, {}):
            self._fault(*place, "to", text=f"{table.to!r} has no address for {table.way!r}")
        elif table.way in ways and ways[table.way].way.addressed and not table.to:
            self._fault(*place, text=f"heartbeat {table.name!r} by {table.way!r} goes to nobody", fix='to = "PERSON"')
        at_minutes = tuple(map(_minute, table.at))
        return HeartbeatSpec(
            name=table.name, way=table.way, person=table.to, every=table.every, at=at_minutes, timezone=zone
        )

    def _unknown(self, what: str, name: str, known: Iterable[str], *place: str | int) -> None:
        self._fault(*place, text=f"unknown {what} {name!r}", fix=nearest(name, known))

    def _fault(self, *place: str | int, text: str, fix: str = "") -> None:
        self._faults.append(Fault(self._where(*place), f"{text} in [notices]", fix=fix))


_SHIFT = ("people", "start", "end", "turn", "since", "first", "last")


def _minute(clock: time) -> int:
    return clock.hour * 60 + clock.minute

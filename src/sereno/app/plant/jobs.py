"""[[job]] tables to rules: every fault of a job is found here, with its place."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from sereno.agents.jobs.calendar import Calendar, CalendarError, parse_calendar
from sereno.agents.jobs.machine import Schedule
from sereno.agents.jobs.rule import (
    FOLDER,
    Call,
    Check,
    ColumnRule,
    Connections,
    Disconnect,
    JobRule,
    Notify,
    Read,
    Step,
    Wait,
    WriteBack,
)
from sereno.agents.jobs.steps import PLACE
from sereno.alarms.notify.plan import NoticePlan
from sereno.model import Fault, Subject, TagSpec

from .conditions import read_expression, spec_of
from .expand import Raw
from .faults import nearest, unknown_keys, validate
from .job_schema import (
    STEPS,
    CallTable,
    CheckTable,
    ConnectionsTable,
    DisconnectTable,
    JobTable,
    NotifyTable,
    ReadTable,
    StepTable,
    WaitTable,
    WriteBackTable,
)


def job_rules(
    raws: Sequence[Raw],
    tags: Mapping[str, TagSpec],
    devices: Mapping[str, Collection[str]],
    notices: NoticePlan,
    faults: list[Fault],
) -> tuple[JobRule, ...]:
    """The rules of a plant with these tags, and devices with those of their commands that wait for people.

    What is wrong with them is added to `faults`.
    """
    made: dict[str, JobRule] = {}
    for raw in raws:
        label = f"job {raw.data.get('name', '?')!r}"
        table = _table(raw, label, faults)
        if table is None:
            continue
        if table.name in made:
            faults.append(Fault(raw.where("name"), f"duplicate {label}"))
        if f"{FOLDER}/{table.name}" in devices:
            faults.append(Fault(raw.where("name"), f"{label} and a device have the same path {FOLDER}/{table.name}"))
        known = _Known(tags, devices, notices)
        calendar = _calendar(table, notices.timezone, raw, label, faults)
        made[table.name] = _Checks(raw, label, known, faults).rule(table, calendar)
    return tuple(made.values())


def _table(raw: Raw, label: str, faults: list[Fault]) -> JobTable | None:
    """Unknown keys of each step are told with what that kind of step knows."""
    before = len(faults)
    faults.extend(unknown_keys(raw.data, JobTable.model_fields, raw.where, label))
    for at, step in enumerate(raw.data.get("step", ())):
        faults += _step_faults(step, at, raw, label)
    if len(faults) > before:
        return None
    return validate(JobTable, raw.data, raw.where, label, faults)


def _step_faults(step: Any, at: int, raw: Raw, label: str) -> Iterator[Fault]:
    do = step.get("do") if isinstance(step, dict) else None
    what = f"step {at + 1} of {label}"
    if do not in STEPS:
        yield Fault(raw.where("step", at, "do"), f"{what} does {do!r}", f"do = one of {', '.join(STEPS)}")
        return
    known = [field.alias or name for name, field in STEPS[str(do)].model_fields.items()]
    yield from unknown_keys(step, known, lambda *key: raw.where("step", at, *key), f"{what} ({do})")


def _calendar(table: JobTable, zone: str, raw: Raw, label: str, faults: list[Fault]) -> Calendar | None:
    if not table.calendar:
        return None
    try:
        return parse_calendar(table.calendar, zone)
    except CalendarError as error:
        faults.append(Fault(raw.where("calendar"), f"calendar of {label}: {error}"))
        return None


@dataclass(frozen=True, slots=True)
class _Known:
    """What a job may name."""

    tags: Mapping[str, TagSpec]
    devices: Mapping[str, Collection[str]]
    notices: NoticePlan


class _Checks:
    """Looks at one job: that its tags, devices, ways and people are there, and that it may do what it does."""

    def __init__(self, raw: Raw, label: str, known: _Known, faults: list[Fault]) -> None:
        self._raw = raw
        self._label = label
        self._tags, self._devices, self._notices = known.tags, known.devices, known.notices
        self._faults = faults

    def rule(self, table: JobTable, calendar: Calendar | None) -> JobRule:
        """The rule, as well as it can be made."""
        for path in table.on_change:
            self._tag(path, "on_change")
        for at, column in enumerate(table.table):
            self._members(column.members, "table", at, "members")
            if column.total:
                self._tag(column.total, "table", at, "total")
        steps = tuple(self._step(at, step, table) for at, step in enumerate(table.step))
        return JobRule(
            name=table.name,
            steps=steps,
            description=table.description,
            schedule=Schedule(table.every, table.again, calendar),
            when=_when(table),
            on_change=tuple(table.on_change),
            timeout=table.timeout,
            writes=tuple(table.writes),
            calls=tuple(table.calls),
            ways=tuple(dict.fromkeys(step.way for step in steps if isinstance(step, Notify))),
            table=tuple(ColumnRule(one.members, one.total, one.title, one.after) for one in table.table),
            priority=table.alarm.priority if table.alarm else 0,
            response=table.alarm.response if table.alarm else "",
        )

    def _step(self, at: int, step: StepTable, table: JobTable) -> Step:
        both: dict[str, Any] = {"text": step.text, "warn": step.otherwise == "warn"}
        if isinstance(step, ReadTable):
            for path in step.tags:
                self._tag(path, "step", at, "tags")
            return Read(
                tags=tuple(dict.fromkeys(step.tags)), within=step.within, any_quality=step.quality == "any", **both
            )
        if isinstance(step, ConnectionsTable):
            self._tag(step.total, "step", at, "total")
            self._tag(step.count, "step", at, "count")
            return Connections(total=step.total, count=step.count, within=step.within, **both)
        if isinstance(step, CheckTable):
            return Check(that=step.that, inputs=self._inputs(step.that, at, "that"), **both)
        if isinstance(step, WriteBackTable):
            self._written(step, at, table)
            return WriteBack(source=step.source, target=step.target, within=step.within, **both)
        if isinstance(step, CallTable | DisconnectTable):
            return self._call(step, at, table, both)
        if isinstance(step, NotifyTable):
            self._notify(step, at)
            return Notify(way=step.way, person=step.person, message=step.message, **both)
        assert isinstance(step, WaitTable)
        inputs = self._inputs(step.until, at, "until") if step.until else ()
        return Wait(seconds=step.seconds, until=step.until, inputs=inputs, **both)

    def _call(self, step: CallTable | DisconnectTable, at: int, table: JobTable, both: dict[str, Any]) -> Step:
        if step.device not in self._devices:
            near, missed = nearest(step.device, self._devices), Subject("device", step.device)
            self._fault(f"names no device {step.device!r}", near, "step", at, "device", misses=missed)
        elif step.command.casefold() in {one.casefold() for one in self._devices[step.device]}:
            found = f"calls {step.command!r} of {step.device!r}, which waits for people: a job acts alone"
            self._fault(found, "", "step", at, "command")
        self._granted(step.device, table.calls, "calls", at)
        known: dict[str, Any] = {"device": step.device, "command": step.command, "within": step.within}
        if isinstance(step, DisconnectTable):
            return Disconnect(**known, **both)
        return Call(arguments=tuple(step.arguments), **known, **both)

    def _written(self, step: WriteBackTable, at: int, table: JobTable) -> None:
        source, target = self._tag(step.source, "step", at, "from"), self._tag(step.target, "step", at, "to")
        if source is None or target is None:
            return
        if not target.access.writable:
            self._fault(
                f"writes to {target.path!r}, which is read only", "", "step", at, "to", misses=spec_of(target.path)
            )
        if target.setpoint.marked:
            found = f"writes to {target.path!r}, which waits for people (select, approval or sign): a job acts alone"
            self._fault(found, "", "step", at, "to")
        if source.shape != target.shape:
            found = f"writes {source.path!r} to {target.path!r}, which is of another shape"
            self._fault(found, "", "step", at, "to", misses=spec_of(source.path))
        self._granted(step.target, table.writes, "writes", at)

    def _notify(self, step: NotifyTable, at: int) -> None:
        for path in PLACE.findall(step.message):
            self._tag(path, "step", at, "message")
        if step.way not in self._notices.ways:
            near, missed = nearest(step.way, self._notices.ways), Subject("way", step.way)
            self._fault(f"tells by no way {step.way!r}", near, "step", at, "way", misses=missed)
        elif step.person and step.way not in self._notices.people.get(step.person, {}):
            found = f"tells {step.person!r}, who has no address for {step.way!r}"
            missed = Subject("person", step.person)
            self._fault(found, "", "step", at, "person", misses=missed)

    def _granted(self, path: str, globs: Sequence[str], key: str, at: int) -> None:
        if not any(fnmatchcase(path, glob) for glob in globs):
            self._fault(f"has no right to {path!r}", f'Declare it: {key} = ["{path}"]', "step", at)

    def _inputs(self, text: str, at: int, key: str) -> tuple[str, ...]:
        where, what = self._raw.where("step", at, key), f"step {at + 1} of {self._label} cannot be read"
        expression = read_expression(text, where, what, self._tags, self._faults)
        if expression is None:
            return ()
        for spec in expression.tags:
            if not spec.is_row:
                self._fault(
                    f"asks for {spec.path!r}, a text or an array", "", "step", at, key, misses=spec_of(spec.path)
                )
        if expression.needs_age:
            self._fault("asks for age(), and a run only knows what it has read", "", "step", at, key)
        return expression.paths

    def _tag(self, path: str, *key: str | int) -> TagSpec | None:
        spec = self._tags.get(path)
        if spec is None:
            self._fault(f"names no tag {path!r}", nearest(path, self._tags), *key, misses=Subject("tag", path))
        return spec

    def _members(self, path: str, *key: str | int) -> None:
        spec = self._tag(path, *key)
        if spec is not None and (spec.is_row or spec.shape):
            self._fault(f"shows {path!r}, which is no table of members", "", *key, misses=spec_of(path))

    def _fault(self, found: str, fix: str, *key: str | int, misses: Subject | None = None) -> None:
        step = f"step {int(key[1]) + 1} of " if key[0] == "step" and len(key) > 1 else ""
        self._faults.append(Fault(self._raw.where(*key), f"{step}{self._label} {found}", fix=fix, misses=misses))


def _when(table: JobTable) -> str:
    """The schedule in words."""
    words = [
        f"every {_span(table.every)}" if table.every is not None else "",
        f"again {_span(table.again)} after it ends" if table.again is not None else "",
        f"calendar {table.calendar}" if table.calendar else "",
        f"when {', '.join(table.on_change)} changes" if table.on_change else "",
    ]
    return ", ".join(filter(None, words)) or "when asked"


def _span(seconds: float) -> str:
    for name, length in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:g} {name}"
    return f"{seconds:g} s"

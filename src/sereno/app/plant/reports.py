"""[[report]] tables: what they name must be there, and whom they go to must be reached."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from sereno.alarms.notify.plan import NoticePlan
from sereno.app.self_watch import SPECS as SELF_SPECS
from sereno.model import Fault, Subject, TagSpec
from sereno.reports.spec import MOST_TAGS, ReportSpec, Shown, fits

from .causes import ANY
from .expand import Raw
from .faults import nearest, unknown_keys, validate
from .report_schema import ReportPartTable, ReportTable
from .schema import PlantTable


@dataclass(frozen=True, slots=True)
class ReportSources:
    """What reports of a plant may name. Folders are relative to `home`; without history (`recorded`) there are none."""

    plant: PlantTable
    notices: NoticePlan
    tags: Mapping[str, TagSpec]
    home: Path
    recorded: bool = True


def report_specs(raws: Sequence[Raw], sources: ReportSources, faults: list[Fault]) -> tuple[ReportSpec, ...]:
    """The reports of a plant."""
    plant, notices = sources.plant, sources.notices
    tags = {**sources.tags, **{spec.path: spec for spec in SELF_SPECS}}
    made: dict[str, ReportSpec] = {}
    for raw in raws:
        label = f"report {raw.data.get('name', '?')!r}"
        found = unknown_keys(raw.data, ReportTable.model_fields, raw.where, label)
        faults.extend(found)
        known = {key: value for key, value in raw.data.items() if key in ReportTable.model_fields}
        table = validate(ReportTable, known, raw.where, label, faults)
        if table is None:
            continue
        check = _Check(table, raw, label, faults)
        check.recipients(notices)
        check.tags(tags)
        if table.period == "shift" and not (table.shifts or plant.shifts):
            fix = 'shifts = ["06:00", "14:00", "22:00"] here or in [plant]'
            none = f"{label} is of shifts, and there are none"
            faults.append(Fault(raw.where("period"), none, fix=fix, misses=Subject("section", "plant")))
        if not sources.recorded:
            faults.append(Fault(raw.where(), f"{label} of a plant that records nothing", "[history] enabled = true"))
        if table.name in made:
            faults.append(Fault(raw.where("name"), f"duplicate {label}"))
        made[table.name] = _spec(table, plant, notices, sources.home)
    return tuple(made.values())


class _Check:
    """What one report names."""

    def __init__(self, table: ReportTable, raw: Raw, label: str, faults: list[Fault]) -> None:
        self._table = table
        self._raw = raw
        self._label = label
        self._faults = faults

    def recipients(self, notices: NoticePlan) -> None:
        """Ways that carry files, and people who have an address for them."""
        table = self._table
        people = [*notices.people, *notices.rosters]
        for name in table.to:
            if name not in people:
                fix, missed = nearest(name, people) or "[notices.person.NAME]", Subject("person", name)
                self._fault("to", f"unknown person or roster {name!r}", fix, misses=missed)
        for name in table.by:
            declared = notices.ways.get(name)
            if declared is None:
                fix, missed = nearest(name, notices.ways) or "[notices.way.NAME]", Subject("way", name)
                self._fault("by", f"unknown way {name!r}", fix, misses=missed)
            elif not getattr(declared.way, "attachments", False):
                found = f"the way {name!r} is of kind {declared.kind!r}, which carries no files"
                self._fault("by", found, 'a way of kind "smtp"')
            elif not any(name in notices.people.get(person, {}) for person in _members(table.to, notices)):
                missed = Subject("person", ANY)
                fix = f'[notices.person.NAME] {name} = "..."'
                self._fault("to", f"nobody has an address for {name!r}", fix, misses=missed)

    def tags(self, known: Mapping[str, TagSpec]) -> None:
        """Each glob names a tag, and what is shown of it fits one of them."""
        parts = [(("tags",), ("show",), self._table.tags, self._table.show)] if self._table.tags else []
        for at, part in enumerate(self._table.table):
            parts.append((("table", at, "tags"), ("table", at, "show"), part.tags, part.show))  # type: ignore[arg-type]
        count = 0
        for place, show_place, globs, show in parts:
            found = self._named(globs, known, place)
            count += len(found)
            for name in show:
                if found and not any(fits(spec, name) for spec in found):
                    self._fault_at(show_place, f"{name!r} fits no tag of {', '.join(globs)}", "")
        if count > MOST_TAGS:
            self._fault("tags", f"{count} tags", f"at most {MOST_TAGS} in a report")

    def _named(self, globs: Iterable[str], known: Mapping[str, TagSpec], place: tuple[str | int, ...]) -> list[TagSpec]:
        found: dict[str, TagSpec] = {}
        for glob in globs:
            named = {path: spec for path, spec in known.items() if path == glob or fnmatchcase(path, glob)}
            if not named:
                found_none, missed = f"{glob!r} names no tag", Subject("tag", glob)
                self._fault_at(place, found_none, nearest(glob, known), misses=missed)
            found |= named
        return list(found.values())

    def _fault(self, key: str, found: str, fix: str, *, misses: Subject | None = None) -> None:
        self._fault_at((key,), found, fix, misses=misses)

    def _fault_at(self, place: tuple[str | int, ...], found: str, fix: str, *, misses: Subject | None = None) -> None:
        self._faults.append(Fault(self._raw.where(*place), f"{found} in {self._label}", fix=fix, misses=misses))


def _members(names: Iterable[str], notices: NoticePlan) -> Iterable[str]:
    for name in names:
        roster = notices.rosters.get(name)
        yield from [name] if roster is None else (person for shift in roster.shifts for person in shift.people)


def _spec(table: ReportTable, plant: PlantTable, notices: NoticePlan, home: Path) -> ReportSpec:
    own = [ReportPartTable(tags=table.tags, show=table.show, plot=table.plot)] if table.tags else []
    tables = (Shown(tags=t.tags, show=t.show, title=t.title, plot=t.plot) for t in (*own, *table.table))
    same = ("name", "alarms", "logbook", "delay", "formats", "by", "to", "catch_up", "keep", "keep_for")
    return ReportSpec(
        title=table.title or table.name,
        every=table.every,
        calendar=table.calendar(plant.timezone, plant.shifts),
        tables=tuple(tables),
        at=None if table.at is None else table.at.hour * 60 + table.at.minute,
        folder=str((home / table.folder).absolute()) if table.folder else "",
        language=table.language or notices.language,
        plant=plant.name,
        **{key: getattr(table, key) for key in same},
    )

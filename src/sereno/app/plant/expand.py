"""Includes, templates and CSV tag lists: from files to flat declarations that know where they stand."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sereno.model import ConfigurationError, Fault, Subject

from .causes import ANY, named, of
from .faults import Where, known_and_valid, missing_key, nearest, unknown_keys, validate
from .located import Key, Located, load_toml, read_text, without_strays
from .schema import DEVICE_LISTS, TOP_KEYS, PlantTable, TemplateTable, UseTable
from .site import SiteFacts, site_facts
from .templates import substitute

_SECTIONS = tuple(Subject(kind, ANY) for kind in ("way", "person", "setting", "reference", "further reference"))
EVERYTHING = (
    *_SECTIONS,
    *(Subject(kind, ANY) for kind in ("device", "tag", "template", "simulator", "asked")),
)
"""What may be in a file, or below a key, that cannot be read."""


@dataclass(frozen=True, slots=True)
class Raw:
    """One table as written (after substitution), and where its keys stand."""

    data: dict[str, Any]
    where: Where


@dataclass(slots=True)
class RawDevice:
    """A device's own keys, the tags and alarms below it, from the file, its templates and its CSV lists.

    It is not `complete` if some of these could not be read.
    """

    table: Raw
    tags: list[Raw] = field(default_factory=list)
    alarms: list[Raw] = field(default_factory=list)
    lists: list[Path] = field(default_factory=list)
    site: SiteFacts = field(default_factory=SiteFacts)
    complete: bool = True


@dataclass(slots=True)
class Expanded:
    """All files of a plant, flat."""

    main: Located
    files: list[Located]
    devices: list[RawDevice]
    guards: list[Raw] = field(default_factory=list)
    jobs: list[Raw] = field(default_factory=list)
    agents: list[Raw] = field(default_factory=list)
    simulators: list[Raw] = field(default_factory=list)
    alarms: list[Raw] = field(default_factory=list)
    reports: list[Raw] = field(default_factory=list)
    site: SiteFacts = field(default_factory=SiteFacts)


@dataclass(frozen=True, slots=True)
class _Template:
    table: TemplateTable
    body: Raw
    complete: bool = True


def expand(path: Path, faults: list[Fault]) -> Expanded:
    """Read `path` and everything it includes. Faults are gathered; an unreadable file raises."""
    read = list(_files(path, faults))
    site = site_facts(read, faults)
    files = [site.filled(without_strays(file, TOP_KEYS), faults) for file in read]
    templates = _templates(files, faults)
    devices: list[RawDevice] = []
    guards: list[Raw] = []
    jobs: list[Raw] = []
    agents: list[Raw] = []
    simulators: list[Raw] = []
    alarms: list[Raw] = []
    reports: list[Raw] = []
    for file in files:
        for key, value in file.data.items():
            unknown = unknown_keys([key], TOP_KEYS, file.where, "the plant file")
            faults += of(Subject("file", key), unknown, loses=EVERYTHING if isinstance(value, list) else _SECTIONS)
        devices += [
            _device(r, file.path, (templates, site), faults) for r in _tables(file, (), file.data, "device", faults)
        ]
        guards += _tables(file, (), file.data, "guard", faults)
        agents += _tables(file, (), file.data, "agent", faults)
        simulators += _tables(file, (), file.data, "simulator", faults)
        jobs += _tables(file, (), file.data, "job", faults)
        alarms += _tables(file, (), file.data, "alarm", faults)
        reports += _tables(file, (), file.data, "report", faults)
        for use in _tables(file, (), file.data, "use", faults):
            wrong: list[Fault] = []
            bodies = list(_made(use, templates, wrong))
            faults += of(Subject("use", use.where()), wrong, loses=EVERYTHING)
            for body in bodies:
                alarms += _below(body, "alarm", faults)
                devices += [_device(r, file.path, (templates, site), faults) for r in _below(body, "device", faults)]
    alarms += [_named_below(raw, device) for device in devices for raw in device.alarms]
    for device in devices:
        device.site = site
    return Expanded(files[0], files, devices, guards, jobs, agents, simulators, alarms, reports, site)


def _files(path: Path, faults: list[Fault]) -> Iterator[Located]:
    waiting = [(path, "")]
    seen: set[Path] = set()
    while waiting:
        current, asked = waiting.pop(0)
        if current.resolve() in seen:
            if asked:
                faults.append(Fault(asked, f"{current.name} is included twice"))
            continue
        seen.add(current.resolve())
        try:
            file = load_toml(current)
        except ConfigurationError as error:
            if not asked:
                raise
            faults += of(Subject("file", str(current)), _told_by(error, f"included at {asked}"), loses=EVERYTHING)
            continue
        yield file
        plant = file.data.get("plant")
        names = plant.get("include", []) if isinstance(plant, dict) else []
        for i, name in enumerate(names if isinstance(names, list) else []):
            if isinstance(name, str):
                waiting.append((current.parent / name, file.where("plant", "include", i)))


def _told_by(error: ConfigurationError, by: str) -> list[Fault]:
    """The faults of a file, with where that file was named."""
    return [Fault(f.where, f.found, f.expected, f"{f.fix} ({by})".strip()) for f in error.faults]


def _templates(files: list[Located], faults: list[Fault]) -> dict[str, _Template]:
    found: dict[str, _Template] = {}
    for file in files:
        for raw in _tables(file, (), file.data, "template", faults):
            own = {k: v for k, v in raw.data.items() if k not in ("tag", "device", "alarm")}
            known = [*TemplateTable.model_fields, "tag", "device", "alarm"]
            wrong = unknown_keys(own, known, raw.where, "a template")
            astray = [key for key, value in own.items() if key not in known and isinstance(value, list)]
            parts = Subject("parts of a template", named(raw.data))
            faults += of(parts, wrong, loses=[parts] if astray else [])
            own, wrong = {k: v for k, v in own.items() if k in TemplateTable.model_fields}, []
            table = validate(TemplateTable, own, raw.where, "a template", wrong)
            if table is None:
                faults += of(lost := Subject("template", named(raw.data)), wrong, loses=[lost])
                continue
            faults += wrong
            if table.name in found:
                faults.append(Fault(raw.where("name"), f"template {table.name!r} is declared twice"))
            found[table.name] = _Template(table, raw, complete=not astray)
    return found


def _tables(file: Located, prefix: Key, data: dict[str, Any], key: str, faults: list[Fault]) -> Iterator[Raw]:
    def at(*rest: str | int) -> str:
        return file.where(*prefix, *rest)

    yield from _below(Raw(data, at), key, faults)


def _below(parent: Raw, key: str, faults: list[Fault]) -> Iterator[Raw]:
    """The tables of the list `key` inside `parent`."""
    entries = parent.data.get(key, [])
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        found = f"{key!r} is not a list of tables"
        expected, missed = f"[[{key}]] before each of them", missing_key(parent.where, key)
        faults.append(Fault(parent.where(key), found, expected, loses=EVERYTHING, misses=missed))
        return
    for i, entry in enumerate(entries):
        yield Raw(entry, lambda *rest, i=i: parent.where(key, i, *rest))


def _device(raw: Raw, file: Path, known: tuple[dict[str, _Template], SiteFacts], faults: list[Fault]) -> RawDevice:
    found: list[Fault] = []
    device = _with_all(raw, file, known, found)
    path = named(raw.data)
    faults += of(Subject("device", path), found, loses=[Subject("tag", f"{path}/{ANY}")])
    device.complete = not found
    return device


def _with_all(raw: Raw, file: Path, known: tuple[dict[str, _Template], SiteFacts], faults: list[Fault]) -> RawDevice:
    templates, site = known
    own = {k: v for k, v in raw.data.items() if k not in DEVICE_LISTS}
    device = RawDevice(Raw(own, raw.where), list(_below(raw, "tag", faults)), list(_below(raw, "alarm", faults)))
    for use in _below(raw, "use", faults):
        for body in _made(use, templates, faults):
            device.tags += _below(body, "tag", faults)
            device.alarms += _below(body, "alarm", faults)
    names = raw.data.get("tags_csv", [])
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        faults.append(Fault(raw.where("tags_csv"), f"tags_csv = {names!r}", 'a file, as in tags_csv = "tags.csv"'))
        return device
    for name in names:
        device.lists.append(file.parent / str(name))
        try:
            device.tags += csv_tags(device.lists[-1], site, faults)
        except ConfigurationError as error:
            faults.extend(_told_by(error, f"named at {raw.where('tags_csv')}"))
    return device


def _named_below(raw: Raw, device: RawDevice) -> Raw:
    """An alarm of a device: its name and its tags are below the device's."""
    path = device.table.data.get("name", "?")
    names = {
        key: f"{path}/{raw.data[key]}" for key in ("name", "tag", "reference") if isinstance(raw.data.get(key), str)
    }
    return Raw({**raw.data, **names}, raw.where)


def _made(use: Raw, templates: dict[str, _Template], faults: list[Fault]) -> Iterator[Raw]:
    """The bodies that one [[use]] makes."""
    table = validate(UseTable, use.data, use.where, "a use of a template", faults)
    if table is None:
        return
    template = templates.get(table.template)
    if template is None:
        text, missed = f"unknown template {table.template!r}", Subject("template", table.template)
        faults.append(Fault(use.where("template"), text, fix=nearest(table.template, templates), misses=missed))
        return
    if not template.complete:
        missed = Subject("parts of a template", named(template.body.data))
        faults.append(Fault(use.where(), f"parts of template {table.template!r} are not known", misses=missed))
    for i, entry in enumerate(table.each or [{}]):
        given = {**table.given, **entry}
        place = use.where("each", i) if table.each else use.where()
        wrong = sorted(set(template.table.parameters) ^ set(given))
        if wrong:
            wanted = ", ".join(template.table.parameters) or "none"
            text = f"parameters {', '.join(sorted(given)) or 'none'} for template {table.template!r}"
            faults.append(Fault(place, text, wanted, misses=missing_key(template.body.where, "parameters")))
            continue
        try:
            lists = {k: template.body.data[k] for k in ("tag", "device", "alarm") if k in template.body.data}
            data = substitute(lists, given)
        except ValueError as error:
            faults.append(Fault(template.body.where(), str(error), fix=f"Used at {place}"))
            continue
        yield Raw(data, template.body.where)


def csv_tags(path: Path, site: SiteFacts, faults: list[Fault]) -> list[Raw]:
    """Tags of a CSV list: a header of tag keys ('alarm.hi' for nested ones), a tag a row, empty cells left out."""
    try:
        return _csv_rows(path, site, faults)
    except csv.Error as error:
        raise ConfigurationError(
            [Fault(str(path), f"not CSV: {error}", "a header line, and a line for each tag")]
        ) from None


def _csv_rows(path: Path, site: SiteFacts, faults: list[Fault]) -> list[Raw]:
    text = read_text(path)
    reader, refers = csv.DictReader(io.StringIO(text)), "{site." in text
    if not reader.fieldnames or "name" not in reader.fieldnames:
        raise ConfigurationError([Fault(f"{path}:1", f"columns {reader.fieldnames}", "a header with at least 'name'")])
    rows = []
    for row in reader:
        line = f"{path}:{reader.line_num}"
        if None in row:
            faults.append(Fault(line, "more cells than the header has columns"))
            continue
        data: dict[str, Any] = {}
        for key, cell in row.items():
            if cell is not None and cell.strip() and not _place(data, key.strip().split("."), cell.strip()):
                faults.append(Fault(line, f"{key.strip()!r} beside a column that it is a part of", "one of the two"))
        where = lambda *_keys, line=line: line  # noqa: E731
        rows.append(Raw(site.filled_row(data, where, faults) if refers else data, where))
    return rows


def _place(data: dict[str, Any], keys: list[str], value: str) -> bool:
    """Put a cell where its column says; False if something else is there."""
    for key in keys[:-1]:
        inner: Any = data.setdefault(key, {})
        if not isinstance(inner, dict):
            return False
        data = inner
    return data.setdefault(keys[-1], value) is value


def _may_include(data: Mapping[str, Any]) -> bool:
    """Whether [plant] may name files that are not read: `include` is no list of names, or is misspelt."""
    names = data.get("include", [])
    astray = any(isinstance(value, list) for key, value in data.items() if key not in PlantTable.model_fields)
    return astray or not isinstance(names, list) or not all(isinstance(one, str) for one in names)


def plant_table(expanded: Expanded, faults: list[Fault]) -> PlantTable:
    """The [plant] table of the main file; included files may only add `include` in theirs."""
    main = expanded.main
    data = main.data.get("plant", {})
    if not isinstance(data, dict):
        faults.append(Fault(main.where("plant"), "'plant' is not a table", "[plant]"))
        return PlantTable()
    for file in expanded.files[1:]:
        other = file.data.get("plant", {})
        faults.extend(
            unknown_keys(other, ["include"], lambda *k, f=file: f.where("plant", *k), "[plant] of an included file")
        )
    where = lambda *k: main.where("plant", *k)  # noqa: E731
    wrong: list[Fault] = []
    table = known_and_valid(PlantTable, data, where, "[plant]", wrong)
    section = Subject("section", "plant")
    faults += of(section, wrong, loses=[section, *(EVERYTHING if _may_include(data) else ())])
    return table or PlantTable()

"""What is lost with a device or a tag that cannot be read: names that others may use rightly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sereno.model import Fault, Subject, check_path

from .causes import ANY, of
from .expand import Raw, RawDevice
from .faults import missing_key, validate
from .schema import DEVICE_LISTS, TagTable
from .units import unit_fault

UNNAMED = "unnamed"
"""Stands for the name of a device that has none, while its tags are looked at."""


def known_name(raw: RawDevice) -> str:
    """The path of a device, if that can be read."""
    return _path(raw.table.data.get("name")) or UNNAMED


def lost_with(raw: RawDevice, listed: bool) -> list[Subject]:
    """The device and its tags; any may be meant where they are not all `listed` in the file, as those of a class."""
    name, data = _path(raw.table.data.get("name")) or ANY, raw.table.data
    listed = listed and not any(map(_like_tables, data.values()))
    tags = [one for tag in raw.tags for one in lost_tag(name, tag)] if listed else [Subject("tag", f"{name}/{ANY}")]
    below = [] if listed else [Subject("device", f"{name}/{ANY}")]
    return [Subject("device", name), *below, *tags]


def lost_tag(device: str, raw: Raw) -> list[Subject]:
    """A tag, and the total beside it where it is a counter."""
    name = _path(raw.data.get("name"), segments=1) or ANY
    counter = raw.data.get("counter")
    own = counter.get("total") if isinstance(counter, dict) else None
    totals = [f"{device}/{own or f'{name}_total'}"] if counter is not None else []
    return [Subject("tag", path) for path in (f"{device}/{name}", *totals)]


def lost_spec(path: str) -> list[Subject]:
    """What is said of a tag that is there, and of whose table something is wrong: whether it fits cannot be judged."""
    return [Subject("spec", path)]


def lost_below(raw: RawDevice, faults: Sequence[Fault]) -> list[Subject]:
    """Tags of a device that stand below a key that it has not."""
    meant = {missing_key(raw.table.where, key) for key in DEVICE_LISTS}
    astray = any(not meant.isdisjoint(one.loses) for one in faults)
    lost = astray or any(map(_like_tables, raw.table.data.values()))
    return [Subject("tag", f"{_path(raw.table.data.get('name')) or ANY}/{ANY}")] if lost else []


def house_tags(raw: RawDevice, faults: list[Fault]) -> None:
    """What is wrong with the tags of a device whose driver or class is not known: the keys that all tags have."""
    for tag in raw.tags:
        name = f"{raw.table.data.get('name', '?')}/{tag.data.get('name', '?')}"
        label, found = f"tag {tag.data.get('name', '?')!r} of {raw.table.data.get('name', '?')!r}", list[Fault]()
        own = {key: value for key, value in tag.data.items() if key in TagTable.model_fields}
        table = validate(TagTable, own, tag.where, label, found)
        if table is not None and (fault := unit_fault(table.unit)):
            found.append(Fault(tag.where("unit"), f"{label}: {fault}"))
        faults += of(Subject("tag", name), found)


def _like_tables(value: Any) -> bool:
    """Whether a key that no device has may be its tags under another name."""
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _path(name: Any, *, segments: int = 1) -> str:
    try:
        return check_path(name, segments=segments) if isinstance(name, str) else ""
    except ValueError:
        return ""

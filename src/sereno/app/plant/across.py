"""What is wrong between devices, each of which is right by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sereno.app.self_watch import SPECS
from sereno.model import Fault, Subject, TagSpec, tag_id

from .causes import ANY, of
from .conditions import read_expression
from .counters import totals
from .devices import PlantDevice, PlantTag
from .faults import nearest

OF_THE_NODE = {spec.path: spec for spec in SPECS}
"""Tags that every node has: expressions may use them as any other."""


def faults_across(devices: Sequence[PlantDevice]) -> list[Fault]:
    """Faults that show only between devices: names taken twice, ids that collide, readbacks and interlocks."""
    faults: list[Fault] = []
    names: dict[str, str] = {}
    tags: dict[str, PlantTag] = {}
    ids: dict[int, str] = {}
    for device in devices:
        if device.table.name in names:
            first = names[device.table.name]
            text = f"duplicate device {device.table.name!r}, declared first at {first}"
            twice = Subject("twice", f"{device.table.name}/{ANY}")
            faults.append(Fault(device.where, text, loses=(twice,)))
        names[device.table.name] = device.where
        for tag in device.tags:
            tags[tag.spec.path] = tag
            birth = tag.spec.was or tag.spec.path
            if tag.spec.was and tag.spec.was in tags:
                faults.append(Fault(tag.where, f"was = {tag.spec.was!r}, but that tag still exists"))
            taken = ids.setdefault(tag_id(birth), tag.spec.path)
            if taken != tag.spec.path:
                faults.append(
                    Fault(tag.where, f"{tag.spec.path!r} and {taken!r} have the same stable id", "different names")
                )
    known = {path: tag.spec for path, tag in tags.items()} | totals(list(tags.values()), {}, []) | OF_THE_NODE
    for tag in tags.values():
        faults += _references(tag, known)
    for device in devices:
        for name, one in device.table.commands.items():
            whose = f"{device.table.name}/{name}()"
            found = _interlock_faults(one.interlock, whose, f"{device.where}", known)
            faults += of(Subject("device", device.table.name), found)
    return faults


def _references(tag: PlantTag, tags: Mapping[str, TagSpec]) -> list[Fault]:
    setpoint = tag.spec.setpoint
    faults = []
    if setpoint.readback != "self" and setpoint.readback not in tags:
        found, missed = f"readback {setpoint.readback!r} of {tag.spec.path!r} is no tag", setpoint.readback
        faults.append(Fault(tag.where, found, fix=nearest(missed, tags), misses=Subject("tag", missed)))
    faults += _interlock_faults(setpoint.interlock, tag.spec.path, tag.where, tags)
    return of(Subject("tag", tag.spec.path), faults)


def _interlock_faults(text: str, whose: str, where: str, tags: Mapping[str, TagSpec]) -> list[Fault]:
    if not text:
        return []
    told: list[Fault] = []
    read_expression(text, where, f"interlock of {whose!r}", tags, told)
    return [one if one.misses is None else _no_tag(one.misses, whose, where, tags) for one in told]


def _no_tag(missed: Subject, whose: str, where: str, tags: Mapping[str, TagSpec]) -> Fault:
    found = f"interlock of {whose!r} names no tag {missed.name!r}"
    return Fault(where, found, fix=nearest(missed.name, tags), misses=missed)

"""What is wrong between devices, each of which is right by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sereno.app.self_watch import SPECS
from sereno.expression.compiler import compile_expression
from sereno.expression.errors import ExpressionError
from sereno.model import Fault, TagSpec, tag_id

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
            faults.append(Fault(device.where, f"duplicate device {device.table.name!r}, declared first at {first}"))
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
            faults += _interlock_faults(one.interlock, whose, f"{device.where}", known)
    return faults


def _references(tag: PlantTag, tags: Mapping[str, TagSpec]) -> list[Fault]:
    setpoint = tag.spec.setpoint
    faults = []
    if setpoint.readback != "self" and setpoint.readback not in tags:
        found = f"readback {setpoint.readback!r} of {tag.spec.path!r} is no tag"
        faults.append(Fault(tag.where, found, fix=nearest(setpoint.readback, tags)))
    return [*faults, *_interlock_faults(setpoint.interlock, tag.spec.path, tag.where, tags)]


def _interlock_faults(text: str, whose: str, where: str, tags: Mapping[str, TagSpec]) -> list[Fault]:
    if not text:
        return []
    lost: list[str] = []

    def found(path: str) -> TagSpec:
        if path not in tags:
            lost.append(path)
        return tags[path]

    try:
        compile_expression(text, found)
    except ExpressionError as error:
        if not lost:
            return [Fault(where, f"interlock of {whose!r}: {error}")]
    return [Fault(where, f"interlock of {whose!r} names no tag {path!r}", fix=nearest(path, tags)) for path in lost]

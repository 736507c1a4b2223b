"""What does not fit in the tags of a fleet, seen without asking anybody."""

from __future__ import annotations

from collections.abc import Mapping

from sereno.device import DriverTag
from sereno.model import ValueType

from .tags import FACTS, TEXTS, HttpConfig


def faults_of(tag: DriverTag, known: Mapping[str, DriverTag], config: HttpConfig) -> list[str]:
    """Of one tag; `known` are all tags of the device by name."""
    name, kind, own = f"tag {tag.spec.name!r}", tag.spec.type, tag.config
    found = []
    if tag.spec.access.writable and not own.write:
        found.append(f"{name} cannot be written: it is made of what all members say")
    if own.write and not tag.spec.access.writable:
        found.append(f"{name} has write and is {tag.spec.access}")
    if (kind is ValueType.STRING) is not (own.reduce in TEXTS):
        found.append(f"{name} is of type {kind}, and {own.reduce or 'what is written'} gives {own.default_type}")
    if own.of and own.of not in config.calls and (own.of not in known or not known[own.of].config.write):
        found.append(f"{name} tells of {own.of!r}, which is no tag with write and none of calls")
    if own.total:
        total = known.get(own.total)
        if total is None or total.config.reduce in (None, *FACTS):
            found.append(f"{name} is to be {own.total!r}, which is no total of this device")
        elif total.spec.shape != tag.spec.shape:
            found.append(f"{name} is to be {own.total!r}, which is of another shape")
    return found

"""Counters of the plant file: their rules, and the tags of their totals beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from sereno.derive.counter import AfterReset, CounterRule
from sereno.derive.totals import CounterGroup
from sereno.model import Fault, Subject, TagSpec, ValueType

from .schema import CounterTable, DeviceTable, GroupTable

MODULUS = {
    ValueType.UINT8: 1 << 8,
    ValueType.UINT16: 1 << 16,
    ValueType.UINT32: 1 << 32,
    ValueType.INT64: 0,
    ValueType.UINT64: 0,
}
"""How far each type counts; 0 = farther than anybody counts. Others have to say."""
_ROWS = (*MODULUS, ValueType.INT8, ValueType.INT16, ValueType.INT32)
_FAR = 1 << 62


class Counted(Protocol):
    """A tag of the plant that may be a counter."""

    @property
    def spec(self) -> TagSpec: ...  # noqa: D102
    @property
    def where(self) -> str: ...  # noqa: D102
    @property
    def counter(self) -> CounterTable | None: ...  # noqa: D102


def rule_of(tag: Counted, table: CounterTable) -> tuple[CounterRule, TagSpec]:
    """The rule of a counter and the declaration of its total. Raises ValueError with what does not fit."""
    spec = tag.spec
    if spec.shape or spec.type not in _ROWS:
        raise ValueError(f"a {spec.type} is no counter, expected a whole number")
    modulus = table.modulus or MODULUS.get(spec.type)
    if modulus is None:
        raise ValueError(f"a counter of type {spec.type} has to say where it starts again, as in modulus = 10000")
    step = table.max_step or (modulus // 2 or _FAR)
    if modulus and step >= modulus:
        raise ValueError(f"max_step {step} of a counter that starts again at {modulus}, expected less")
    total = f"{spec.device}/{table.total or spec.name + '_total'}"
    description = spec.description and f"{spec.description}, total"
    declared = TagSpec(path=total, type=ValueType.INT64, unit=spec.unit, description=description)
    return CounterRule(spec.path, total, modulus, step, AfterReset(table.after_reset)), declared


def counter_faults(tag: Counted, where: str) -> list[Fault]:
    """What is wrong with a tag as a counter, told at `where`."""
    if tag.counter is None:
        return []
    try:
        rule_of(tag, tag.counter)
    except ValueError as error:
        lost = Subject("tag", f"{tag.spec.device}/{tag.counter.total or f'{tag.spec.name}_total'}")
        return [Fault(where, f"counter {tag.spec.path!r}: {error}", loses=(lost,))]
    return []


def totals(tags: Sequence[Counted], known: Mapping[str, TagSpec], faults: list[Fault]) -> dict[str, TagSpec]:
    """The tags of all totals by path, but of those that `counter_faults` tells; names taken are added to `faults`."""
    found: dict[str, TagSpec] = {}
    for tag in tags:
        if tag.counter is None:
            continue
        try:
            _, spec = rule_of(tag, tag.counter)
        except ValueError:
            continue
        if spec.path in known or spec.path in found:
            text, again = f"total {spec.path!r} of a counter is a tag already", Subject("twice", spec.path)
            faults.append(Fault(tag.where, text, fix="total = ...", about=Subject("tag", tag.spec.path), misses=again))
        found[spec.path] = spec
    return found


class _Device(Protocol):
    @property
    def table(self) -> DeviceTable: ...
    @property
    def groups(self) -> Mapping[str, GroupTable]: ...
    @property
    def tags(self) -> Sequence[_Placed]: ...


class _Placed(Counted, Protocol):
    @property
    def group(self) -> str: ...


def counter_groups(devices: Sequence[_Device]) -> list[CounterGroup]:
    """The counters of every scan group of these devices."""
    made = []
    for device in devices:
        for name, group in device.groups.items():
            rules = [rule_of(tag, tag.counter) for tag in device.tags if tag.group == name and tag.counter is not None]
            if rules:
                declared = tuple(rule for rule, _ in rules), tuple(spec for _, spec in rules)
                own, usual = device.table.stale_after, max(2.0 * group.period, 1.0)
                patience = own if own is not None and own > group.period else usual
                made.append(CounterGroup(device.table.name, name, group.period, patience, *declared))
    return made

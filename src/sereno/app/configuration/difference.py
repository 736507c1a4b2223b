"""The difference of two plants: each change with its effect, and which devices come, go, start anew or go on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from sereno.app.plant.agents import PlantAgent
from sereno.app.plant.counters import counter_groups
from sereno.app.plant.derived import DerivedFamily
from sereno.app.plant.devices import PlantDevice, PlantTag
from sereno.app.plant.load import Plant, live_alarms
from sereno.client import Change, Effect, FieldChange

from .facts import (
    SIMULATORS,
    SOFT_OF_DEVICE,
    Facts,
    agent_facts,
    device_facts,
    device_paths,
    field_changes,
    is_soft,
    job_facts,
    report_facts,
    rule_facts,
    settings_facts,
    tag_facts,
)

T = TypeVar("T")
_ADDED, _REMOVED, _CHANGED = "added", "removed", "changed"
_BACK = "it comes from a process of its own into the node"


@dataclass(slots=True)
class Difference:
    """`leaving`, `coming` and `adopting` are devices with a link, by the name in the plant file.

    A device that starts anew leaves and comes; one that only its words changed of is adopted. `interrupted` says why.
    """

    changes: list[Change] = field(default_factory=list)
    leaving: list[str] = field(default_factory=list)
    coming: list[str] = field(default_factory=list)
    adopting: list[str] = field(default_factory=list)
    interrupted: dict[str, str] = field(default_factory=dict)
    derived: bool = False
    counters: bool = False
    alarms: bool = False
    guards: bool = False
    jobs: bool = False
    reports: bool = False
    agents: bool = False

    @property
    def devices(self) -> bool:
        """True if tags or devices are concerned at all."""
        return bool(self.leaving or self.coming or self.adopting or self.derived or self.counters)


def difference(old: Plant, new: Plant) -> Difference:
    """What leads from the one to the other."""
    found = Difference()
    before, after = _by_name(old), _by_name(new)
    for name in {**after, **before}:
        _compare(before.get(name), after.get(name), found)
    _shared_links(old, new, found)
    _agents(old, new, found)
    found.counters = counter_groups(old.linked_devices) != counter_groups(new.linked_devices)
    found.derived = found.derived or _code_of_rules(old) != _code_of_rules(new)
    alarms = _rules({one.id: one for one in old.alarms}, {one.id: one for one in new.alarms}, rule_facts)
    found.changes += _named("alarm", alarms, Effect.LIVE)
    found.alarms = bool(alarms) or live_alarms(old) != live_alarms(new)
    guards = _rules({one.name: one for one in old.guards}, {one.name: one for one in new.guards}, rule_facts)
    found.changes += _named("guard", guards, Effect.LIVE)
    found.guards = bool(guards)
    jobs = _rules({one.name: one for one in old.jobs}, {one.name: one for one in new.jobs}, job_facts)
    found.changes += _named("job", jobs, Effect.LIVE)
    found.jobs = bool(jobs)
    reports = _rules({one.name: one for one in old.reports}, {one.name: one for one in new.reports}, report_facts)
    found.changes += _named("report", reports, Effect.LIVE)
    found.reports = bool(reports)
    settings = _rules(dict(settings_facts(old)), dict(settings_facts(new)), dict)
    idle = [one for one in settings if one.name == SIMULATORS and not old.placed.ports]  # this run has none of them
    found.changes += _named("setting", idle, Effect.LIVE)
    found.changes += _named("setting", [one for one in settings if one not in idle], Effect.NEXT_START)
    return found


def _compare(old: PlantDevice | None, new: PlantDevice | None, found: Difference) -> None:
    derived = {device.driver is DerivedFamily for device in (old, new) if device is not None}
    known = len(found.changes)
    if old is None or new is None:
        found.changes += _whole(old, new, derived)
        hard = True
    else:
        hard = _compare_device(old, new, found, derived)
    if not hard and all(one.kind == "code" for one in found.changes[known:]):
        return
    found.derived = found.derived or True in derived
    _place(old, new, found, hard=hard)


def _whole(old: PlantDevice | None, new: PlantDevice | None, derived: set[bool]) -> list[Change]:
    device = new or old
    assert device is not None
    change, effect = _ADDED if old is None else _REMOVED, _effect(derived, hard=new is None)
    tags = [Change(kind="tag", name=tag.spec.path, change=change, effect=effect) for tag in device.tags]
    return [Change(kind="device", name=device.table.name, change=change, effect=effect), *tags]


def _compare_device(old: PlantDevice, new: PlantDevice, found: Difference, derived: set[bool]) -> bool:
    """True if the device starts anew."""
    name = new.table.name
    own = field_changes(device_facts(old), device_facts(new))
    tags = _tag_changes(old, new)
    written = new.written is not None or old.written is not None
    hard = old.driver is not new.driver and not _same_class(old, new)
    hard = hard or any(one.field not in SOFT_OF_DEVICE for one in own)
    hard = hard or any(written or not _is_soft(one) for one in tags)
    code = _code_change(old, new)
    hard = hard or (code is not None and code.effect is Effect.INTERRUPTS)
    if own:
        effect = _effect(derived, hard=any(one.field not in SOFT_OF_DEVICE for one in own))
        found.changes.append(Change(kind="device", name=name, change=_CHANGED, fields=own, effect=effect))
    found.changes += [_with_effect(one, _effect(derived, hard=hard)) for one in tags]
    if code is not None:
        found.changes.append(code)
    return hard


def _is_soft(tag: Change) -> bool:
    return tag.change == _CHANGED and all(is_soft(one.field) for one in tag.fields)


def _place(old: PlantDevice | None, new: PlantDevice | None, found: Difference, *, hard: bool) -> None:
    was, is_ = (d is not None and d.driver is not DerivedFamily and d.table.enabled for d in (old, new))
    device = new or old
    assert device is not None
    name = device.table.name
    if was and is_ and not hard:
        found.adopting.append(name)
        return
    if was:
        found.leaving.append(name)
        found.interrupted[name] = "it starts anew" if is_ else "it is removed"
    if is_:
        found.coming.append(name)


def _shared_links(old: Plant, new: Plant, found: Difference) -> None:
    """Devices whose link is opened otherwise than before start anew too, though nothing of their own has changed."""
    before, after = _openers(old), _openers(new)
    staying = {d.table.name: d for d in new.linked_devices} if before else {}
    for device in old.linked_devices:
        name = device.table.name
        if name in found.leaving or name not in staying:
            continue
        key = _link_key(device)
        if key is not None and before.get(key) != after.get(key):
            found.leaving.append(name)
            found.coming.append(name)
            found.interrupted[name] = "it shares a link that is opened anew"
            if name in found.adopting:
                found.adopting.remove(name)


def _agents(old: Plant, new: Plant, found: Difference) -> None:
    """What changes of agents. One that moves into a process of its own, or back, starts anew."""
    before, after = ({agent.rule.device: agent for agent in plant.agents} for plant in (old, new))
    staying = {d.table.name for d in old.linked_devices} & {d.table.name for d in new.linked_devices}
    for change in _rules(before, after, agent_facts):
        one, other = before.get(change.name), after.get(change.name)
        fields, effect = change.fields, Effect.LIVE
        if one is None and other is not None:
            fields = field_changes({}, agent_facts(other))
        elif other is None and change.name in staying:
            fields = (FieldChange("its device", "", "goes on, and may neither read nor command the plant"),)
        if change.name in staying and _apart(one) is not _apart(other):
            effect = Effect.INTERRUPTS
            _start_anew(change.name, found, "it goes into a process of its own" if _apart(other) else _BACK)
        found.changes.append(replace(change, kind="agent", fields=fields, effect=effect))
        found.agents = True


def _apart(agent: PlantAgent | None) -> bool:
    return agent is not None and agent.process


def _start_anew(name: str, found: Difference, why: str) -> None:
    if name in found.adopting:
        found.adopting.remove(name)
    for names in (found.leaving, found.coming):
        if name not in names:
            names.append(name)
    found.interrupted[name] = why


def _openers(plant: Plant) -> dict[object, object]:
    """What each link is opened with: by its first device."""
    found: dict[object, object] = {}
    for device in plant.linked_devices:
        key = _link_key(device)
        if key is not None and key not in found:
            driver = device.driver
            assert not issubclass(driver, DerivedFamily)
            found[key] = (driver.link_settings(device.config), device.table.retry)
    return found


def _link_key(device: PlantDevice) -> object:
    """None for a device that has its link for itself."""
    if device.written is not None or issubclass(device.driver, DerivedFamily):
        return None
    return device.driver, device.driver.link_key(device.config)


def _tag_changes(old: PlantDevice, new: PlantDevice) -> list[Change]:
    before, after = ({tag.spec.path: tag for tag in device.tags} for device in (old, new))
    found = []
    for path in {**after, **before}:
        one, other = before.get(path), after.get(path)
        if one is None or other is None:
            found.append(Change(kind="tag", name=path, change=_ADDED if one is None else _REMOVED))
        elif not _same_tag(one, other) and (fields := field_changes(tag_facts(one), tag_facts(other))):
            found.append(Change(kind="tag", name=path, change=_CHANGED, fields=fields))
    return found


def _same_tag(one: PlantTag, other: PlantTag) -> bool:
    return (one.driver_tag, one.group, one.counter) == (other.driver_tag, other.group, other.counter)


def _same_class(old: PlantDevice, new: PlantDevice) -> bool:
    return old.written is not None and new.written is not None and old.written.code == new.written.code


def _code_change(old: PlantDevice, new: PlantDevice) -> Change | None:
    """Source that has changed. A module that is imported already stays as it is until the next start."""
    if old.written is None or new.written is None or old.written.code == new.written.code:
        return None
    effect = Effect.NEXT_START if old.written.cls is new.written.cls else Effect.INTERRUPTS
    return Change(kind="code", name=f"{new.table.cls} of {new.table.name}", change=_CHANGED, effect=effect)


def _code_of_rules(plant: Plant) -> dict[str, object]:
    return {r.spec.path: getattr(r.function, "__code__", r.function) for r in plant.derived if r.function is not None}


def _rules(old: Mapping[str, T], new: Mapping[str, T], facts: Callable[[T], Facts]) -> list[Change]:
    found = []
    for name in {**new, **old}:
        if name not in old or name not in new:
            found.append(Change(kind="", name=name, change=_ADDED if name not in old else _REMOVED))
        elif old[name] != new[name] and (fields := field_changes(facts(old[name]), facts(new[name]))):
            found.append(Change(kind="", name=name, change=_CHANGED, fields=fields))
    return found


def _named(kind: str, changes: Iterable[Change], effect: Effect) -> list[Change]:
    return [Change(kind=kind, name=c.name, change=c.change, fields=c.fields, effect=effect) for c in changes]


def _with_effect(change: Change, effect: Effect) -> Change:
    return Change(kind=change.kind, name=change.name, change=change.change, fields=change.fields, effect=effect)


def _effect(derived: set[bool], *, hard: bool) -> Effect:
    return Effect.INTERRUPTS if hard and False in derived else Effect.LIVE


def _by_name(plant: Plant) -> dict[str, PlantDevice]:
    return {device.table.name: device for device in plant.devices}


def paths_of(plant: Plant, names: Iterable[str]) -> list[str]:
    """The paths of these devices and of their children."""
    known = _by_name(plant)
    return [path for name in names for path in device_paths(known[name])]

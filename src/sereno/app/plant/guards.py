"""[[guard]] tables to rules: every fault of a rule is found here, with its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sereno.agents.guards import GuardRule
from sereno.client import CommandSpec
from sereno.expression.compiler import Expression
from sereno.hub.checks import writable_value
from sereno.model import Fault, RefusedError, Subject, TagSpec

from .conditions import no_rows, read_expression, spec_of
from .expand import Raw
from .faults import nearest, unknown_keys, validate, whole
from .schema import GuardCommandTable, GuardTable

SHORTEST = 0.1
"""Seconds between two attempts of a guard: each is a command on record."""


@dataclass(frozen=True, slots=True)
class Called:
    """A device's commands, None where only the device itself knows them; `waiting` are those that wait for people."""

    commands: Mapping[str, CommandSpec] | None
    waiting: Sequence[str] = ()


def guard_rules(
    raws: Sequence[Raw], tags: Mapping[str, TagSpec], devices: Mapping[str, Called], faults: list[Fault]
) -> tuple[GuardRule, ...]:
    """The rules of a plant with these tags and devices; what is wrong with them is added to `faults`."""
    made: dict[str, GuardRule] = {}
    for raw in raws:
        label = f"guard {raw.data.get('name', '?')!r}"
        keys = [field.alias or name for name, field in GuardTable.model_fields.items()]
        faults.extend(unknown_keys(raw.data, keys, raw.where, label))
        known = {key: value for key, value in raw.data.items() if key in keys}
        table = validate(GuardTable, known, raw.where, label, faults)
        if table is None:
            continue
        if table.name in made:
            faults.append(Fault(raw.where("name"), f"duplicate {label}"))
        if table.command.call:
            faults += _call_faults(table.command, raw, label, devices)
        else:
            _check_command(table, raw, label, tags, faults)
        rule = _rule(table, raw, label, tags, faults)
        if rule is not None:
            made[table.name] = rule
    return tuple(made.values())


def _rule(
    table: GuardTable, raw: Raw, label: str, tags: Mapping[str, TagSpec], faults: list[Fault]
) -> GuardRule | None:
    expression = _condition(table, raw, label, tags, faults)
    if table.retry and table.cooldown < SHORTEST:
        found = f"{label} repeats its command after each cooldown, which is {table.cooldown:g} s"
        faults.append(Fault(raw.where("retry"), found, f"cooldown of {SHORTEST:g} s or more"))
    if table.effect and not table.retry:
        faults.append(
            Fault(
                raw.where("effect"),
                f"{label} repeats nothing that had no effect",
                "retry = true",
                misses=whole(raw.where),
            )
        )
    if expression is None:
        return None
    return GuardRule(
        name=table.name,
        when=table.when,
        inputs=expression.paths,
        target=table.command.target or table.command.call,
        value=table.command.value,
        call=table.command.name if table.command.call else "",
        arguments=tuple(table.command.arguments),
        actor=table.actor or f"guard/{table.name}",
        hold=table.hold,
        cooldown=table.cooldown,
        act_on_stale=table.stale == "act",
        retry=table.retry,
        effect=table.effect,
    )


def _condition(
    table: GuardTable, raw: Raw, label: str, tags: Mapping[str, TagSpec], faults: list[Fault]
) -> Expression[TagSpec] | None:
    where = raw.where("when")
    expression = read_expression(table.when, where, f"condition of {label}", tags, faults)
    if expression is None:
        return None
    if expression.needs_age:
        faults.append(Fault(where, f"age() in the condition of {label}", fix="Use not good(tag): silence turns it bad"))
    if not expression.paths:
        faults.append(Fault(where, f"the condition of {label} names no tag"))
    faults += no_rows(expression, where, f"condition of {label}")
    return expression


def _check_command(table: GuardTable, raw: Raw, label: str, tags: Mapping[str, TagSpec], faults: list[Fault]) -> None:
    path, where = table.command.target, raw.where("command")
    spec = tags.get(path)
    if spec is None:
        found, missed = f"target {path!r} of {label} is no tag", Subject("tag", path)
        faults.append(Fault(where, found, fix=nearest(path, tags), misses=missed))
    elif spec.setpoint.marked:
        found = f"target {path!r} of {label} waits for people (select, approval or sign), and a guard acts alone"
        faults.append(Fault(where, found, "a set-point without them"))
    elif not spec.access.writable:
        found = f"target {path!r} of {label} is read only"
        faults.append(Fault(where, found, 'access = "read_write" or "write"', misses=spec_of(path)))
    else:
        try:
            writable_value(spec, table.command.value)
        except RefusedError as error:
            faults.append(Fault(where, f"command of {label}: {error}", misses=spec_of(path)))


def _call_faults(command: GuardCommandTable, raw: Raw, label: str, devices: Mapping[str, Called]) -> list[Fault]:
    where, called = raw.where("command"), devices.get(command.call)
    if called is None:
        found, missed = f"{label} calls {command.call!r}, which is no device", Subject("device", command.call)
        return [Fault(where, found, fix=nearest(command.call, devices), misses=missed)]
    name = f"{command.call}/{command.name}()"
    if command.name.casefold() in (one.casefold() for one in called.waiting):
        found = f"{name} of {label} waits for people (select, approval or sign), and a guard acts alone"
        return [Fault(where, found, "a command without them")]
    if called.commands is None:
        return []
    spec = called.commands.get(command.name)
    if spec is None:
        found = f"{label} calls {command.name!r}, which {command.call} has not"
        return [Fault(where, found, "a command of the device", nearest(command.name, called.commands))]
    least, most = sum(not one.optional for one in spec.parameters), len(spec.parameters)
    if not least <= len(command.arguments) <= most:
        return [Fault(where, f"{label} gives {name} {len(command.arguments)} arguments", spec.signature)]
    return []

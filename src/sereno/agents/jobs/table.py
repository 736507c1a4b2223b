"""The table of a job: who of a fleet said what, and what came of it, as its last run read it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from sereno.client import JobColumn, Reading
from sereno.model import severity
from sereno.wire.jsonvalue import json_value

from .rule import ColumnRule


def table_of(
    rules: Sequence[ColumnRule], readings: Mapping[str, Reading], sent: Collection[str]
) -> tuple[JobColumn, ...]:
    """The columns whose members were read; of what steps would have sent only what they have `sent`."""
    return tuple(_column(rule, readings, sent) for rule in rules if rule.members in readings)


def paths_of(rules: Sequence[ColumnRule]) -> list[str]:
    """All tags that the table is made of."""
    return list(dict.fromkeys(path for rule in rules for path in (rule.members, rule.total) if path))


def _column(rule: ColumnRule, readings: Mapping[str, Reading], sent: Collection[str]) -> JobColumn:
    members, total = readings[rule.members], readings.get(rule.total)
    title = rule.title or members.tag.description or members.tag.name
    if rule.after and rule.after not in sent:
        return JobColumn(title=title, members=rule.members)
    said = _by_member(members.value)
    if total is None:
        return JobColumn(title=title, members=rule.members, by_member=said, t=members.t_source)
    return JobColumn(
        title=title,
        members=rule.members,
        total=rule.total,
        value=json_value(total.value),
        unit=total.tag.unit,
        quality=severity(total.quality),
        reason=total.reason,
        t=total.t_source,
        by_member=said,
    )


def _by_member(value: Any) -> dict[str, Any]:
    """Nobody for what is no table."""
    try:
        found = msgspec.json.decode(value) if isinstance(value, str) else None
    except msgspec.DecodeError:
        return {}
    return {str(name): said for name, said in found.items()} if isinstance(found, dict) else {}

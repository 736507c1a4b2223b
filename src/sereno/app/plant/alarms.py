"""Declared alarms: limits below tags, and [[alarm]] tables; every fault is found here, with its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sereno.client import AlarmKind, AlarmSpec
from sereno.expression.compiler import compile_expression
from sereno.model import Fault, Subject, TagSpec

from .alarm_schema import AlarmTable, OtherAlarmTable, RationalisedTable
from .causes import of
from .conditions import no_rows, read_expression, spec_of
from .expand import Raw
from .faults import Where, nearest, unknown_keys, validate


def limit_alarms(spec: TagSpec, table: AlarmTable) -> list[AlarmSpec]:
    """One alarm for each limit of a tag: PATH.hi and so on."""
    found = []
    for name, limit in table.declared.items():
        priority, response = table.of(name)
        found.append(
            AlarmSpec(
                id=f"{spec.path}.{name}",
                source=spec.path,
                kind=AlarmKind(name),
                inputs=(spec.path,),
                priority=priority,
                response=response,
                unit=spec.unit,
                limit=limit,
                deadband=table.deadband,
                **{**_common(table), **table.why(name)},
            )
        )
    return found


def other_alarms(raws: Iterable[Raw], tags: Mapping[str, TagSpec], faults: list[Fault]) -> list[AlarmSpec]:
    """The alarms of [[alarm]] tables; what is wrong with them is added to `faults`."""
    made: dict[str, AlarmSpec] = {}
    for raw in raws:
        label = f"alarm {raw.data.get('name', '?')!r}"
        keys = [field.alias or name for name, field in OtherAlarmTable.model_fields.items()]
        faults.extend(unknown_keys(raw.data, keys, raw.where, label))
        known = {key: value for key, value in raw.data.items() if key in keys}
        table = validate(OtherAlarmTable, known, raw.where, label, faults)
        if table is None:
            continue
        if table.name in made:
            again = Subject("twice", table.name)
            faults.append(Fault(raw.where("name"), f"duplicate {label}", misses=again))
        found: list[Fault] = []
        spec = _spec(table, raw.where, label, tags, found)
        faults += of(Subject("alarm", table.name), found)
        if spec is not None:
            made[table.name] = spec
    return list(made.values())


def check_suppression(spec: AlarmSpec, where: Where, tags: Mapping[str, TagSpec], faults: list[Fault]) -> None:
    """Add what is wrong with the expression that suppresses an alarm."""
    if spec.suppress_when:
        _paths(spec.suppress_when, where("suppress_when"), f"suppress_when of alarm {spec.id!r}", tags, faults)


def watched(spec: AlarmSpec) -> set[str]:
    """Every tag that an alarm needs, that of its suppression included."""
    hiding = compile_expression(spec.suppress_when, str).tags if spec.suppress_when else ()
    return {*spec.inputs, *hiding}


def _spec(
    table: OtherAlarmTable, where: Where, label: str, tags: Mapping[str, TagSpec], faults: list[Fault]
) -> AlarmSpec | None:
    before = len(faults)
    for key, path in (("tag", table.tag), ("reference", table.reference)):
        if not path:
            continue
        if path not in tags:
            found = f"{key} {path!r} of {label} is no tag"
            faults.append(Fault(where(key), found, fix=nearest(path, tags), misses=Subject("tag", path)))
        elif not tags[path].is_row and table.kind not in ("bad", "stale"):
            faults.append(
                Fault(where(key), f"{path!r} of {label} is a text or an array", "a number", misses=spec_of(path))
            )
    if len(faults) > before:
        return None
    condition = _condition(table, tags)
    inputs: Sequence[str] = [path for path in (table.tag, table.reference) if path]
    if condition:
        paths = _paths(condition, where("states" if table.states else "when"), f"condition of {label}", tags, faults)
        inputs = paths if table.kind == "expression" else inputs
    spec = AlarmSpec(
        id=table.name,
        source=table.tag or table.name,
        kind=AlarmKind(table.kind),
        inputs=tuple(inputs),
        priority=table.priority or 0,
        response=table.response,
        condition=condition,
        unit=tags[table.tag].unit if table.tag and table.limit is not None else "",
        limit=table.limit,
        deadband=table.deadband,
        over=table.over,
        **_common(table),
    )
    check_suppression(spec, where, tags, faults)
    return spec if len(faults) == before else None


def _condition(table: OtherAlarmTable, tags: Mapping[str, TagSpec]) -> str:
    """The expression of an alarm; states are compared one by one."""
    if table.kind != "state":
        return table.when
    labels = tags[table.tag].labels
    return " or ".join(f"tag('{table.tag}') == {_written(state, labels)}" for state in table.states)


def _written(state: Any, labels: Sequence[str]) -> str:
    if isinstance(state, str):
        return f"'{state}'" if labels else state
    return str(state).lower()


def _paths(text: str, where: str, what: str, tags: Mapping[str, TagSpec], faults: list[Fault]) -> tuple[str, ...]:
    expression = read_expression(text, where, what, tags, faults)
    if expression is None:
        return ()
    if expression.needs_age:
        faults.append(Fault(where, f"age() in the {what}", fix='Use kind = "stale": silence is told by the hub'))
    if not expression.paths:
        faults.append(Fault(where, f"the {what} names no tag"))
    faults += no_rows(expression, where, what)
    return expression.paths


def _common(table: RationalisedTable) -> dict[str, Any]:
    names = (
        "cause", "consequence", "alarm_class", "on_delay", "off_delay", "count", "window", "latch", "suppress_when",
        "draft",
    )  # fmt: skip
    return {name: getattr(table, name) for name in names}

"""What clients are told of a device's commands: names, types, ranges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sereno.model import Marks, ValueType
from sereno.wire.jsonvalue import json_value


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterSpec:
    """A parameter, or a result. `default` counts if it is `optional`; a length of 0 in `shape` is any length."""

    name: str
    type: ValueType
    shape: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()
    unit: str = ""
    low: float | None = None
    high: float | None = None
    optional: bool = False
    default: Any = None

    @property
    def words(self) -> str:
        """As in a signature: rate: float64 [V/s] = 1.0"""
        kind = str(self.type) + "[]" * len(self.shape)
        unit = f" [{self.unit}]" if self.unit else ""
        return f"{self.name}: {kind}{unit}" + (f" = {self.default!r}" if self.optional else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSpec:
    """A command of a device; it is allowed in these operational states, and waits for people if it is marked.

    One that `reads` changes nothing and asks nothing of the process: the right to read is enough for it.
    """

    name: str
    description: str = ""
    parameters: tuple[ParameterSpec, ...] = ()
    result: ParameterSpec | None = None
    allowed: tuple[str, ...] = ()
    marks: Marks = field(default_factory=Marks)
    reads: bool = False

    @property
    def signature(self) -> str:
        """As people write it: ramp(rate: float64 [V/s], to: float64 [V] = 0.0)"""
        return f"{self.name}({', '.join(p.words for p in self.parameters)})"


def command_spec_json(spec: CommandSpec) -> dict[str, Any]:
    """A command as JSON."""
    return {**asdict(spec), "parameters": [_json(p) for p in spec.parameters],
            "result": _json(spec.result) if spec.result else None, "allowed": list(spec.allowed),
            "marks": {**asdict(spec.marks), "sign": list(spec.marks.sign)}}  # fmt: skip


def parse_command_spec(data: Mapping[str, Any]) -> CommandSpec:
    """What `command_spec_json` gave."""
    result = data.get("result")
    return CommandSpec(
        name=data["name"],
        description=data.get("description") or "",
        parameters=tuple(_parse(p) for p in data.get("parameters") or ()),
        result=_parse(result) if result else None,
        allowed=tuple(data.get("allowed") or ()),
        marks=_marks(data.get("marks") or {}),
        reads=data.get("reads") is True,
    )


def _marks(data: Mapping[str, Any]) -> Marks:
    return Marks(
        select=data.get("select", 0.0),
        approval=data.get("approval", 0.0),
        sign=tuple(data.get("sign", ())),
        interlock=data.get("interlock", ""),
    )


def _json(spec: ParameterSpec) -> dict[str, Any]:
    return {**asdict(spec), "type": spec.type.value, "shape": list(spec.shape), "labels": list(spec.labels),
            "default": json_value(spec.default)}  # fmt: skip


def _parse(data: Mapping[str, Any]) -> ParameterSpec:
    return ParameterSpec(
        name=data["name"],
        type=ValueType(data["type"]),
        shape=tuple(data.get("shape") or ()),
        labels=tuple(data.get("labels") or ()),
        unit=data.get("unit") or "",
        low=data.get("low"),
        high=data.get("high"),
        optional=bool(data.get("optional")),
        default=data.get("default"),
    )

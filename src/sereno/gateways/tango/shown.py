"""What Tango clients are shown: which devices, attributes and commands, with their types."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sereno.access.actor import Actor, Right
from sereno.client import CommandSpec, DeviceStatus, Reading
from sereno.drivers.tango.protocol import TANGO_TYPES
from sereno.model import Access, TagSpec, ValueType, severity

from .calls import Command, command_of
from .names import attribute_name, tango_names

MOST_ELEMENTS = 1 << 20
MOST_LINES = 1 << 14
_VALID, _INVALID, _WARNING = 0, 1, 4
_NARROW = (ValueType.INT8, ValueType.ENUM)


@dataclass(frozen=True, slots=True)
class Attribute:
    """A tag as an attribute. `type` is Tango's word for it."""

    spec: TagSpec
    name: str
    type: str
    writable: bool

    @property
    def sizes(self) -> tuple[int, ...]:
        """The most columns, and lines, that it may have."""
        most = (MOST_ELEMENTS,) if len(self.spec.shape) == 1 else (MOST_LINES, MOST_LINES)
        return tuple(declared or limit for declared, limit in zip(reversed(self.spec.shape), most, strict=False))

    @property
    def properties(self) -> dict[str, str]:
        """Unit, words, bounds and alarm limits by the name that Tango has for them."""
        spec = self.spec
        said = {"label": spec.name, "unit": spec.unit, "description": spec.description or spec.path}
        if spec.decimals is not None and spec.type.is_float:
            said["format"] = f"%.{spec.decimals}f"
        if spec.is_row and spec.type not in (ValueType.BOOL, ValueType.ENUM):
            said |= {key: text for key, value in _bounds(spec).items() if (text := _written(spec, value))}
        return {key: text for key, text in said.items() if text}


@dataclass(frozen=True, slots=True)
class Device:
    """A device by its name in Tango."""

    path: str
    name: str
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    commands: Mapping[str, Command] = field(default_factory=dict)


def shown(
    specs: Iterable[TagSpec],
    devices: Sequence[DeviceStatus],
    *,
    actor: Actor,
    prefix: str,
    names: Mapping[str, str],
    reserved: Container[str] = (),
) -> dict[str, Device]:
    """Devices by path; what `actor` may not write is read only or, if it has no value to read, left out.

    Of commands there are those that it may call and those that only read.

    Raises ValueError for names taken twice.
    """
    by_device: dict[str, dict[str, Attribute]] = {status.path: {} for status in devices}
    for spec in specs:
        attribute = _attribute(spec, writable=spec.access.writable and actor.may(Right.WRITE, spec.path))
        if attribute is not None:
            by_device.setdefault(spec.device, {})[attribute.name] = attribute
    commands = {s.path: [c for c in s.commands if c.reads or actor.may(Right.CALL, s.path)] for s in devices}
    called = tango_names(by_device, prefix, names)
    return {
        path: Device(path, called[path], attributes, _commands(commands.get(path, ()), reserved))
        for path, attributes in by_device.items()
    }


def tango_value(attribute: Attribute, reading: Reading | None) -> tuple[Any, int]:
    """The value as Tango takes it and the code of its quality; zero and invalid where there is none to be trusted."""
    if reading is None or reading.value is None or severity(reading.quality) == "bad":
        return _zero(attribute), _INVALID
    spec, value = attribute.spec, reading.value
    if spec.type is ValueType.ENUM and isinstance(value, str):
        value = spec.labels.index(value)
    elif isinstance(value, np.ndarray) and spec.type in _NARROW:
        value = value.astype(np.int16)
    elif spec.shape and spec.type is ValueType.STRING:
        value = [list(one) if isinstance(one, tuple) else one for one in value]
    return value, _WARNING if severity(reading.quality) == "uncertain" else _VALID


def written_value(attribute: Attribute, value: Any) -> Any:
    """What a Tango client wrote as a command of ours takes it."""
    plain = value.tolist() if hasattr(value, "tolist") else value
    labels = attribute.spec.labels
    if attribute.spec.type is ValueType.ENUM and isinstance(plain, int) and 0 <= plain < len(labels):
        return labels[plain]
    return [list(one) if isinstance(one, tuple) else one for one in plain] if isinstance(plain, tuple) else plain


def _commands(specs: Iterable[CommandSpec], reserved: Container[str]) -> dict[str, Command]:
    return {one.name: one for one in (command_of(spec, reserved) for spec in specs)}


def _attribute(spec: TagSpec, *, writable: bool) -> Attribute | None:
    if not writable and spec.access is Access.WRITE:
        return None
    return Attribute(spec, attribute_name(spec.name), TANGO_TYPES[spec.type], writable)


def _bounds(spec: TagSpec) -> dict[str, float | None]:
    limits, setpoint = spec.limits, spec.setpoint
    found: dict[str, float | None] = {"min_value": setpoint.low, "max_value": setpoint.high}
    if limits is not None:
        found |= {"min_alarm": limits.lolo, "min_warning": limits.lo}
        found |= {"max_warning": limits.hi, "max_alarm": limits.hihi}
    return found


def _written(spec: TagSpec, value: float | None) -> str:
    """A bound as text; empty where the type cannot hold it."""
    if value is None:
        return ""
    if spec.type.is_float:
        return repr(float(value))
    return str(int(value)) if float(value).is_integer() else ""


def _zero(attribute: Attribute) -> Any:
    spec = attribute.spec
    if spec.shape:
        return [] if len(spec.shape) == 1 else [[]]
    return "" if spec.type is ValueType.STRING else 0

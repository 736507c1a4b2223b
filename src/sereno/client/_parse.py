"""The JSON of the HTTP API back to the values of the ports (the other way: _json.py)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sereno.model import (
    Access,
    Ack,
    AckState,
    Limits,
    LinkState,
    OperationalState,
    Override,
    OverrideKind,
    Quality,
    Setpoint,
    TagSpec,
    ValueType,
)

from ._described import parse_command_spec
from ._times import parse_time
from ._values import DeviceStatus, GroupStatus, Reading, Series, TraceLine

_CODES = {"good": int(Quality.GOOD), "uncertain": int(Quality.UNCERTAIN), "bad": int(Quality.BAD)}


def parse_spec(data: Mapping[str, Any]) -> TagSpec:
    """A declaration. The birth path of a renamed tag is not told."""
    limits, setpoint = data.get("limits"), data.get("setpoint")
    return TagSpec(
        path=data["tag"],
        type=ValueType(data["type"]),
        unit=data["unit"],
        description=data["description"],
        access=Access(data["access"]),
        shape=tuple(data.get("shape") or ()),
        labels=tuple(data.get("labels") or ()),
        decimals=data.get("decimals"),
        low=data.get("low"),
        high=data.get("high"),
        deadband=data.get("deadband") or 0.0,
        limits=Limits(**_known(Limits, limits)) if limits else None,
        setpoint=_setpoint(setpoint) if setpoint else Setpoint(),
    )


def _setpoint(data: Mapping[str, Any]) -> Setpoint:
    known = _known(Setpoint, data)
    return Setpoint(**{**known, "sign": tuple(known.get("sign") or ())})


def parse_reading(data: Mapping[str, Any], spec: TagSpec) -> Reading:
    """A present value; its quality is told as a severity and a reason, its code is that of the severity."""
    age = data["age_s"]
    return Reading(
        tag=spec,
        value=parse_value(data["value"], spec),
        quality=_CODES[data["quality"]],
        reason=data["reason"],
        t_source=_ns(data["t_source"]),
        age=float("inf") if age is None else age,
    )


def parse_value(value: Any, spec: TagSpec) -> Any:
    """A value of the tag as `Reading.value` has it: arrays as numpy arrays, null inside them as NaN."""
    if not spec.shape or value is None or spec.type is ValueType.STRING:
        return value
    if spec.type is ValueType.ENUM:
        return np.array(value)
    dtype = np.dtype(spec.type.value)
    return np.array(_filled(value) if dtype.kind == "f" else value, dtype)


def parse_series(data: Mapping[str, Any], spec: TagSpec | None) -> Series:
    """History of a tag; without a declaration (the tag is no more) the values themselves say what they are."""
    values = data["value"]
    spec = None if data.get("until_ns") else spec
    bucketed = data["count"] is not None
    is_row = spec.is_row if spec else not any(isinstance(v, str | list) for v in values)
    is_exact = not bucketed and is_row and (spec.type.is_exact if spec else _beyond_float(values))
    objects = None
    if not is_row and not bucketed:
        objects = tuple(parse_value(v, spec) if spec else v for v in values)
    return Series(
        tag=data["tag"],
        unit=data["unit"],
        t=np.array(data["t_ns"], np.int64),
        value=_floats(values) if is_row or bucketed else np.full(len(values), np.nan),
        quality=np.array([_CODES[q] for q in data["quality"]], np.uint16),
        low=_floats(data["low"]) if bucketed else None,
        high=_floats(data["high"]) if bucketed else None,
        count=np.array(data["count"], np.int64) if bucketed else None,
        exact=_integers(values, spec) if is_exact else None,
        objects=objects,
        covered_until=data["covered_until_ns"],
        type=data.get("type", ""),
        labels=tuple(data.get("labels", ())),
        since=data.get("since_ns", 0),
        until=data.get("until_ns", 0),
        converted=tuple(data.get("converted", ())),
    )


def parse_device(data: Mapping[str, Any]) -> DeviceStatus:
    """A device with its groups."""
    known = _known(DeviceStatus, data)
    known["state"], known["link"] = OperationalState(data["state"]), LinkState(data["link"])
    known["groups"] = tuple(GroupStatus(**_known(GroupStatus, group)) for group in data["groups"])
    known["remarks"] = tuple(data.get("remarks", ()))
    known["maintenance"] = parse_override(data["maintenance"]) if data.get("maintenance") else None
    known["commands"] = tuple(parse_command_spec(spec) for spec in data.get("commands") or ())
    return DeviceStatus(**known)


def parse_override(data: Mapping[str, Any]) -> Override:
    """A substituted value or a device in maintenance."""
    known = _known(Override, data)
    known["kind"] = OverrideKind(data["kind"])
    return Override(**{**known, "since": _ns(data["since"]), "expires": _ns(data["expires"])})


def parse_ack(key: str, data: Mapping[str, Any]) -> Ack:
    """One step of the command `key`."""
    return Ack(
        key=key,
        state=AckState(data["state"]),
        t=_ns(data["t"]),
        reason=data.get("reason", ""),
        value=data.get("value"),
        details=data.get("details"),
    )


def parse_line(data: Mapping[str, Any]) -> TraceLine:
    """A raw frame."""
    return TraceLine(_ns(data["t"]), data["link"], data["direction"], bytes.fromhex(data["data"]), data["text"])


def _ns(text: str | None) -> int:
    return parse_time(text) if text else 0


def _known(kind: type[Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """What a newer node adds is left out."""
    names = {f.name for f in fields(kind)}
    return {name: value for name, value in data.items() if name in names}


def _filled(value: Any) -> Any:
    if isinstance(value, list):
        return [_filled(v) for v in value]
    return float("nan") if value is None else value


def _floats(values: list[Any]) -> NDArray[np.float64]:
    return np.array([np.nan if v is None else v for v in values], np.float64)


def _integers(values: list[Any], spec: TagSpec | None) -> NDArray[np.int64]:
    """uint64 tags stay unsigned."""
    plain = [v or 0 for v in values]
    unsigned = spec.type is ValueType.UINT64 if spec else max(plain, default=0) >= 1 << 63
    column: NDArray[Any] = np.array(plain, np.uint64 if unsigned else np.int64)
    return column


def _beyond_float(values: list[Any]) -> bool:
    return any(isinstance(v, int) and not isinstance(v, bool) and abs(v) > 1 << 53 for v in values)

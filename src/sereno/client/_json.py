"""Specs, readings, series and device status as the JSON of the HTTP API (used by web, remote client and CLI)."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import numpy as np

from sereno.model import Override, TagSpec, severity
from sereno.wire.jsonvalue import json_value

from ._described import command_spec_json
from ._values import DeviceStatus, Reading, Series


def iso_time(t_ns: int) -> str | None:
    """ns UTC as ISO 8601 with six digits and Z; None for 0 (never)."""
    if t_ns <= 0:
        return None
    seconds, rest = divmod(t_ns, 1_000_000_000)
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{rest // 1000:06d}Z"


def spec_json(spec: TagSpec) -> dict[str, Any]:
    """A declaration."""
    return {
        "tag": spec.path,
        "id": f"{spec.id:016x}",
        "type": spec.type.value,
        "unit": spec.unit,
        "description": spec.description,
        "access": spec.access.value,
        "labels": list(spec.labels),
        "low": spec.low,
        "high": spec.high,
        "deadband": spec.deadband_absolute,
        "decimals": spec.decimals,
        "limits": asdict(spec.limits) if spec.limits else None,
        "setpoint": asdict(spec.setpoint) if spec.access.writable else None,
        "shape": list(spec.shape),
    }


def reading_json(reading: Reading) -> dict[str, Any]:
    """A present value."""
    age = reading.age
    return {
        "tag": reading.tag.path,
        "value": json_value(reading.value),
        "unit": reading.tag.unit,
        "quality": severity(reading.quality),
        "reason": reading.reason,
        "t_source": iso_time(reading.t_source),
        "age_s": round(age, 3) if age != float("inf") else None,
    }


def series_json(series: Series) -> dict[str, Any]:
    """History of one tag as columns; `t_ns` integers ns UTC, quality as severity words."""
    value: Any = series.objects if series.objects is not None else series.value
    if series.exact is not None:
        value = series.exact.astype(object)
        value[np.isnan(series.value)] = None
    return {
        "tag": series.tag,
        "unit": series.unit,
        "t_ns": series.t.tolist(),
        "value": json_value(list(value) if series.objects is not None else value),
        "quality": [severity(q) for q in series.quality.tolist()],
        "low": None if series.low is None else json_value(series.low),
        "high": None if series.high is None else json_value(series.high),
        "count": None if series.count is None else series.count.tolist(),
        "covered_until_ns": series.covered_until,
        "type": series.type,
        "labels": list(series.labels),
        "since_ns": series.since,
        "until_ns": series.until,
        "converted": list(series.converted),
    }


def device_json(status: DeviceStatus) -> dict[str, Any]:
    """A device with its groups and counters."""
    return {
        **asdict(status),
        "state": status.state.value,
        "link": status.link.value,
        "maintenance": override_json(status.maintenance) if status.maintenance else None,
        "commands": [command_spec_json(spec) for spec in status.commands],
    }


def override_json(override: Override) -> dict[str, Any]:
    """An override; times ISO 8601, `expires` null where it has none."""
    return {
        **asdict(override),
        "kind": override.kind.value,
        "value": json_value(override.value),
        "since": iso_time(override.since),
        "expires": iso_time(override.expires),
    }

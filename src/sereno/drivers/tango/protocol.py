"""Words and values of Tango beside ours: types, states, qualities. No I/O, and no Tango package needed."""

from __future__ import annotations

from sereno.model import OperationalState, Quality, ValueType

STATES = (
    *("on", "off", "close", "open", "insert", "extract", "moving", "standby", "fault", "init", "running", "alarm"),
    *("disable", "unknown"),
)
"""Tango's states in the order of their codes."""

QUALITIES = ("valid", "invalid", "alarm", "changing", "warning")
"""Tango's qualities of an attribute in the order of their codes."""

INVALID = QUALITIES.index("invalid")

TYPES: dict[str, ValueType] = {
    "DevBoolean": ValueType.BOOL,
    "DevUChar": ValueType.UINT8,
    "DevShort": ValueType.INT16,
    "DevUShort": ValueType.UINT16,
    "DevLong": ValueType.INT32,
    "DevULong": ValueType.UINT32,
    "DevLong64": ValueType.INT64,
    "DevULong64": ValueType.UINT64,
    "DevFloat": ValueType.FLOAT32,
    "DevDouble": ValueType.FLOAT64,
    "DevString": ValueType.STRING,
    "DevEnum": ValueType.ENUM,
    "DevState": ValueType.ENUM,
    "DevEncoded": ValueType.STRING,
}
"""What a tag of an attribute of that type is."""

TANGO_TYPES: dict[ValueType, str] = {
    **{kind: name for name, kind in TYPES.items() if name not in ("DevState", "DevEncoded")},
    ValueType.INT8: "DevShort",
}
"""What an attribute of a tag of that type is."""

STATE_OF: dict[OperationalState, str] = {
    OperationalState.OFFLINE: "OFF",
    OperationalState.STANDBY: "STANDBY",
    OperationalState.DISABLED: "DISABLE",
    OperationalState.ENABLED: "ON",
    OperationalState.FAULT: "FAULT",
}
"""What state a Tango client sees of a device of ours."""


def quality_of(code: int) -> int:
    """Our quality for a code of Tango's: only an invalid value is not to be trusted; alarms are no quality."""
    return int(Quality.BAD if code == INVALID else Quality.GOOD)

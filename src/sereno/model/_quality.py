"""Quality of a sample: may this number be trusted? (OPC UA Part 8, upper half of the StatusCode)."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

SEVERITY_MASK = 0xC000


class Quality(IntEnum):
    """uint16 quality codes; the two top bits are the severity, the rest the reason."""

    GOOD = 0x0000
    SUBSTITUTED = 0x0096
    IMPORTED = 0x00A2
    UNCERTAIN = 0x4000
    LAST_USABLE = 0x4090
    SENSOR_NOT_ACCURATE = 0x4093
    OUT_OF_RANGE = 0x4094
    SUB_NORMAL = 0x4095
    CLOCK_SUSPECT = 0x40C1
    BAD = 0x8000
    CONFIGURATION_ERROR = 0x8089
    NOT_CONNECTED = 0x808A
    DEVICE_FAILURE = 0x808B
    SENSOR_FAILURE = 0x808C
    OUT_OF_SERVICE = 0x808D
    STALE = 0x8031
    WAITING = 0x8032
    REFUSED_BY_DEVICE = 0x8034
    NOT_IMPLEMENTED = 0x8040
    NOT_A_NUMBER = 0x8074


_REASONS: dict[int, str] = {
    Quality.GOOD: "",
    Quality.SUBSTITUTED: "substituted by hand",
    Quality.IMPORTED: "imported",
    Quality.UNCERTAIN: "uncertain",
    Quality.LAST_USABLE: "last usable value",
    Quality.SENSOR_NOT_ACCURATE: "sensor not accurate",
    Quality.OUT_OF_RANGE: "outside its range",
    Quality.SUB_NORMAL: "fewer sources than required",
    Quality.CLOCK_SUSPECT: "source clock suspect, time of receipt used",
    Quality.BAD: "bad",
    Quality.CONFIGURATION_ERROR: "configuration error",
    Quality.NOT_CONNECTED: "not connected",
    Quality.DEVICE_FAILURE: "device failure",
    Quality.SENSOR_FAILURE: "sensor failure",
    Quality.OUT_OF_SERVICE: "out of service",
    Quality.STALE: "stale",
    Quality.WAITING: "waiting for the first value",
    Quality.REFUSED_BY_DEVICE: "refused by the device",
    Quality.NOT_IMPLEMENTED: "not implemented",
    Quality.NOT_A_NUMBER: "not a number",
}


def severity(code: int) -> str:
    """'good', 'uncertain' or 'bad'."""
    return ("good", "uncertain", "bad", "bad")[(code & SEVERITY_MASK) >> 14]


def reason(code: int) -> str:
    """The reason in words; empty for plain good."""
    return _REASONS.get(code) or ("" if code == 0 else f"{severity(code)} (0x{code:04x})")


def is_good(codes: NDArray[np.uint16]) -> NDArray[np.bool_]:
    """Element-wise: severity good."""
    good: NDArray[np.bool_] = (codes & SEVERITY_MASK) == 0
    return good


def worst(codes: NDArray[np.uint16]) -> int:
    """The code of highest severity (the first of equals); GOOD when empty."""
    if codes.size == 0:
        return int(Quality.GOOD)
    return int(codes[int(np.argmax(np.minimum(codes >> 14, 2)))])

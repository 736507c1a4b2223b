"""What the integral of a rate over time is counted in."""

from __future__ import annotations

_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_POWERS = {"W": "Wh", "kW": "kWh", "MW": "MWh", "VA": "VAh", "kVA": "kVAh", "var": "varh", "kvar": "kvarh"}
_CHARGES = {"A": "Ah", "mA": "mAh"}


def total_unit(unit: str) -> tuple[str, float]:
    """The unit of a total over time, and how many seconds of the rate make one of it: m3/h -> m3, 3600."""
    above, slash, below = unit.rpartition("/")
    if slash and above and below in _SECONDS:
        return above, _SECONDS[below]
    found = _POWERS.get(unit) or _CHARGES.get(unit) or (f"{unit}*h" if unit and unit not in ("1", "%") else "h")
    return found, _SECONDS["h"]

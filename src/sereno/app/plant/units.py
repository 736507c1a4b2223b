"""Units are text; whether the text is a unit is asked once, when a plant is loaded."""

from __future__ import annotations

from functools import lru_cache
from tokenize import TokenError
from typing import Any

_LITRES = "l ml l/s l/min l/h mg/l g/l ug/l"
_OTHERS = """
% 1 m mm cm km um nm m2 m3 m/s mm/s m/s2 km/h m3/h m3/s m3/d kg g mg t kg/h kg/s g/h kg/m3
s ms min h d 1/s 1/min 1/h Hz kHz MHz rpm Pa hPa kPa MPa bar mbar degC degF K
V mV kV A mA W kW MW Wh kWh MWh VA kVA var kvar ohm N Nm J kJ
lx deg rad arcsec arcmin mm/h uS/cm NTU pH ppm dB
"""
COMMON = frozenset(["", *_LITRES.split(), *_LITRES.replace("l", "L").split(), *_OTHERS.split()])
"""Units of the trade that need no look-up; a test holds every one of them against pint, or `NAMES`."""

NAMES = frozenset({"NTU", "pH", "1", "%", "var", "kvar"})
"""Scales that are used as units and that pint does not know."""


_ODD = (ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TokenError, TypeError, ValueError)
"""What pint raises for text that is no unit, besides its own errors."""


@lru_cache(maxsize=1024)
def unit_fault(unit: str) -> str:
    """Empty if `unit` is one, else what is wrong with it. pint is imported only for units outside COMMON."""
    if unit in COMMON:
        return ""
    return pint_fault(unit)


def pint_fault(unit: str) -> str:
    """What pint says about `unit`: empty or the fault."""
    from pint import PintError

    try:
        _registry().parse_units(_exponents(unit))
    except (PintError, *_ODD):
        return f"unknown unit {unit!r}, expected for example m3/h, degC, bar, mg/l"
    return ""


@lru_cache(maxsize=1)
def _registry() -> Any:
    from pint import UnitRegistry

    return UnitRegistry()


def _exponents(unit: str) -> str:
    """m3/h -> m**3/h, as pint writes powers."""
    text = ""
    for i, char in enumerate(unit):
        follows_letter = i > 0 and unit[i - 1].isalpha()
        text += f"**{char}" if char.isdigit() and follows_letter else char
    return text

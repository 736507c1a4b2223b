"""ALPACA: what `driver = "alpaca"` means in a plant file."""

from __future__ import annotations

from sereno.device.instruments import InstrumentFamily

from .camera import AlpacaCamera
from .movers import AlpacaDome, AlpacaFocuser, AlpacaTelescope, AlpacaWheel
from .readers import AlpacaConditions, AlpacaSafety, AlpacaSwitch

ALPACA = InstrumentFamily(
    "alpaca",
    {
        "telescope": AlpacaTelescope,
        "dome": AlpacaDome,
        "camera": AlpacaCamera,
        "filterwheel": AlpacaWheel,
        "focuser": AlpacaFocuser,
        "observingconditions": AlpacaConditions,
        "safetymonitor": AlpacaSafety,
        "switch": AlpacaSwitch,
    },
)

"""INDI: what `driver = "indi"` means in a plant file."""

from __future__ import annotations

from sereno.device.instruments import InstrumentFamily

from .camera import IndiCamera
from .movers import IndiDome, IndiFocuser, IndiTelescope, IndiWheel
from .readers import IndiConditions, IndiSafety, IndiSwitch

INDI = InstrumentFamily(
    "indi",
    {
        "telescope": IndiTelescope,
        "dome": IndiDome,
        "camera": IndiCamera,
        "filterwheel": IndiWheel,
        "focuser": IndiFocuser,
        "observingconditions": IndiConditions,
        "safetymonitor": IndiSafety,
        "switch": IndiSwitch,
    },
)

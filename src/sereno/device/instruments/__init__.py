"""Instruments of an observatory: one interface for each kind, whatever drives it. See docs/instruments.md."""

from sereno.wire.fits import FitsError, FitsImage, decode_fits, decode_header, encode_fits

from . import sky
from .camera import Camera, CameraState, CameraStatus, FrameKind, Picture
from .dome import Dome, DomeStatus, ShutterState
from .focuser import Focuser, FocuserStatus
from .instrument import LOOK, UNKNOWN, Instrument, InstrumentFamily, is_unknown
from .switch import Switch, SwitchChannel, SwitchStatus
from .telescope import Telescope, TelescopeState, TelescopeStatus
from .weather import ConditionsStatus, ObservingConditions, SafetyMonitor, SafetyStatus
from .wheel import FilterWheel, WheelState, WheelStatus

KINDS: dict[str, type[Instrument]] = {
    "telescope": Telescope,
    "dome": Dome,
    "camera": Camera,
    "filterwheel": FilterWheel,
    "focuser": Focuser,
    "observingconditions": ObservingConditions,
    "safetymonitor": SafetyMonitor,
    "switch": Switch,
}
"""What a plant file calls each kind."""

__all__ = [
    "KINDS",
    "LOOK",
    "UNKNOWN",
    "Camera",
    "CameraState",
    "CameraStatus",
    "ConditionsStatus",
    "Dome",
    "DomeStatus",
    "FilterWheel",
    "FitsError",
    "FitsImage",
    "Focuser",
    "FocuserStatus",
    "FrameKind",
    "Instrument",
    "InstrumentFamily",
    "ObservingConditions",
    "Picture",
    "SafetyMonitor",
    "SafetyStatus",
    "ShutterState",
    "Switch",
    "SwitchChannel",
    "SwitchStatus",
    "Telescope",
    "TelescopeState",
    "TelescopeStatus",
    "WheelState",
    "WheelStatus",
    "decode_fits",
    "decode_header",
    "encode_fits",
    "is_unknown",
    "sky",
]

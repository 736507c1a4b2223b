"""What each kind of Alpaca device answers, over its model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

from sereno.device.instruments import CameraState, ConditionsStatus, ShutterState
from sereno.drivers.alpaca.protocol import CONDITIONS
from sereno.model import DeviceError

from .alpaca import Getter, Members, Putter, SimDevice, constant
from .answers import constants, told, within
from .camera import BINNINGS, SimCamera
from .dome import SimDome
from .small import SimConditions, SimFocuser, SimSafety, SimSwitches, SimWheel
from .values import Arguments

_SHUTTER = {
    ShutterState.OPEN: 0,
    ShutterState.CLOSED: 1,
    ShutterState.OPENING: 2,
    ShutterState.CLOSING: 3,
    ShutterState.ERROR: 4,
}
_CAMERA = {CameraState.IDLE: 0, CameraState.EXPOSING: 2, CameraState.READING: 3}


def dome(model: SimDome, actor: str = "dome", *, shutter: bool = True) -> SimDevice:
    """A dome that turns, and has a shutter unless that is somebody else's."""
    moving = (ShutterState.OPENING, ShutterState.CLOSING)
    without = () if shutter else ("shutterstatus", "openshutter", "closeshutter")
    members = Members(
        get={
            "shutterstatus": told(lambda: _SHUTTER[model.shutter]),
            "azimuth": told(lambda: model.azimuth),
            "slewing": told(lambda: model.turning or model.shutter in moving),
            "atpark": told(lambda: model.parked),
            **constants(
                athome=False, slaved=False, canfindhome=False, canpark=True, cansetaltitude=False, cansetazimuth=True,
                cansetpark=False, cansetshutter=shutter, canslave=False, cansyncazimuth=False,
            ),
        },
        put={
            "openshutter": lambda _: model.move(1.0),
            "closeshutter": lambda _: model.move(0.0),
            "slewtoazimuth": lambda given: model.turn(given.number("Azimuth")),
            "park": lambda _: model.park(),
            "abortslew": lambda _: model.abort(),
        },
        lacks=frozenset(("altitude", "findhome", "setpark", "slewtoaltitude", "synctoazimuth", *without)),
        force={"jam": lambda on: model.jam(bool(on))},
        actions={"watchdog": lambda text: _watchdog(model, text)} if shutter else {},
        heard=model.heard,
        state=(*(("ShutterStatus",) if shutter else ()), "Azimuth", "Slewing", "AtPark"),
    )  # fmt: skip
    return SimDevice("dome", "Dome", members, version=3, actor=actor)


def _watchdog(model: SimDome, text: str) -> str:
    """Set, unless there is no text; told."""
    if text.strip():
        try:
            seconds = float(text)
        except ValueError:
            seconds = -1.0
        model.watchdog = within(seconds, 0, 3600, "watchdog")
    return f"{model.watchdog:g}"


def wheel(model: SimWheel, actor: str = "filterWheel") -> SimDevice:
    """A filter wheel."""
    members = Members(
        get={
            "position": told(lambda: model.position),
            "names": told(lambda: list(model.filters)),
            "focusoffsets": told(lambda: [0] * len(model.filters)),
        },
        put={"position": lambda given: model.move(given.whole("Position"))},
        force={"stuck": lambda on: setattr(model, "stuck", bool(on))},
        state=("Position",),
    )
    return SimDevice("filterwheel", "Filter wheel", members, version=3, actor=actor)


def focuser(model: SimFocuser, actor: str = "focuser") -> SimDevice:
    """A focuser that knows where it is."""
    members = Members(
        get={
            "position": told(lambda: model.position),
            "ismoving": told(lambda: model.moving),
            "temperature": told(lambda: model.temperature),
            **constants(absolute=True, maxincrement=model.most, maxstep=model.most, stepsize=2.0, tempcomp=False,
                         tempcompavailable=False),
        },
        put={"move": lambda given: model.move(given.whole("Position")), "halt": lambda _: model.abort()},
        lacks=frozenset(),
        force={"temperature": lambda value: setattr(model, "temperature", float(value))},
        state=("Position", "IsMoving", "Temperature"),
    )  # fmt: skip
    return SimDevice("focuser", "Focuser", members, version=4, actor=actor)


def conditions(model: SimConditions, actor: str = "conditions") -> SimDevice:
    """A weather station."""

    def read(tag: str) -> Getter:
        def get(_: Arguments) -> float:
            value = getattr(model.now, tag)
            if value is None:
                raise DeviceError("not_implemented", f"there is no sensor of {tag}")
            return float(value)

        return get

    def force(tag: str) -> Callable[[Any], None]:
        def set_(value: Any) -> None:
            model.now = replace(model.now, **{tag: None if value is None else float(value)})

        return set_

    members = Members(
        get={
            **{member: read(tag) for tag, member in CONDITIONS.items()},
            "averageperiod": constant(0.0),
            "sensordescription": lambda given: f"simulated sensor of {given.text('SensorName')}",
            "timesincelastupdate": constant(0.0),
        },
        put={"refresh": lambda _: None, "averageperiod": lambda given: _only_zero(given.number("AveragePeriod"))},
        lacks=frozenset(("skyquality",)),
        force={field.name: force(field.name) for field in fields(ConditionsStatus)},
        state=tuple(CONDITIONS.values()),
    )
    return SimDevice("observingconditions", "Weather station", members, version=2, actor=actor)


def _only_zero(value: float) -> None:
    if value:
        raise DeviceError("invalid_value", f"average period {value:g} h, expected 0")


def safety(model: SimSafety, actor: str = "safety") -> SimDevice:
    """A safety monitor."""
    members = Members(
        get={"issafe": told(lambda: model.safe)},
        force={"safe": lambda on: setattr(model, "safe", bool(on))},
        state=("IsSafe",),
    )
    return SimDevice("safetymonitor", "Safety monitor", members, version=3, actor=actor)


def switch(model: SimSwitches, actor: str = "switch") -> SimDevice:
    """A box of switches."""

    def channel(given: Arguments) -> int:
        number = given.whole("Id")
        if not 0 <= number < len(model.channels):
            raise DeviceError("invalid_value", f"switch {number}, expected 0 to {len(model.channels) - 1}")
        return number

    def of(name: str) -> Getter:
        return lambda given: getattr(model.channels[channel(given)], name)

    members = Members(
        get={
            "maxswitch": told(lambda: len(model.channels)),
            "canwrite": of("writable"),
            "canasync": lambda given: channel(given) < 0,
            "getswitchname": of("name"),
            "getswitchdescription": of("description"),
            "minswitchvalue": of("low"),
            "maxswitchvalue": of("high"),
            "switchstep": of("step"),
            "getswitchvalue": lambda given: model.values[channel(given)],
            "getswitch": lambda given: model.values[number := channel(given)] > model.channels[number].low,
            "statechangecomplete": lambda given: channel(given) >= 0,
        },
        put={
            "setswitchvalue": lambda given: model.set(channel(given), given.number("Value")),
            "setswitch": lambda given: model.set(
                number := channel(given), getattr(model.channels[number], "high" if given.truth("State") else "low")
            ),
        },
        lacks=frozenset(("setswitchname", "setasync", "setasyncvalue", "cancelasync")),
        force={one.name: _forced(model, number) for number, one in enumerate(model.channels)},
    )
    return SimDevice("switch", "Switches", members, version=3, actor=actor)


def _forced(model: SimSwitches, number: int) -> Callable[[Any], None]:
    def set_(value: Any) -> None:
        model.values[number] = float(value)

    return set_


_CAMERA_LACKS = frozenset((
    "bayeroffsetx", "bayeroffsety", "fastreadout", "gainmax", "gainmin", "offset", "offsetmax", "offsetmin",
    "offsets", "pulseguide", "stopexposure", "subexposureduration", "imagearrayvariant",
))  # fmt: skip


def camera(model: SimCamera, actor: str = "cameraVIS") -> SimDevice:
    """A camera."""
    members = Members(
        get=_camera_answers(model),
        put=_camera_orders(model),
        lacks=_CAMERA_LACKS,
        force={"silent": lambda on: setattr(model, "silent", bool(on))},
        image=model.image,
        state=("CameraState", "CCDTemperature", "CoolerPower", "ImageReady", "PercentCompleted"),
    )
    return SimDevice("camera", model.sensor.name, members, version=4, actor=actor)


def _camera_answers(model: SimCamera) -> dict[str, Getter]:
    sensor = model.sensor
    return {
        "camerastate": told(lambda: _CAMERA[model.state]),
        "imageready": told(lambda: model.ready),
        "percentcompleted": told(lambda: round(model.progress)),
        "ccdtemperature": told(lambda: model.temperature),
        "setccdtemperature": told(lambda: model.target),
        "cooleron": told(lambda: model.cooler),
        "coolerpower": told(lambda: model.cooler_power),
        "binx": told(lambda: model.binning),
        "biny": told(lambda: model.binning),
        "numx": told(lambda: model.size[0]),
        "numy": told(lambda: model.size[1]),
        "lastexposureduration": told(lambda: model.last[0]),
        "lastexposurestarttime": told(
            lambda: datetime.fromtimestamp(model.last[1] / 1e9, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
        ),
        **constants(
            startx=0, starty=0, bayeroffsetx=0, cameraxsize=sensor.width, cameraysize=sensor.height,
            canabortexposure=True, canasymmetricbin=False, canfastreadout=False, cangetcoolerpower=True,
            canpulseguide=False, cansetccdtemperature=True, canstopexposure=False, electronsperadu=sensor.gain,
            exposuremax=86400.0, exposuremin=0.0, exposureresolution=0.001, fullwellcapacity=sensor.full,
            gain=0, gains=["normal"], hasshutter=True, heatsinktemperature=15.0, ispulseguiding=False,
            maxadu=sensor.most, maxbinx=max(BINNINGS), maxbiny=max(BINNINGS), pixelsizex=9.0, pixelsizey=9.0,
            readoutmode=0, readoutmodes=["normal"], sensorname=sensor.name, sensortype=0,
        ),
    }  # fmt: skip


def _camera_orders(model: SimCamera) -> dict[str, Putter]:
    def only(member: str, expected: Callable[[], int]) -> Putter:
        def put(given: Arguments) -> None:
            if (value := given.whole(member)) != expected():
                raise DeviceError("invalid_value", f"{member} {value}, expected {expected()}: no sub-frames")

        return put

    return {
        "startexposure": lambda given: model.expose(given.number("Duration"), light=given.truth("Light")),
        "abortexposure": lambda _: model.abort(),
        "cooleron": lambda given: model.cool(on=given.truth("CoolerOn")),
        "setccdtemperature": lambda given: model.cool(target=given.number("SetCCDTemperature")),
        "binx": lambda given: model.bin(given.whole("BinX")),
        "biny": lambda given: model.bin(given.whole("BinY")),
        "startx": only("StartX", lambda: 0),
        "starty": only("StartY", lambda: 0),
        "numx": only("NumX", lambda: model.size[0]),
        "numy": only("NumY", lambda: model.size[1]),
        "gain": only("Gain", lambda: 0),
        "readoutmode": only("ReadoutMode", lambda: 0),
    }

"""What a simulated Alpaca telescope answers, over its model: it speaks of the equinox of date."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from sereno.model import DeviceError

from .alpaca import Getter, Members, Putter, SimDevice, constant
from .answers import constants, told, within
from .telescope import SimTelescope
from .values import Arguments

_CANNOT = (
    "pulseguide",
    "setpierside",
    "setguiderates",
    "setdeclinationrate",
    "setrightascensionrate",
    "setpark",
    "findhome",
)
_ALWAYS: dict[str, Getter] = {
    "axisrates": constant([]),
    "canmoveaxis": constant(False),
    "destinationsideofpier": constant(-1),
    **constants(
        alignmentmode=2, aperturearea=0.19, aperturediameter=0.5, athome=False, declinationrate=0.0,
        doesrefraction=False, equatorialsystem=1, focallength=1.6, ispulseguiding=False, rightascensionrate=0.0,
        trackingrate=0, trackingrates=[0], canpark=True, canunpark=True,
        canslew=False, canslewasync=True, canslewaltaz=False, canslewaltazasync=True, cansync=True,
        cansyncaltaz=False, cansettracking=True,
    ),
    **{f"can{name}": constant(False) for name in _CANNOT},
}  # fmt: skip
"""What is so whatever the telescope does."""
_LACKS = frozenset((
    "guideratedeclination", "guideraterightascension", "sideofpier", "findhome", "moveaxis", "pulseguide",
    "setpark", "slewtoaltaz", "slewtocoordinates", "slewtotarget", "synctoaltaz",
))  # fmt: skip


class _Target:
    """Where to slew next, set one coordinate at a time."""

    def __init__(self) -> None:
        self._set: dict[str, float] = {}

    @property
    def position(self) -> tuple[float, float]:
        """Right ascension and declination. Raises DeviceError while one of them was not set."""
        if len(self._set) < 2:
            raise DeviceError("value_not_set", "no target was set")
        return self._set["TargetRightAscension"], self._set["TargetDeclination"]

    def aim(self, name: str, low: float, high: float) -> Callable[[Arguments], None]:
        def put(given: Arguments) -> None:
            self._set[name] = within(given.number(name), low, high, name)

        return put


def telescope(model: SimTelescope, actor: str = "telescope") -> SimDevice:
    """A telescope on its mount."""
    target = _Target()
    members = Members(
        get=_answers(model, target),
        put=_orders(model, target),
        lacks=_LACKS,
        force={"stuck": lambda on: setattr(model, "stuck", bool(on))},
        state=("RightAscension", "Declination", "Altitude", "Azimuth", "Slewing", "Tracking", "AtPark"),
    )
    return SimDevice("telescope", "Telescope", members, version=4, actor=actor)


def _answers(model: SimTelescope, target: _Target) -> dict[str, Getter]:
    return {
        "rightascension": told(lambda: model.position()[0]),
        "declination": told(lambda: model.position()[1]),
        "altitude": told(lambda: model.horizontal()[0]),
        "azimuth": told(lambda: model.horizontal()[1]),
        "siderealtime": told(lambda: model.sidereal),
        "slewing": told(lambda: model.slewing),
        "tracking": told(lambda: model.tracking),
        "atpark": told(lambda: model.parked and not model.slewing),
        "utcdate": told(lambda: datetime.fromtimestamp(model.now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")),
        "sitelatitude": told(lambda: model.latitude),
        "sitelongitude": told(lambda: model.longitude),
        "siteelevation": told(lambda: model.elevation),
        "targetrightascension": told(lambda: target.position[0]),
        "targetdeclination": told(lambda: target.position[1]),
        "slewsettletime": told(lambda: round(model.settle)),
        **_ALWAYS,
    }


def _orders(model: SimTelescope, target: _Target) -> dict[str, Putter]:
    return {
        "slewtocoordinatesasync": lambda given: _slew(
            model, given.number("RightAscension"), given.number("Declination")
        ),
        "slewtotargetasync": lambda _: _slew(model, *target.position),
        "slewtoaltazasync": lambda given: model.slew_horizontal(given.number("Altitude"), given.number("Azimuth")),
        "synctocoordinates": lambda given: model.sync(given.number("RightAscension"), given.number("Declination")),
        "synctotarget": lambda _: model.sync(*target.position),
        "targetrightascension": target.aim("TargetRightAscension", 0, 24),
        "targetdeclination": target.aim("TargetDeclination", -90, 90),
        "tracking": lambda given: model.track(given.truth("Tracking")),
        "park": lambda _: model.park(),
        "unpark": lambda _: model.unpark(),
        "abortslew": lambda _: model.abort(),
    }


def _slew(model: SimTelescope, right_ascension: float, declination: float) -> None:
    within(right_ascension, 0, 24, "RightAscension")
    within(declination, -90, 90, "Declination")
    if not model.parked and not model.tracking:
        raise DeviceError("invalid_operation", "the mount does not track; put tracking first")
    model.slew(right_ascension, declination)

"""VOEvents of simulated gamma-ray bursts: the alert, its retraction, and the test that networks send now and then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated
from xml.etree.ElementTree import Element, SubElement, tostring

import msgspec

from .transport import VOEVENT, VOEvent

STREAM = "ivo://sereno.simulated/alerts"
KINDS = ("burst", "test", "retraction")
_FRAME = "UTC-FK5-GEO"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Burst(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A burst: right ascension, declination and the radius of their error in degrees (J2000), significance (sigma)."""

    ra: Annotated[float, msgspec.Meta(ge=0, lt=360)] = 250.42
    dec: Annotated[float, msgspec.Meta(ge=-90, le=90)] = 36.46
    error: Annotated[float, msgspec.Meta(gt=0, le=180)] = 0.05
    significance: Annotated[float, msgspec.Meta(ge=0)] = 12.0


def burst(what: Burst, t_ns: int, number: int, *, test: bool = False) -> VOEvent:
    """The alert of a burst that began at `t_ns`; `number` tells it from others of the moment."""
    kind = "test" if test else "burst"
    root, ivorn = _root("test" if test else "observation", kind, t_ns, number)
    said = SubElement(root, "What")
    _param(said, "TrigID", str(number), "meta.id")
    _param(said, "Rate_Signif", f"{what.significance:g}", "stat.snr", "sigma")
    _where(root, what, t_ns)
    why = SubElement(root, "Why", importance="0.5")
    inference = SubElement(why, "Inference", probability="0" if test else "0.9")
    SubElement(inference, "Name").text = f"GRB {_time(t_ns):%y%m%d}"
    SubElement(inference, "Concept").text = "process.variation.burst;em.gamma"
    SubElement(root, "Description").text = "A test; nothing was seen" if test else "A gamma-ray burst"
    return _event(root, ivorn)


def retraction(of: str, t_ns: int, number: int) -> VOEvent:
    """The alert that takes the alert `of` (its IVORN) back."""
    root, ivorn = _root("observation", "retraction", t_ns, number)
    why = SubElement(root, "Why", importance="0.5")
    SubElement(SubElement(why, "Inference", probability="0"), "Concept").text = "process.variation.burst;em.gamma"
    SubElement(SubElement(root, "Citations"), "EventIVORN", cite="retraction").text = of
    SubElement(root, "Description").text = "It was no gamma-ray burst"
    return _event(root, ivorn)


def iso(t_ns: int) -> str:
    """A time as events and messages write it: UTC, in milliseconds."""
    return _time(t_ns).isoformat(timespec="milliseconds")


def _time(t_ns: int) -> datetime:
    return (_EPOCH + timedelta(microseconds=t_ns // 1000)).replace(tzinfo=None)


def _root(role: str, kind: str, t_ns: int, number: int) -> tuple[Element, str]:
    ivorn = f"{STREAM}#{kind}-{iso(t_ns)}-{number}"
    root = Element(f"{{{VOEVENT}}}VOEvent", version="2.0", role=role, ivorn=ivorn)
    who = SubElement(root, "Who")
    SubElement(who, "AuthorIVORN").text = STREAM
    SubElement(who, "Date").text = _time(t_ns).isoformat(timespec="seconds")
    SubElement(who, "Description").text = "Simulated: nothing of this happened"
    return root, ivorn


def _param(what: Element, name: str, value: str, ucd: str, unit: str = "") -> None:
    more = {"unit": unit} if unit else {}
    SubElement(what, "Param", {"name": name, "value": value, "ucd": ucd, "dataType": "string", **more})


def _where(root: Element, what: Burst, t_ns: int) -> None:
    data = SubElement(SubElement(root, "WhereWhen"), "ObsDataLocation")
    SubElement(data, "ObservatoryLocation", id="GEOLUN")
    place = SubElement(data, "ObservationLocation")
    SubElement(place, "AstroCoordSystem", id=_FRAME)
    coordinates = SubElement(place, "AstroCoords", coord_system_id=_FRAME)
    instant = SubElement(SubElement(coordinates, "Time", unit="s"), "TimeInstant")
    SubElement(instant, "ISOTime").text = iso(t_ns)
    position = SubElement(coordinates, "Position2D", unit="deg")
    SubElement(position, "Name1").text = "RA"
    SubElement(position, "Name2").text = "Dec"
    value = SubElement(position, "Value2")
    SubElement(value, "C1").text = f"{what.ra:.6f}"
    SubElement(value, "C2").text = f"{what.dec:.6f}"
    SubElement(position, "Error2Radius").text = f"{what.error:.6f}"


def _event(root: Element, ivorn: str) -> VOEvent:
    return VOEvent(ivorn, root.get("role", ""), bytes(tostring(root, encoding="UTF-8", xml_declaration=True)))

"""What stands at the site: the sensors of the bare PLC, and those and the actuators of our extension."""

from __future__ import annotations

from dataclasses import dataclass, field

from sereno.drivers.jsonplc.protocol import Value


@dataclass(slots=True)
class SimValue:
    """One value of a device."""

    value: Value
    unit: str = ""
    comment: str = ""


@dataclass(slots=True)
class SimDevice:
    """One device behind the PLC. `broken`: for how many more answers it is not there."""

    name: str
    kind: str
    serial: str
    values: dict[str, SimValue]
    valid: bool = True
    broken: int = 0


@dataclass(frozen=True, slots=True)
class Actuator:
    """What may be set: the words it takes, what it says on its way there, and how many seconds that takes.

    `safe`: where it goes by itself when nobody beats any more.
    """

    words: tuple[str, ...]
    on_the_way: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    safe: str = ""


SWITCH = Actuator(("off", "on"))
ACTUATORS: dict[tuple[str, str], Actuator] = {
    ("DOME", "shutter"): Actuator(("closed", "open"), {"open": "opening", "closed": "closing"}, 6.0, "closed"),
    ("LIGHTS", "dome_light"): SWITCH,
    ("POWER", "telescope"): SWITCH,
    ("POWER", "cameras"): SWITCH,
}


def bare_devices() -> list[SimDevice]:
    """The original site's devices, value by value."""
    lamp = {"status": SimValue("on"), "current": SimValue(0.234, "Ampere")}
    return [
        SimDevice("WXT520", "meteo", "14656423", {
            "OutsideTemp": SimValue(12.12, "Celcius"),
            "OutsideHumidity": SimValue(64.1, "percent"),
            "Pressure": SimValue(769.2, "mbar"),
            "RainRate": SimValue(0.0, "mm/h"),
            "WindSpeed": SimValue(3.1, "m/s"),
            "WindDir": SimValue(202.3, "deg", "(N=0, E=90)"),
            "DewPoint": SimValue(8.3, "deg"),
        }),
        SimDevice("DRD11", "meteo", "1", {
            "analog": SimValue(2.345, "V", "3V=Dry <2.5V=Rain"),
            "digital": SimValue(1, "bool", "1=Dry 0=Rain"),
        }),
        SimDevice("VantagePro", "meteo", "2", {
            "OutsideTemp": SimValue(12.45, "Celcius"),
            "InsideTemp": SimValue(20.28, "Celcius"),
            "OutsideHumidity": SimValue(65.3, "percent"),
            "InsideHumidity": SimValue(45.6, "percent"),
            "Pressure": SimValue(768.7, "mbar"),
            "RainRate": SimValue(0.0, "mm/h"),
            "WindSpeed": SimValue(2.8, "m/s"),
            "WindDir": SimValue(207.0, "deg", "(N=0, E=90)"),
            "WindDirCardinal": SimValue("SW", "string"),
            "DewPoint": SimValue(8.5, "deg"),
        }, valid=False),
        SimDevice("MLX90614-1", "meteo", "3", {
            "SensorTemperature": SimValue(23.56, "Celcius"),
            "SkyTemperature": SimValue(-15.67, "Celcius", "Clear<-10 VeryCloudy>4"),
        }),
        SimDevice("LAMP_FLAT_CAGIRE", "calib", "4", dict(lamp)),
        SimDevice("LAMP FLAT CAGIRE", "calib", "5", dict(lamp)),
    ]  # fmt: skip


def site_devices() -> list[SimDevice]:
    """The same with what our extension adds: inside sensors, door, motion, dome, lights, power."""
    return [
        *bare_devices(),
        SimDevice("INSIDE", "meteo", "6", {
            "InsideTemp": SimValue(14.2, "Celcius"),
            "InsideHumidity": SimValue(48.0, "percent"),
            "InsidePressure": SimValue(769.0, "mbar"),
        }),
        SimDevice("LIGHTNING", "meteo", "11", {"Strikes": SimValue(0.0, "1/min", "within 30 km")}),
        SimDevice("DOORS", "site", "7", {"dome_door": SimValue("closed"), "motion": SimValue(0, "bool")}),
        SimDevice("DOME", "site", "8", {"shutter": SimValue("closed")}),
        SimDevice("LIGHTS", "site", "9", {"dome_light": SimValue("off")}),
        SimDevice("POWER", "site", "10", {"telescope": SimValue("on"), "cameras": SimValue("on")}),
    ]  # fmt: skip

"""The registers of the two PLCs: every tag's place, made from one list a kind of machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sereno.model import ValueType
from sereno.sim.registers import Binding, Order, Table

WORDS = 600
"""Registers of each table that a PLC serves; beyond is illegal. Bits likewise."""
PUMP_BASES = {1: 100, 2: 120, 3: 100, 4: 120}
RIVER_ANALYSERS = {"turbidity": 400, "chlorine": 404, "ph": 408, "conductivity": 412, "turbidity_out": 416}
TOWN_VALVES = {"valve1": 200, "valve2": 204, "valve3": 208}

F32, U16, I16, U32, U64, I64 = (
    ValueType.FLOAT32,
    ValueType.UINT16,
    ValueType.INT16,
    ValueType.UINT32,
    ValueType.UINT64,
    ValueType.INT64,
)
ENUM, BOOL, STRING = ValueType.ENUM, ValueType.BOOL, ValueType.STRING
STATUS_BITS = ("running", "stopped", "fault", "ready", "interlock", None, "lead")
"""Bits of a pump's status word that are tags of their own; bit 5 is auto."""


def _at(  # noqa: PLR0917 - a column each
    table: Table,
    address: int,
    name: str,
    kind: ValueType,
    scale: float = 1.0,
    bit: int | None = None,
    length: int = 0,
    count: int = 1,
    word_order: Order = "big",
) -> Binding:
    return Binding(
        name=name,
        table=table,
        address=address,
        type=kind,
        scale=scale,
        bit=bit,
        length=length,
        count=count,
        word_order=word_order,
    )


def _pump(number: int) -> Iterator[Binding]:
    base, name = PUMP_BASES[number], f"pump{number}"
    yield _at("input", base, f"{name}_state", ENUM)
    yield _at("input", base + 1, f"{name}_speed", U16, 0.1)
    yield _at("input", base + 2, f"{name}_flow", F32)
    yield _at("input", base + 4, f"{name}_pressure", F32)
    yield _at("input", base + 6, f"{name}_power", F32)
    yield _at("input", base + 8, f"{name}_current", U16, 0.1)
    yield _at("input", base + 9, f"{name}_temperature", I16, 0.1)
    yield _at("input", base + 10, f"{name}_hours", U32, 0.01)
    yield _at("input", base + 12, f"{name}_starts", U32)
    yield _at("input", base + 14, f"{name}_energy", U64)
    yield _at("input", base + 18, f"{name}_status", U16)
    for bit, word in enumerate(STATUS_BITS):
        if word:
            yield _at("input", base + 18, f"{name}_{word}", BOOL, bit=bit)
    yield _at("input", base + 19, f"{name}_trips", U16)
    yield _at("holding", base, f"{name}_speed_setpoint", F32)
    for offset, word in enumerate(("auto", "start", "stop", "reset")):
        yield _at("coil", base + offset, f"{name}_{word}", BOOL)


def _valve(name: str, position: str, base: int) -> Iterator[Binding]:
    yield _at("input", base, position, U16, 0.1)
    yield _at("input", base + 1, f"{name}_state", ENUM)
    yield _at("input", base + 2, f"{name}_strokes", U16)
    yield _at("holding", base, f"{name}_setpoint", U16, 0.1)
    yield _at("coil", base, f"{name}_auto", BOOL)
    yield _at("discrete", base, f"{name}_opened", BOOL)
    yield _at("discrete", base + 1, f"{name}_closed", BOOL)


def _filter(number: int) -> Iterator[Binding]:
    base, name = 290 + 10 * number, f"filter{number}"
    yield _at("input", base, f"{name}_state", ENUM)
    yield _at("input", base + 1, f"{name}_dp", I16, 0.1)
    yield _at("input", base + 2, f"{name}_flow", F32)
    yield _at("input", base + 4, f"{name}_turbidity", U16, 0.001)
    yield _at("input", base + 5, f"{name}_backwashes", U16)
    yield _at("input", base + 6, f"{name}_runtime", U32)
    yield _at("discrete", base, f"{name}_washing", BOOL)
    yield _at("coil", base, f"{name}_backwash", BOOL)


def _analyser(name: str, base: int) -> Iterator[Binding]:
    yield _at("input", base, name, F32)
    yield _at("input", base + 2, f"{name}_analyser", ENUM)
    yield _at("input", base + 3, f"{name}_sample_flow", U16, 0.1)


def _reservoir(number: int) -> Iterator[Binding]:
    base, name = 280 + 20 * number, f"reservoir{number}"
    for offset, word in enumerate(("level", "volume", "inflow", "outflow")):
        yield _at("input", base + 2 * offset, f"{name}_{word}", F32)
    yield _at("input", base + 8, f"{name}_temperature", I16, 0.1)
    yield _at("input", base + 9, f"{name}_fill", U16, 0.1)
    yield _at("holding", base, f"{name}_setpoint_low", F32)
    yield _at("holding", base + 2, f"{name}_setpoint_high", F32)
    for offset, word in enumerate(("high_switch", "low_switch", "overflow")):
        yield _at("discrete", base + offset, f"{name}_{word}", BOOL)


def _head() -> Iterator[Binding]:
    yield _at("input", 0, "heartbeat", U16)
    yield _at("input", 1, "scan_time", U16, 0.1)
    yield _at("input", 2, "uptime", U32)
    yield _at("input", 4, "plc_time", I64)
    yield _at("input", 8, "alarm_word", U16)
    yield _at("input", 60, "firmware", STRING, length=16)


def _river() -> Iterator[Binding]:
    yield from _head()
    for bit, word in enumerate(("tank_high", "tank_low", "no_chlorine", "intake_starved")):
        yield _at("input", 8, f"{word}_alarm", BOOL, bit=bit)
    yield _at("input", 10, "intake_flow", F32)
    yield _at("input", 12, "intake_level", F32)
    yield _at("input", 14, "intake_total", U64)
    yield _at("input", 18, "river_temperature", I16, 0.1)
    yield _at("input", 19, "dosing_tank_level", U16, 0.1)
    tail = ("chlorine_dose", "dosing_flow", "tank_level", "tank_volume", "outlet_flow", "outlet_pressure")
    for offset, word in enumerate(tail):
        yield _at("input", 20 + 2 * offset, word, F32)
    yield _at("input", 32, "outlet_total", U64)
    setpoints = (
        "chlorine_setpoint",
        "intake_flow_setpoint",
        "tank_setpoint_low",
        "tank_setpoint_high",
        "chlorine_gain",
        "chlorine_reset_time",
    )
    for offset, word in enumerate(setpoints):
        yield _at("holding", 2 * offset, word, F32)
    yield _at("holding", 12, "backwash_dp", U16, 0.1)
    yield _at("holding", 14, "chlorine_dose_setpoint", F32)
    yield _at("holding", 40, "recipe", STRING, length=32)
    yield _at("coil", 0, "dosing_auto", BOOL)
    yield _at("discrete", 0, "tank_high_switch", BOOL)
    yield _at("discrete", 1, "tank_low_switch", BOOL)


def _town() -> Iterator[Binding]:
    yield from _head()
    yield _at("input", 8, "pressure_low_alarm", BOOL, bit=4)
    measured = (
        "demand_flow",
        "demand_low_zone",
        "demand_high_zone",
        "leakage_flow",
        "network_pressure",
        "network_pressure_high",
        "transfer_flow",
    )
    for offset, word in enumerate(measured):
        yield _at("input", 10 + 2 * offset, word, F32)
    yield _at("input", 24, "total_volume", I64, word_order="little")
    yield _at("input", 28, "air_temperature", I16, 0.1)
    yield _at("input", 500, "demand_forecast", F32, count=24, word_order="little")
    yield _at("holding", 0, "mode", ENUM)
    yield _at("coil", 0, "alternation", BOOL)


def _by_name(bindings: Iterable[Binding]) -> dict[str, Binding]:
    return {binding.name: binding for binding in bindings}


def river_bindings() -> dict[str, Binding]:
    """Tag name -> place in river/plc1."""
    machines = [*_pump(1), *_pump(2), *_valve("valve_intake", "valve_intake", 200)]
    machines += [b for number in (1, 2, 3) for b in _filter(number)]
    machines += [b for name, base in RIVER_ANALYSERS.items() for b in _analyser(name, base)]
    return _by_name([*_river(), *machines])


def town_bindings() -> dict[str, Binding]:
    """Tag name -> place in town/plc2."""
    machines = [*_pump(3), *_pump(4), *_analyser("chlorine", 400), *_reservoir(1), *_reservoir(2)]
    machines += [b for name, base in TOWN_VALVES.items() for b in _valve(name, f"{name}_position", base)]
    return _by_name([*_town(), *machines])

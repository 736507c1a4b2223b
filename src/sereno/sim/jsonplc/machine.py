"""The simulated PLC as a state machine: what it answers, what it moves, and that it makes itself safe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from sereno.drivers.jsonplc.protocol import BEAT, SET, STATUS, Value, ack
from sereno.model import Clock, ConfigurationError, Fault
from sereno.sim.scenario import Scenario

from .devices import ACTUATORS, SimDevice

FORCE = "FORCE"
ACTOR = "plcSimulator"
PLC = "PLC"
UNNAMED, SET_HOLDS = "unnamed", 60.0
"""What a master is called that does not say its name, and for how many seconds one that sets a value counts as one."""


class PlcMachine:
    """Answers questions. `iterations` counts answered STATUS questions; a scenario goes by them.

    Nobody beats for as long as the last BEAT allowed: every actuator with a safe place goes there, and says so
    in `refuge`. FORCE is of the simulator alone: it sets any value, as weather and burglars do; a device that is
    `jammed` takes orders, and does not arrive while it is. Raises ConfigurationError for a scenario that asks for
    what this one has not.
    """

    def __init__(self, devices: Iterable[SimDevice], clock: Clock, scenario: Scenario | None = None) -> None:
        self.devices = {device.name: device for device in devices}
        self.iterations = 0
        self.sets = 0
        self.refuge = False
        self._clock = clock
        self._scenario = scenario
        self._silent = 0
        self._moving: dict[tuple[str, str], tuple[float, str]] = {}
        self._jammed: set[str] = set()
        self._beat_until: float | None = None
        self._masters: dict[str, float] = {}
        events = () if scenario is None else [event for event in scenario.events if event.simulator == ACTOR]
        faults = [Fault(event.where, why) for event in events if (why := self.why_not(event.action))]
        if faults:
            raise ConfigurationError(faults)

    def answer(self, commands: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]] | None:
        """The parts of the answer; None where the PLC as a whole is broken down and does not answer."""
        self.settle()
        parts: list[dict[str, Any]] = []
        for command in commands:
            name = command.get("name")
            if name == STATUS:
                self._iterate()
                if self._silent:
                    self._silent -= 1
                    return None
                parts.append(self._status())
            elif name == SET:
                parts.append(ack(_id(command), self._set(command), self._commanded_by(command, SET_HOLDS)))
            elif name == BEAT:
                reason = self._beat(command)
                within = 0.0 if reason else float(command["within"])
                parts.append(ack(_id(command), reason, self._commanded_by(command, within)))
            elif name == FORCE:
                parts.append(ack(_id(command), self.force(command)))
            else:
                parts.append(ack(_id(command), f"unknown command {name!r}"))
        return parts

    def settle(self) -> None:
        """Let what moves arrive, and go to the safe places when the time of the last BEAT is over."""
        now = self._clock.monotonic()
        if self._beat_until is not None and now >= self._beat_until:
            self._take_refuge(self._beat_until)
        for (device, name), (arrives, word) in list(self._moving.items()):
            if now >= arrives and device not in self._jammed:
                self.devices[device].values[name].value = word
                del self._moving[device, name]

    def why_not(self, event: Any) -> str:
        """Why `force` cannot do this, in words; empty = it can."""
        if not isinstance(event, Mapping):
            return f"{event!r:.80} is no table"
        device, broken = event.get("device_name", event.get("device")), event.get("broken")
        if device == PLC and isinstance(broken, int):
            return ""
        found = self.devices.get(str(device))
        if found is None:
            return f"no device {device!r}; there are: {', '.join(self.devices)}"
        if isinstance(broken, int) or isinstance(event.get("jammed"), bool) or event.get("value_name") == "valid":
            return ""
        if str(event.get("value_name")) not in found.values or not isinstance(event.get("value"), Value):
            return f"device {device} has no such value; there are: {', '.join(found.values)}"
        is_number = isinstance(found.values[str(event["value_name"])].value, int | float)
        if is_number and isinstance(event["value"], str):
            return f"{event['value_name']} of {device} is a number, not {event['value']!r}"
        return ""

    def force(self, event: Mapping[str, Any]) -> str:
        """Set a value, or break a device (or the PLC) down for N answers. Why not, in words; empty = done."""
        if why := self.why_not(event):
            return why
        device, broken = event.get("device_name", event.get("device")), event.get("broken")
        if device == PLC:
            self._silent = int(broken or 0)
            return ""
        found = self.devices[str(device)]
        if isinstance(broken, int):
            found.broken = broken
        elif isinstance(jammed := event.get("jammed"), bool):
            (self._jammed.add if jammed else self._jammed.discard)(found.name)
        elif event.get("value_name") == "valid":
            found.valid = event.get("value") in (True, 1, "yes")
        else:
            found.values[str(event.get("value_name"))].value = event["value"]
        return ""

    def _iterate(self) -> None:
        self.iterations += 1
        if self._scenario is not None:
            for event in self._scenario.due(self.iterations, ACTOR):
                self.force(event)

    def _status(self) -> dict[str, Any]:
        date = datetime.fromtimestamp(self._clock.wall_ns() / 1e9, UTC).isoformat(timespec="milliseconds")
        listed = []
        for device in self.devices.values():
            if device.broken:
                device.broken -= 1
            else:
                listed.append(_listed(device))
        head = {"name": STATUS, "from": "Beckhoff", "version_firmware": "20170809", "site": "OSM-Mexico"}
        return {**head, "date": date, "device": listed}

    def _set(self, command: Mapping[str, Any]) -> str:
        self.sets += 1
        key = (str(command.get("device")), str(command.get("value_name")))
        actuator, word = ACTUATORS.get(key), command.get("value")
        if actuator is None or key[0] not in self.devices:
            return f"{key[0]}:{key[1]} cannot be set"
        if word not in actuator.words:
            return f"{word!r}, expected {' or '.join(actuator.words)}"
        if self.devices[key[0]].broken:
            return f"{key[0]} does not answer"
        self._go(key, str(word), self._clock.monotonic())
        return ""

    def _go(self, key: tuple[str, str], word: str, begun: float) -> None:
        actuator, value = ACTUATORS[key], self.devices[key[0]].values[key[1]]
        if value.value == word:
            self._moving.pop(key, None)
        elif actuator.seconds:
            value.value = actuator.on_the_way[word]
            self._moving[key] = (begun + actuator.seconds, word)
        else:
            value.value = word

    def _commanded_by(self, command: Mapping[str, Any], seconds: float) -> list[str]:
        """Who commands it now: whoever beat within the time of that BEAT, or has set something of late."""
        name, now = str(command.get("master") or UNNAMED), self._clock.monotonic()
        self._masters[name] = max(self._masters.get(name, 0.0), now + seconds)
        self._masters = {one: until for one, until in self._masters.items() if until > now}
        return list(self._masters)

    def _beat(self, command: Mapping[str, Any]) -> str:
        within = command.get("within")
        if not isinstance(within, int | float) or within <= 0:
            return f"BEAT within {within!r}, expected seconds"
        self._beat_until = self._clock.monotonic() + within
        self.refuge = False
        return ""

    def _take_refuge(self, begun: float) -> None:
        self._beat_until, self.refuge = None, True
        for key, actuator in ACTUATORS.items():
            if actuator.safe and key[0] in self.devices:
                self._go(key, actuator.safe, begun)


def _listed(device: SimDevice) -> dict[str, Any]:
    values = [
        {"name": name, "value": one.value, "unit": one.unit, "comment": one.comment}
        for name, one in device.values.items()
    ]
    head = {"name": device.name, "type": device.kind, "serial_number": device.serial}
    return {**head, "valid": "yes" if device.valid else "no", "values": values}


def _id(command: Mapping[str, Any]) -> int:
    number = command.get("id")
    return number if isinstance(number, int) else 0

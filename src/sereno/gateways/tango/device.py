"""The Tango class whose instances are the devices that are shown. Imported by the process that serves them only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tango
from tango.server import Device as TangoDevice
from tango.server import command as tango_command

from sereno.drivers.tango.protocol import STATE_OF
from sereno.model import Access, DeviceError, SerenoError

from .calls import NOTHING, Command, arguments_of, result_of
from .house import Condition, House
from .shown import Attribute, Device, tango_value, written_value

Execute = Callable[[str, str, Any, str], Any]
"""Executes in the plant and waits: "write" with path and value, "call" with device and (name, arguments); and who."""

RESERVED = frozenset(dir(TangoDevice))
"""Names that a command cannot have, because Tango's binding makes a method of it."""


def device_class(house: House, execute: Execute, *, clean: bool) -> type[TangoDevice]:
    """The class of all devices of a house. `clean`: what goes is removed from the Tango database too."""

    class SerenoDevice(TangoDevice):  # type: ignore[misc]
        """A device of a Sereno node."""

        def init_device(self) -> None:
            """Called at the start, and again by the command Init, which changes nothing."""
            super().init_device()
            path = house.by_name[self.get_name().lower()].path
            served = house.served(path)
            if served is None:
                served = ShownDevice(self, house, execute, clean=clean)
                served.become(house.devices[path])
                house.serve(path, served)
            served.push_state()

    return SerenoDevice


class ShownDevice:
    """What is done with one Tango device (a Served). Apart from it, where every command of ours becomes a method."""

    def __init__(self, device: Any, house: House, execute: Execute, *, clean: bool) -> None:
        self._device = device
        self._house = house
        self._execute = execute
        self._clean = clean
        self._shown = Device("", "")
        self._by_path: dict[str, Attribute] = {}
        for name in ("State", "Status"):
            device.set_change_event(name, True, False)

    def become(self, device: Device) -> None:
        """See Served."""
        before, self._shown = self._shown, device
        self._by_path = {one.spec.path: one for one in device.attributes.values()}
        for name in [name for name, old in before.attributes.items() if device.attributes.get(name) != old]:
            self._device.remove_attribute(name, False, self._clean)
        for name in [name for name, old in before.commands.items() if device.commands.get(name) != old]:
            self._device.remove_command(name, False, self._clean)
        for name, attribute in device.attributes.items():
            if before.attributes.get(name) != attribute:
                self._show(attribute)
        for name, command in device.commands.items():
            if before.commands.get(name) != command:
                self._device.add_command(self._command(command), True)

    def push(self, path: str) -> None:
        """See Served."""
        attribute = self._by_path.get(path)
        if attribute is None or attribute.spec.access is Access.WRITE:
            return
        value, t, quality = self._present(attribute)
        self._device.push_change_event(attribute.name, value, t, quality)
        self._house.figures.pushed += 1

    def push_state(self) -> None:
        """See Served."""
        condition = self._house.conditions.get(self._shown.path, Condition())
        word = "UNKNOWN" if condition.state is None else STATE_OF[condition.state]
        self._device.set_state(getattr(tango.DevState, word))
        self._device.set_status(condition.words)
        for name in ("State", "Status"):
            self._device.push_change_event(name)

    def _read(self, _: Any, attr: Any) -> None:
        value, t, quality = self._present(self._shown.attributes[attr.get_name()])
        attr.set_value_date_quality(value, t, quality)

    def _write(self, _: Any, attr: Any) -> None:
        attribute = self._shown.attributes[attr.get_name()]
        self._house.figures.writes += 1
        self._ordered("write", attribute.spec.path, written_value(attribute, attr.get_write_value()))

    def _ordered(self, verb: str, target: str, value: Any) -> Any:
        with self._house.working(self._shown.path):
            try:
                return self._execute(verb, target, value, self._client())
            except SerenoError as error:
                self._house.figures.refused += 1
                raise failed(error, target) from error

    def _present(self, attribute: Attribute) -> tuple[Any, float, Any]:
        """Value, time in seconds and quality, as Tango takes them."""
        reading = self._house.readings.get(attribute.spec.path)
        value, quality = tango_value(attribute, reading)
        return value, reading.t_source / 1e9 if reading is not None else 0.0, tango.AttrQuality(quality)

    def _show(self, attribute: Attribute) -> None:
        readable = attribute.spec.access is not Access.WRITE
        self._device.add_attribute(tango_attribute(attribute), self._read if readable else None, self._write)
        if readable:
            self._device.set_change_event(attribute.name, True, False)

    def _command(self, command: Command) -> Any:
        def run_with(value: Any) -> Any:
            self._house.figures.calls += 1
            try:
                arguments = arguments_of(command, value)
            except SerenoError as error:
                raise failed(error, command.name) from error
            return result_of(command, self._ordered("call", self._shown.path, (command.spec.name, arguments)))

        def run() -> Any:
            return run_with(None)

        work: Any = run if command.takes == NOTHING else run_with
        work.__name__ = command.name
        work.__annotations__ = {}  # Tango's binding would take hints for types of its own
        types = {"dtype_in": command.takes, "dtype_out": command.gives}
        return tango_command(
            f=work,
            doc_in=command.words,
            doc_out=command.spec.description,
            **{key: getattr(tango.CmdArgType, kind) for key, kind in types.items() if kind != NOTHING},
        )

    def _client(self) -> str:
        """Where the client that asks now comes from, in words, for the record."""
        address = getattr(self._device.get_client_ident(), "client_ip", "") if hasattr(self._device, _IDENT) else ""
        return f"Tango client {str(address).removeprefix('giop:tcp:')}".rstrip()


_IDENT = "get_client_ident"


def failed(error: SerenoError, origin: str) -> Exception:
    """A DevFailed that says what an error of ours says."""
    try:
        if isinstance(error, DeviceError):
            tango.Except.throw_exception(error.reason, error.description or error.reason, error.origin or origin)
        tango.Except.throw_exception(type(error).__name__.removesuffix("Error"), str(error), origin)
    except tango.DevFailed as failure:
        made: Exception = failure
    return made


def tango_attribute(attribute: Attribute) -> Any:
    """The attribute as Tango declares it."""
    kind = getattr(tango.CmdArgType, attribute.type)
    access = tango.AttrWriteType.READ_WRITE if attribute.writable else tango.AttrWriteType.READ
    if attribute.spec.access is Access.WRITE:
        access = tango.AttrWriteType.WRITE
    make = (tango.Attr, tango.SpectrumAttr, tango.ImageAttr)[len(attribute.spec.shape)]
    made = make(attribute.name, kind, access, *(attribute.sizes if attribute.spec.shape else ()))
    properties = tango.UserDefaultAttrProp()
    for name, text in attribute.properties.items():
        getattr(properties, f"set_{name}")(text)
    if attribute.type == "DevEnum":
        properties.set_enum_labels(list(attribute.spec.labels))
    made.set_default_properties(properties)
    return made

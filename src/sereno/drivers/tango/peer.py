"""One Tango device behind blocking calls: each may take as long as its time-out, so they belong in a thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog

from sereno.model import RefusedError

from .failures import device_error, first_line, translated
from .protocol import STATES, TYPES

INSTALL = "the driver tango needs the package pytango: pip install 'sereno[tango]'"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """One attribute as it was read or pushed: value, set value, Tango's quality code, ns UTC; or what went wrong."""

    value: Any = None
    set_value: Any = None
    quality: int = 0
    t: int = 0
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class AttributeInfo:
    """An attribute as the device declares it; texts that nobody has set are empty, limits that are none are None."""

    name: str
    type: str
    format: str
    writable: str
    label: str = ""
    unit: str = ""
    description: str = ""
    labels: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    lolo: float | None = None
    lo: float | None = None
    hi: float | None = None
    hihi: float | None = None


@dataclass(frozen=True, slots=True)
class CommandInfo:
    """A command with the names of Tango's types for what goes in and what comes out."""

    name: str
    takes: str
    gives: str
    takes_words: str = ""
    gives_words: str = ""


Pushed = Callable[[str, Answer], None]
"""Called from any thread with the name of an attribute, as it was subscribed, and what came."""


class Peer:
    """A connected device. Raises what `failures.translated` gives, and NotConnectedError at once if it is not there."""

    def __init__(self, url: str, timeout: float) -> None:
        import tango

        self._tango = tango
        self._infos: dict[str, Any] = {}
        self._subscriptions: list[int] = []
        self._proxy = _tried(lambda: tango.DeviceProxy(url))
        self._proxy.set_timeout_millis(int(timeout * 1000))
        self._proxy.set_transparency_reconnection(False)  # a restart would go unseen, and its events with it
        _tried(self._proxy.ping)

    def attributes(self) -> list[AttributeInfo]:
        """All of them but State and Status."""
        infos = _tried(self._proxy.attribute_list_query_ex)
        self._infos = {info.name.lower(): info for info in infos}
        return [self._attribute(info) for info in infos if info.name.lower() not in ("state", "status")]

    def commands(self) -> list[CommandInfo]:
        """All of them but State and Status."""
        return [
            CommandInfo(c.cmd_name, str(c.in_type), str(c.out_type), _said(c.in_type_desc), _said(c.out_type_desc))
            for c in _tried(self._proxy.command_list_query)
            if c.cmd_name not in ("State", "Status")
        ]

    def read(self, names: Sequence[str]) -> list[Answer]:
        """Attributes in one request; without names only whether it answers."""
        if not names:
            _tried(self._proxy.ping)
            return []
        return [self._answer(one) for one in _tried(lambda: self._proxy.read_attributes(list(names)))]

    def write(self, name: str, value: Any) -> None:
        """Set one attribute."""
        info = self._infos.get(name.lower(), name)
        _refused(lambda: self._proxy.write_attribute(info, value), f"{value!r:.80} cannot be written to {name}")

    def call(self, name: str, argument: Any, gives: str) -> Any:
        """Execute a command; a state comes as its lower-case word, arrays as lists."""
        arguments = () if argument is None else (argument,)
        result = _refused(lambda: self._proxy.command_inout(name, *arguments), f"{name} does not take {argument!r:.80}")
        return _plain(gives, result)

    def subscribe(self, names: Sequence[str], pushed: Pushed) -> None:
        """Ask for change events, the present value first; where there are none, `pushed` gets the error."""
        tango = self._tango
        for name in names:
            taker = _Taker(name, self._answer, pushed)
            kind, mode = tango.EventType.CHANGE_EVENT, tango.EventSubMode.AsyncRead
            try:
                self._subscriptions.append(self._proxy.subscribe_event(name, kind, taker, mode))
            except tango.DevFailed as error:
                pushed(name, Answer(error=translated(error)))

    def close(self) -> None:
        """No more events. Takes no time, whether the device is there or not."""
        for one in self._subscriptions:
            with suppress(self._tango.DevFailed):
                self._proxy.unsubscribe_event(one)
        self._subscriptions.clear()

    def _answer(self, read: Any) -> Answer:
        if read.has_failed:
            return Answer(error=device_error(read.get_err_stack()))
        t = read.time.tv_sec * 10**9 + read.time.tv_usec * 1000 + read.time.tv_nsec
        kind = str(read.type)
        return Answer(_plain(kind, read.value), _plain(kind, read.w_value), int(read.quality), t)

    def _attribute(self, info: Any) -> AttributeInfo:
        alarms = info.alarms
        return AttributeInfo(
            name=info.name,
            type=str(self._tango.CmdArgType(info.data_type)),
            format=str(info.data_format).lower(),
            writable=str(info.writable),
            label=_said(info.label),
            unit=_said(info.unit),
            description=_said(info.description),
            labels=tuple(info.enum_labels) or (STATES if str(info.data_type) in ("19", "DevState") else ()),
            low=_number(info.min_value),
            high=_number(info.max_value),
            lolo=_number(alarms.min_alarm),
            lo=_number(alarms.min_warning),
            hi=_number(alarms.max_warning),
            hihi=_number(alarms.max_alarm),
        )


class _Taker:
    """What Tango calls with an event, in a thread of its own. Never raises: that would end the process."""

    def __init__(self, name: str, answer: Callable[[Any], Answer], pushed: Pushed) -> None:
        self._name, self._answer, self._pushed = name, answer, pushed

    def push_event(self, event: Any) -> None:
        """Hand it on."""
        try:
            answer = Answer(error=device_error(event.errors)) if event.err else self._answer(event.attr_value)
            self._pushed(self._name, answer)
        except RuntimeError:
            log.debug("event after the end of the loop", attribute=self._name)
        except Exception:
            log.exception("event not taken", task=f"tango event {self._name}")


def _tried(work: Callable[[], Any]) -> Any:
    import tango

    try:
        return work()
    except tango.DevFailed as error:
        raise translated(error) from error


def _refused(work: Callable[[], Any], words: str) -> Any:
    """As `_tried`; what Tango's binding does not take for a value is refused with these words."""
    try:
        return _tried(work)
    except (TypeError, ValueError, OverflowError) as error:
        raise RefusedError(f"{words}: {first_line(str(error))}") from error


def _plain(kind: str, value: Any) -> Any:
    if value is None:
        return None
    if kind == "DevState":
        return STATES[int(value)] if isinstance(value, int) else [STATES[int(one)] for one in value]
    if kind in TYPES:
        return value
    if isinstance(value, list | tuple):
        return [_plain(kind, one) for one in value]
    return value.tolist() if hasattr(value, "tolist") else value


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _said(text: str) -> str:
    silent = ("", "No description", "No unit", "Uninitialised", "Not specified")
    return "" if text in silent else text

"""Errors in two axes: the operation failed, or the call did not arrive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class SerenoError(Exception):
    """Root of all errors that Sereno raises on purpose."""


class OperationError(SerenoError):
    """It arrived, and it failed or was refused: repeating it as it is will not help."""


class RefusedError(OperationError):
    """The device, an interlock or a limit said no."""


class DeniedError(OperationError):
    """The actor has no right to do this."""


class NotFoundError(OperationError):
    """No such tag, device or command; the message names near spellings."""


class ErrorSeverity(StrEnum):
    """How bad what a device reports is."""

    WARNING = "warning"
    ERROR = "error"
    PANIC = "panic"


class DeviceError(OperationError):
    """What a device's own code reports: `reason` is a word to decide by, `description` is for people.

    `origin` is the tag or command that it comes from; the framework fills it in.
    """

    def __init__(
        self,
        reason: str,
        description: str = "",
        origin: str = "",
        severity: ErrorSeverity | str = ErrorSeverity.ERROR,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.description = description
        self.origin = origin
        self.severity = ErrorSeverity(severity)

    def of(self, origin: str) -> DeviceError:
        """The same, with an origin if it had none."""
        return self if self.origin else DeviceError(self.reason, self.description, origin, self.severity)

    def __str__(self) -> str:
        words = f"{self.reason}: {self.description}" if self.description else self.reason
        marks = [self.origin] if self.origin else []
        if self.severity is not ErrorSeverity.ERROR:
            marks.append(self.severity)
        return f"{words} ({', '.join(marks)})" if marks else words


class DeliveryError(SerenoError):
    """It did not arrive, or no answer came: the state of the other side is not known to have changed."""


class NotConnectedError(DeliveryError):
    """No connection; `causes` (name -> error) print as a tree when several things are behind it."""

    def __init__(self, message: str, causes: Mapping[str, BaseException] | None = None) -> None:
        super().__init__(message)
        self.causes = dict(causes or {})

    def __str__(self) -> str:
        return "\n".join(_tree(str(self.args[0]), self.causes))


class ExpiredError(DeliveryError):
    """Its time was over before it could be sent: never sent, and it never will be."""


class NoAnswerError(DeliveryError):
    """Sent, and no conclusive reply within its time: whether it was executed is unknown."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A thing of a file that faults speak of: its kind ("device", "tag"), and its name.

    `name` is a glob where the name itself is not known: `plc1/*` are all tags of a device.
    """

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Fault:
    """One finding in a file: where, what was found, what was expected, the likely fix.

    How faults hang together is beside the words: whom it is told of (`about`), what cannot be known as long as it is
    there (`loses`), and what it says is not there (`misses`), which may be what another one loses.
    """

    where: str
    found: str
    expected: str = ""
    fix: str = ""
    about: Subject | None = field(default=None, compare=False, repr=False)
    loses: tuple[Subject, ...] = field(default=(), compare=False, repr=False)
    misses: Subject | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        text = f"{self.where}: {self.found}"
        if self.expected:
            text += f"; expected {self.expected}"
        return f"{text}. {self.fix}" if self.fix else text


class ConfigurationError(OperationError):
    """A file or declaration is wrong; carries every fault found, not only the first."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(str(f) for f in faults))
        self.faults = faults


def _tree(head: str, causes: Mapping[str, BaseException], indent: str = "") -> list[str]:
    lines = [f"{indent}{head}"]
    for name, error in causes.items():
        if isinstance(error, NotConnectedError):
            lines += _tree(f"{name}: {error.args[0]}", error.causes, indent + "  ")
        else:
            lines.append(f"{indent}  {name}: {str(error) or type(error).__name__}")
    return lines

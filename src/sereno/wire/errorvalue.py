"""Errors of the model as plain values and back: the kind, the words, and whatever fields an error has."""

from __future__ import annotations

from typing import Any

import msgspec

from sereno import model
from sereno.model import OperationError, SerenoError

from .errors import WireError
from .jsonvalue import json_value

_NOT_SENT = frozenset(("causes", "faults"))
_VALUE = "value"
MAX_WORDS = 10_000


class ErrorFields(msgspec.Struct, forbid_unknown_fields=True):
    """`kind` is the name of the nearest class in `sereno.model`, or "value" for ValueError."""

    kind: str
    text: str
    fields: dict[str, Any] = {}


def error_fields(error: Exception) -> ErrorFields:
    """An error as it travels: with reason, origin, severity and so on, where it has them."""
    kind = _VALUE if isinstance(error, ValueError) else _known(type(error))
    fields = {}
    for name, value in vars(error).items():
        if name.startswith("_") or name in _NOT_SENT:
            continue
        try:
            fields[name] = json_value(value)
        except WireError:
            continue
    return ErrorFields(kind, str(error)[:MAX_WORDS], fields)


def error_of(found: ErrorFields) -> Exception:
    """The error again: its class where this side knows it, its fields as attributes."""
    if found.kind == _VALUE:
        return ValueError(found.text)
    kind = getattr(model, found.kind, None)
    known = isinstance(kind, type) and issubclass(kind, SerenoError)
    error = _make(kind if known else OperationError, found)
    for name, value in found.fields.items():
        if name.isidentifier() and not hasattr(error, name):
            setattr(error, name, value)
    return error


def _known(kind: type[BaseException]) -> str:
    for one in kind.__mro__:
        if getattr(model, one.__name__, None) is one:
            return str(one.__name__)
    return OperationError.__name__


def _make(kind: Any, found: ErrorFields) -> Exception:
    """By its fields where the class takes them, else by its words; plain words where neither gives them."""
    for given in (found.fields, (found.text,)):
        try:
            made: Exception = kind(**given) if isinstance(given, dict) else kind(*given)
        except (TypeError, ValueError):
            continue
        if str(made) == found.text:
            return made
    return OperationError(found.text)

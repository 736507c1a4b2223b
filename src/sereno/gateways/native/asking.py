"""Requests that are answered once and are not asked often: declarations, devices, history, acks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from sereno.access.actor import Actor
from sereno.client import HistoryRequest, Series, device_json
from sereno.model import OperationError, RefusedError
from sereno.wire.messages import ack_out

from .ports import NativePorts

MAX_GLOBS = 10_000
MAX_POINTS = 1_000_000
Answer = Callable[[NativePorts, Mapping[str, Any], Actor, str], Awaitable[Any]]
"""Of the ports, what is given, who asks, and the name of the connection."""


class _Globs(msgspec.Struct, forbid_unknown_fields=True):
    globs: list[str] = []


class _Key(msgspec.Struct, forbid_unknown_fields=True):
    key: str


class _History(msgspec.Struct, forbid_unknown_fields=True):
    tags: list[str]
    start: int
    end: int
    points: int | None = None


class _Lock(msgspec.Struct, forbid_unknown_fields=True):
    device: str
    seconds: float = 0.0


class _Unlock(msgspec.Struct, forbid_unknown_fields=True):
    device: str
    force: bool = False


def check_globs(globs: list[str]) -> tuple[str, ...]:
    """As the ports take them. Raises RefusedError for too many or too long ones."""
    if len(globs) > MAX_GLOBS or any(not 0 < len(glob) <= 200 for glob in globs):
        sizes = f"{len(globs)} paths of {min(map(len, globs))} to {max(map(len, globs))} characters"
        raise RefusedError(f"{sizes}; expected at most {MAX_GLOBS} of 1 to 200 characters")
    return tuple(globs)


async def _tags(ports: NativePorts, given: Mapping[str, Any], actor: Actor, holder: str) -> Any:
    del holder
    asked = _as(_Globs, given)
    return await ports.live.tags(check_globs(asked.globs), actor)


async def _devices(ports: NativePorts, given: Mapping[str, Any], actor: Actor, holder: str) -> Any:
    del given, holder
    return [device_json(status) for status in await ports.devices.devices(actor)]


async def _acks(ports: NativePorts, given: Mapping[str, Any], actor: Actor, holder: str) -> Any:
    del holder
    acks = await ports.commands.acks(_as(_Key, given).key, actor)
    return [ack_out(position, ack) for position, ack in enumerate(acks)]


async def _begins(ports: NativePorts, given: Mapping[str, Any], actor: Actor, holder: str) -> Any:
    del holder
    if ports.begins is None:
        raise RefusedError("this server gives no commands to other processes")
    ports.begins(_as(_Key, given).key, actor)


async def _history(ports: NativePorts, given: Mapping[str, Any], actor: Actor, holder: str) -> Any:
    del holder
    asked = _as(_History, given)
    if ports.history is None:
        raise OperationError("this server keeps no history")
    if asked.points is not None and not 0 < asked.points <= MAX_POINTS:
        raise RefusedError(f"{asked.points} points, expected 1 to {MAX_POINTS}")
    request = HistoryRequest(check_globs(asked.tags), asked.start, asked.end, asked.points)
    return [_series(one) for one in await ports.history.query(request, actor)]


async def _locks(ports: NativePorts, given: Mapping[str, Any], actor: Actor, holder: str) -> Any:
    del given, holder
    return await ports.locks.locks(actor)


async def _lock(ports: NativePorts, given: Mapping[str, Any], actor: Actor, holder: str) -> Any:
    asked = _as(_Lock, given)
    return await ports.locks.lock(asked.device, actor, seconds=asked.seconds, holder=holder)


async def _unlock(ports: NativePorts, given: Mapping[str, Any], actor: Actor, holder: str) -> Any:
    del holder
    asked = _as(_Unlock, given)
    return await ports.locks.unlock(asked.device, actor, force=asked.force)


def _series(series: Series) -> dict[str, Any]:
    return {name: getattr(series, name) for name in Series.__dataclass_fields__}


def _as(kind: Any, given: Mapping[str, Any]) -> Any:
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise RefusedError(f"not understood: {error}") from error


ANSWERS: Mapping[str, Answer] = {
    "tags": _tags,
    "devices": _devices,
    "acks": _acks,
    "begins": _begins,
    "history": _history,
    "locks": _locks,
    "lock": _lock,
    "unlock": _unlock,
}

"""What a request is answered with, by a client of the plant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sereno.client import Client, Reading, reading_json
from sereno.model import Ack, AckState, DeniedError, LinkState, NotFoundError, SerenoError, severity
from sereno.wire.jsonvalue import json_value

from .endpoints import CONNECTIONS, DISCONNECT, OVER_THREE, POSSIBLE, TAGS, Endpoints
from .protocol import HttpRefusal, Request, parse_body, parse_number

_ENDS = {AckState.TIMED_OUT: 503, AckState.UNKNOWN: 504, AckState.FAILED: 502}
_WRITES = ("PUT", "POST")


class Connections(Protocol):
    """The connections of a gateway, as the one that asks sees them."""

    @property
    def others(self) -> int:
        """How many there are beside this one."""

    def hang_up_others(self) -> int:
        """End them; how many there were."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: the plant in his eyes, what there is, and the connections beside his."""

    client: Client
    endpoints: Endpoints
    connections: Connections


async def answer(request: Request, asker: Asker) -> Any:
    """What is answered with status 200, as JSON. Raises HttpRefusal, and no SerenoError."""
    try:
        if request.method == "GET":
            return await _get(request, asker)
        if request.method in _WRITES:
            return await _set(request, asker)
    except NotFoundError as error:
        raise HttpRefusal(404, str(error)) from None
    except DeniedError as error:
        raise HttpRefusal(403, str(error)) from None
    except SerenoError as error:
        raise HttpRefusal(503, str(error)) from None
    raise HttpRefusal(405, f"{request.method} means nothing here", "GET, PUT, POST")


async def _get(request: Request, asker: Asker) -> Any:
    steps, settings = request.steps, asker.endpoints.settings
    if not steps:
        return await asker.endpoints.index()
    if steps[0] == TAGS:
        return await _readings(steps[1:], asker)
    if len(steps) == 1:
        paths = await asker.endpoints.paths(steps[0])
        if paths is not None:
            return await _value(paths, asker)
        if steps[0] in (POSSIBLE, OVER_THREE, CONNECTIONS):
            return await _counted(steps[0], asker)
        if steps[0] in settings.commands or steps[0] == DISCONNECT:
            _legacy(request, asker, "POST")
            return await _call(steps[0], (), asker)
    if len(steps) == 3 and steps[0] in settings.totals:
        _legacy(request, asker, "PUT, POST")
        return await _write(_total_tag(steps, asker), parse_number(steps[2]), asker)
    raise HttpRefusal(404, f"there is no /{'/'.join(steps)[:100]} here; GET / lists what there is")


async def _set(request: Request, asker: Asker) -> Any:
    if request.from_page:
        raise HttpRefusal(403, "this is not for pages in a browser")
    steps, settings = request.steps, asker.endpoints.settings
    body = parse_body(request.body)
    if body and not request.headers.get(b"content-type", b"").lower().startswith(b"application/json"):
        raise HttpRefusal(415, "a body is of type application/json")
    if len(steps) == 1 and request.method == "POST" and (steps[0] in settings.commands or steps[0] == DISCONNECT):
        return await _call(steps[0], _arguments(body), asker)
    if set(body) != {"value"}:
        raise HttpRefusal(400, 'expected {"value": ...} and nothing else')
    if len(steps) > 1 and steps[0] == TAGS:
        return await _write(await asker.endpoints.path("/".join(steps[1:])), body["value"], asker)
    if len(steps) == 2 and steps[0] in settings.totals:
        return await _write(_total_tag(steps, asker), body["value"], asker)
    if len(steps) == 1:
        paths = await asker.endpoints.paths(steps[0])
        if isinstance(paths, str):
            return await _write(paths, body["value"], asker)
        if paths is not None:
            raise HttpRefusal(405, f"/{steps[0]} is a vector; its totals are /{steps[0]}/NUMBER", "GET")
    raise HttpRefusal(404, f"nothing is written at /{'/'.join(steps)[:100]}; GET / lists what there is")


async def _readings(steps: Sequence[str], asker: Asker) -> Any:
    if steps:
        return reading_json(await asker.client.get(await asker.endpoints.path("/".join(steps))))
    paths = await asker.endpoints.tags()
    return {one.tag.path: reading_json(one) for one in await asker.client.read(*paths)} if paths else {}


async def _value(paths: str | tuple[str, ...], asker: Asker) -> Any:
    """A number as {"value": ...}, a vector as it is, good all of it: who asks so is not told of quality."""
    if isinstance(paths, str):
        found = _good(await asker.client.get(paths))
        return found if isinstance(found, list) else {"value": found}
    by_path = {one.tag.path: one for one in await asker.client.read(*paths)}
    missing = [path for path in paths if path not in by_path]
    if missing:
        raise HttpRefusal(404, f"there is no tag {missing[0]}")
    return [_good(by_path[path]) for path in paths]


def _good(reading: Reading) -> Any:
    if severity(reading.quality) != "good" or reading.value is None:
        words = reading.reason or severity(reading.quality)
        raise HttpRefusal(503, f"{reading.tag.path} has no good value: {words}")
    return int(reading.value) if isinstance(reading.value, bool) else json_value(reading.value)


async def _counted(name: str, asker: Asker) -> Any:
    """How many connections there are, in the three forms of it, while the PLC answers."""
    tag = asker.endpoints.settings.connections
    if tag:
        found = _good(await asker.client.get(tag))
        if isinstance(found, str | list):
            raise HttpRefusal(503, f"{tag} is no count")
        count = found
    else:
        served = {path.rpartition("/")[0] for path in await asker.endpoints.tags()}
        devices = [one for one in await asker.client.devices() if one.path in served]
        away = [one for one in devices if one.link is not LinkState.UP]
        if away:
            raise HttpRefusal(503, f"{away[0].path} is not connected: {away[0].last_error or away[0].link}")
        count = asker.connections.others
    if name == CONNECTIONS:
        return {"value": count}
    return [int(count > n) for n in range(3)] if name == POSSIBLE else [int(count > 3), 0, 0]


def _legacy(request: Request, asker: Asker, allow: str) -> None:
    if not asker.endpoints.settings.legacy_writes:
        raise HttpRefusal(405, "a GET changes nothing here (legacy_writes is not set)", allow)
    if request.of_browser:
        raise HttpRefusal(403, "a GET of a browser changes nothing, whoever wants it: use PUT or POST")


def _total_tag(steps: Sequence[str], asker: Asker) -> str:
    tags = asker.endpoints.settings.totals[steps[0]]
    if not steps[1].isascii() or not steps[1].isdigit() or len(steps[1]) > 4 or int(steps[1]) >= len(tags):
        raise HttpRefusal(404, f"/{steps[0]} has the totals 0 to {len(tags) - 1}, not {steps[1][:20]!r}")
    return tags[int(steps[1])]


def _arguments(body: dict[str, Any]) -> tuple[Any, ...]:
    found = body.get("arguments", [])
    if body.keys() - {"arguments"} or not isinstance(found, list):
        raise HttpRefusal(400, 'expected {"arguments": [...]} or no body')
    return tuple(found)


async def _write(path: str, value: Any, asker: Asker) -> Any:
    ack = _done(await asker.client.write(path, value))
    return {"value": json_value(value if ack.value is None else ack.value)}


async def _call(name: str, arguments: tuple[Any, ...], asker: Asker) -> Any:
    command = asker.endpoints.settings.commands.get(name)
    if command is None:
        return {"value": asker.connections.hang_up_others()}
    device, _, verb = command.rpartition("/")
    ack = _done(await asker.client.call(device, verb, *arguments))
    return {"value": json_value(ack.value)}


def _done(ack: Ack) -> Ack:
    """Raises HttpRefusal with what became of it: 403 or 409 nothing, 502 it failed, 503 never sent, 504 unknown."""
    if ack.state is AckState.DONE:
        return ack
    words = ack.reason or str(ack.state)
    status = _ENDS.get(ack.state) or (403 if words.startswith("denied") else 409)
    raise HttpRefusal(status, f"{ack.state}: {words}" if status > 500 else words)

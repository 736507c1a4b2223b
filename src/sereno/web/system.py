"""GET system: how the node itself is. One answer feeds the system page, `sereno top` and scripts."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from dataclasses import asdict
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from sereno.access.actor import Actor, Right
from sereno.client import DeviceStatus, iso_time

from .answers import answer, problems
from .outlets import Outlet, Outlets
from .pages import Pages
from .push import Push
from .requests import Asking, Context

MOST = 1000
"""Of devices, subscribers and kinds of task that are listed; the rest is counted under `left_out`."""
_NUMBER = re.compile(r"[-_ ]?\d+$")


class System(BaseModel):
    """How the node is.

    `node`: versions, process, machine, disk. `loop`: how late the event loop wakes up, over the last minute.
    `rooms`: the figures of each part. `devices`, `subscribers`, `broadcasts`, `tasks`: one entry each. Who a
    subscriber is, only to who may see people, and to oneself.
    """

    node: dict[str, Any]
    loop: dict[str, float]
    rooms: dict[str, dict[str, Any]]
    devices: list[dict[str, Any]]
    subscribers: list[dict[str, Any]]
    broadcasts: list[dict[str, Any]]
    tasks: list[dict[str, Any]]
    left_out: dict[str, int]
    reasons: list[str]
    warnings: list[str]


def add_routes(app: FastAPI) -> None:
    """The routes of this module."""
    app.add_route("/system", page, methods=["GET"])
    app.add_api_route("/api/v1/system", system, response_model=System, responses=problems())


async def page(request: Request) -> Response:
    """How the node is, for people."""
    pages: Pages = request.app.state.pages
    return pages.render(request, "system")


async def system(request: Request, context: Context, actor: Asking) -> Response:
    """Versions, load, queues, subscribers and devices of this node, as of now."""
    state = request.app.state
    lists = {
        "devices": [device_figures(status) for status in await context.devices.devices(actor)],
        "subscribers": subscribers(state.outlets, actor),
        "broadcasts": broadcasts(state.push),
        "tasks": tasks(),
    }
    machine = dict(context.machine())
    machine["components"] = {**machine.get("components", {}), **state.applications.versions()}
    body = {
        "node": {"site": context.site.name, "version": context.site.version, **machine},
        "loop": state.metrics.recent_lag(),
        "rooms": {room: dict(ask()) for room, ask in context.figures.items()},
        **{name: found[:MOST] for name, found in lists.items()},
        "left_out": {name: len(found) - MOST for name, found in lists.items() if len(found) > MOST},
        "reasons": context.ready(),
        "warnings": [*context.warnings(), *state.applications.faults()],
    }
    return answer(body)


def device_figures(status: DeviceStatus) -> dict[str, Any]:
    """A device in one line, with its groups behind it."""
    groups = status.groups
    return {
        "path": status.path,
        "driver": status.driver,
        "state": status.state.value,
        "link": status.link.value,
        "last_error": status.last_error,
        "tags": sum(group.tags for group in groups),
        "scans": sum(group.scans for group in groups),
        "overruns": sum(group.overruns for group in groups),
        "incomplete": sum(group.incomplete for group in groups),
        "stale": any(group.stale for group in groups),
        "last_duration": max((group.last_duration for group in groups), default=0.0),
        "worst_duration": max((group.worst_duration for group in groups), default=0.0),
        "remarks": list(status.remarks),
        "counters": status.counters,
        "groups": [asdict(group) for group in groups],
    }


def subscribers(outlets: Outlets, actor: Actor) -> list[dict[str, Any]]:
    """Open live connections, the oldest first."""
    may_see, me = actor.may_somewhere(Right.USERS), _person(actor)
    return [_subscriber(one, shown=may_see or _person(one.actor) == me) for one in outlets]


def _person(actor: Actor) -> str:
    """Whose token or session it is: tokens are named PERSON:TOKEN."""
    return actor.name.partition(":")[0]


def _subscriber(outlet: Outlet, *, shown: bool) -> dict[str, Any]:
    return {
        "kind": outlet.kind,
        "actor": outlet.actor.name if shown else None,
        "origin": outlet.actor.origin if shown else None,
        "since": iso_time(outlet.since),
        "sent": outlet.sent,
        "bytes": outlet.bytes,
        "dropped": outlet.dropped,
        "held_bytes": outlet.held,
        "stalled_s": outlet.stalled_beats,
    }


def broadcasts(push: Push) -> list[dict[str, Any]]:
    """What subscribers share, the one with most of them first."""
    found = [
        {"tags": len(one.tags), "interval": key.interval, "clients": len(one.slots), **one.statistics()}
        for key, one in push.items()
    ]
    return sorted(found, key=lambda one: -int(one["clients"]))


def tasks() -> list[dict[str, Any]]:
    """Tasks of the event loop by their name; numbers at the end of a name are left away."""
    names = Counter(_NUMBER.sub("", task.get_name()) or "task" for task in asyncio.all_tasks())
    return [{"name": name, "count": count} for name, count in sorted(names.items(), key=lambda one: (-one[1], one[0]))]

"""The plant file of a watchdog's configuration: fleet, totals, thresholds with sound, the job of six steps."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from .reading import FleetConfig, Request

DEVICE = "fleet/gateways"
BUILT_IN = ("multi_possible", "checkplusde3", "compteur_bille", "deconnection")
_FIXED = """
[[device.tag]]
name = "possible"
get = "/multi_possible"
length = 3
reduce = "sum"
description = "PLCs with more than none, one and two connections: good only if every gateway answered"

[[device.tag]]
name = "connected"
get = "/multi_possible"
length = 3
reduce = "count"
description = "Gateways that answered in the last sweep"

[[device.tag]]
name = "missing"
get = "/multi_possible"
length = 3
reduce = "missing"
description = "Gateways of the inventory that did not answer"
alarm = { hi = 0.5, priority = 2, response = "Look after the power and the network of those that possible names" }

[[device.tag]]
name = "more_than_three"
get = "/checkplusde3"
length = 3
element = 0
reduce = "sum"
description = "PLCs with more than three connections"

[[device.tag]]
name = "marbles"
get = "/compteur_bille"
length = 3
reduce = "sum"
description = "Marbles in the circuit, by lane: good only if every gateway answered"

[[device.tag]]
name = "marbles_by_gateway"
get = "/compteur_bille"
length = 3
reduce = "table"
description = "What each gateway said"

[[device.tag]]
name = "total"
write = "/compteur_bille/{i}/{value}"   # a GET that writes, as these gateways take it: once, never repeated
method = "GET"
length = 3
total = "marbles"                       # nothing but the present, good total is ever written
description = "The number of marbles as every gateway is told"

[[device.tag]]
name = "total_taken"
reduce = "outcome"
of = "total"
description = "What became of the last total at each gateway"

[[device.tag]]
name = "disconnected"
reduce = "outcome"
of = "disconnect"
description = "What became of the last disconnect at each gateway"
"""
_JOB = """
# One that fails is a warning, and the next is done: but nothing is written on partial data, ever.

[[job]]
name = "watch"
description = "The six steps of the first watchdog"
every = {every}
again = "1s"                            # and again as soon as it has ended
writes = ["{device}/total"]
calls = ["{device}"]
alarm = {{ priority = 3, response = "See why on the page of jobs" }}
table = [
{columns}]

[[job.step]]
do = "call"
text = "Inventory and a sweep of its own"
device = "{device}"
command = "sweep"

[[job.step]]
do = "connections"
text = "How many PLCs are connected"
total = "{device}/possible"
count = "{device}/connected"
otherwise = "warn"

[[job.step]]
do = "check"
text = "No PLC has more than three connections"
that = "{device}/more_than_three == 0"
otherwise = "warn"
{asked}
[[job.step]]
do = "write_back"
text = "The totals to every gateway"
from = "{device}/marbles"
to = "{device}/total"
otherwise = "warn"

[[job.step]]
do = "disconnect"
text = "Hang up on the PLCs"
device = "{device}"
otherwise = "warn"
"""
_ASKED = """
[[job.step]]
do = "read"
text = "What is configured to be asked; thresholds are alarms of the tags"
tags = {tags}
otherwise = "warn"
"""


def plant_text(found: FleetConfig, source: str) -> str:
    """The whole plant file."""
    requests = _named([one for one in found.requests if one.name not in BUILT_IN])
    parts = [
        f"# A fleet of PLCs behind gateways, from {source.replace(chr(10), ' ')}.\n",
        '[plant]\nname = "Fleet"\n',
        *([f"[web]\nport = {found.port}\n"] if found.port else []),
        *([f"[log]\nlevel = {_text(found.level)}\n"] if found.level and found.level != "info" else []),
        _device(found),
        _FIXED.lstrip("\n"),
        *(_request(name, one) for name, one in requests.items()),
        *_notices(requests),
        _job(found, requests).lstrip("\n"),
    ]
    return "\n".join(parts)


def tag_name(request: str) -> str:
    """A tag's name for /request: lower case, digits and _, not one of the others."""
    name = re.sub(r"[^a-z0-9]+", "_", request.lower()).strip("_") or "value"
    name = f"of_{name}" if not name[0].isalpha() else name
    return f"{name}_asked" if f'name = "{name}"' in _FIXED else name


def _device(found: FleetConfig) -> str:
    if found.inventory:
        who = f"url = {_text(found.inventory)}"
    elif found.members:
        who = f"members = {{ {', '.join(f'{_text(n)} = {_text(a)}' for n, a in found.members.items())} }}"
    else:
        who = 'url = "http://127.0.0.1:8080/inventory"   # it was not in the configuration: say where it is'
    scan = _seconds(min(found.every, 60.0))
    return (
        f'[[device]]\nname = {_text(DEVICE)}\ndriver = "http"\n{who}\ntimeout = 2.0\nscan = {_text(scan)}\n'
        'calls = { disconnect = { path = "/deconnection", method = "GET" } }\n'
    )


def _named(requests: list[Request]) -> dict[str, Request]:
    """By the name of its tag; one that is there twice once."""
    found: dict[str, Request] = {}
    taken: set[str] = set()
    for one in {one.name: one for one in requests}.values():
        name = first = tag_name(one.name)
        number = 1
        while {name, f"{name}_by_gateway"} & taken:
            number += 1
            name = f"{first}_{number}"
        taken |= {name, f"{name}_by_gateway"}
        found[name] = one
    return found


def _request(name: str, one: Request) -> str:
    get = f'get = "/{one.name}"\npick = "value"\n'
    words = f"Sum over the fleet of /{one.name}: good only if every gateway answered"
    total = f'[[device.tag]]\nname = "{name}"\n{get}reduce = "sum"\ndescription = "{words}"\n'
    if one.sum and one.threshold is not None:
        response = _text(f"The sum of {one.name} over the fleet is over {one.threshold:g}")
        total += f"alarm = {{ hi = {one.threshold}, priority = 2, response = {response} }}\n"
    table = (
        f'[[device.tag]]\nname = "{name}_by_gateway"\n{get}reduce = "table"\ndescription = "What each gateway said"\n'
    )
    return f"{total}\n{table}"


def _notices(requests: Mapping[str, Request]) -> Iterator[str]:
    sounding = [name for name, one in requests.items() if one.sound and one.sum and one.threshold is not None]
    if sounding:
        alarms = json.dumps([f"{DEVICE}/{name}.hi" for name in sounding])
        yield (
            "# Sound at this machine; in the browser the banner of alarms has a button for it.\n\n"
            '[notices.way.horn]\nkind = "sound"\n\n'
            f'[[notices.pipeline]]\nname = "sound"\nalarms = {alarms}\ngroup = "1s"\nstep = [{{ by = "horn" }}]\n'
        )


def _job(found: FleetConfig, requests: Mapping[str, Request]) -> str:
    columns = [("marbles_by_gateway", "marbles", "Marbles", "")]
    columns += [(f"{name}_by_gateway", name, one.name, "") for name, one in requests.items()]
    columns += [("total_taken", "", "Total taken", "write_back"), ("disconnected", "", "Disconnected", "disconnect")]
    tags = [f"{DEVICE}/marbles"] + [f"{DEVICE}/{name}" for name in requests]
    return _JOB.format(
        device=DEVICE,
        every=_text(_seconds(found.every)),
        columns="".join(f"  {_column(*column)},\n" for column in columns),
        asked=_ASKED.format(tags=json.dumps(tags)),
    )


def _column(members: str, total: str, title: str, after: str) -> str:
    keys = {"members": f"{DEVICE}/{members}", "total": f"{DEVICE}/{total}" if total else "", "title": title}
    return "{ " + ", ".join(f"{k} = {_text(v)}" for k, v in {**keys, "after": after}.items() if v) + " }"


def _seconds(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".") + "s"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)

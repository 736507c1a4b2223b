"""Whatever a class declares: served, described and used through a proxy it is the same."""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import Annotated, Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sereno import Device, bounds, command, tag
from sereno.app.serve.ports import ports_of
from sereno.app.serve.server import DeviceServer
from sereno.client import CommandSpec, Reading, connect
from sereno.device import device_configs, plan_of, tag_specs
from sereno.gateways.native.server import NativeServer
from sereno.testing import TESTER

PATH = "lab/any"
QUICK = (Phase.explicit, Phase.reuse, Phase.generate)
"""A failure is told at once: to make it smaller would start hundreds of servers more."""


class Gear(Enum):
    PARK = "p"
    DRIVE = 7


NUMBERS = st.floats(-1e6, 1e6).map(lambda x: round(x, 3))
VALUES: dict[Any, st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    int: st.integers(-(2**53), 2**53),
    float: NUMBERS,
    str: st.text(st.characters(codec="utf-8"), max_size=12),
    Gear: st.sampled_from(["p", "drive"]),
    list[float]: st.lists(NUMBERS, max_size=4),
    list[int]: st.lists(st.integers(-(2**31), 2**31 - 1), max_size=4),
    list[str]: st.lists(st.text(st.characters(codec="utf-8"), max_size=4), max_size=3),
    list[list[float]]: st.lists(st.lists(NUMBERS, min_size=2, max_size=2), min_size=1, max_size=3),
}
HINTS = st.sampled_from(list(VALUES))
NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,7}", fullmatch=True).filter(lambda name: not hasattr(Device, name))
RANGES = st.one_of(st.just({}), st.tuples(NUMBERS, NUMBERS).map(lambda pair: {"low": min(pair), "high": max(pair)}))


@st.composite
def tags(draw: st.DrawFn) -> tuple[Any, dict[str, Any], Any]:
    """(hint, options of tag, a value that may be written)"""
    hint = draw(HINTS)
    options = draw(RANGES) if hint is float else {}
    options |= {"unit": draw(st.sampled_from(("", "V", "m3/h"))), "description": draw(st.text("abc ", max_size=8))}
    options |= {"decimals": draw(st.none() | st.integers(0, 9)), "write": draw(st.sampled_from((True, True, "only")))}
    value = draw(VALUES[hint])
    if "low" in options:
        value = min(max(value, options["low"]), options["high"])
    return hint, options, value


def echo(hints: tuple[Any, ...]) -> Any:
    """A command that gives back its first argument, or nothing."""
    names = [f"p{i}" for i in range(len(hints))]
    scope: dict[str, Any] = {}
    exec(f"async def echo(self{''.join(f', {n}' for n in names)}):\n return {names[0] if names else None}", scope)
    made = scope["echo"]
    made.__annotations__ = {**dict(zip(names, hints, strict=True)), "return": hints[0] if hints else None}
    return command(made)


async def through_the_wire(cls: type[Device], written: dict[str, Any], called: dict[str, tuple[Any, ...]]) -> Any:
    async with DeviceServer(device_configs(cls, PATH)) as server:
        await server.ready(TESTER)
        async with NativeServer(ports_of(server, "t")) as native, connect(native.url, "t") as client:
            specs = {spec.path: spec for spec in await client.tags(PATH)}
            commands = {spec.name: spec for spec in (await client.devices())[0].commands}
            proxy = await client[PATH]
            read: dict[str, Reading] = {}
            for name, value in written.items():
                await proxy[name].write(value)
                read[name] = await client.get(f"{PATH}/{name}")
            results = {name: await proxy[name](*arguments) for name, arguments in called.items()}
            return specs, commands, read, results


def plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else list(value) if isinstance(value, tuple) else value


@settings(max_examples=25, phases=QUICK, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(NAMES, tags(), max_size=5),
    st.dictionaries(NAMES, st.lists(HINTS.flatmap(lambda h: st.tuples(st.just(h), VALUES[h])), max_size=3), max_size=2),
)
def test_a_declaration_is_the_same_at_the_other_end(declared: Any, commands: Any) -> None:
    commands = {f"do_{name}": given for name, given in commands.items() if f"do_{name}" not in declared}
    namespace: dict[str, Any] = {
        "__module__": __name__,
        "__annotations__": {n: hint for n, (hint, _, _) in declared.items()},
    }
    namespace |= {name: tag(**options) for name, (_, options, _) in declared.items()}
    namespace |= {name: echo(tuple(hint for hint, _ in given)) for name, given in commands.items()}
    cls = type("Any", (Device,), namespace)
    written = {name: value for name, (_, _, value) in declared.items()}
    called = {name: tuple(value for _, value in given) for name, given in commands.items()}

    specs, found, read, results = asyncio.run(through_the_wire(cls, written, called))

    assert specs == tag_specs(cls, PATH)
    plans: dict[str, CommandSpec] = {name: planned.spec for name, planned in plan_of(cls).commands.items()}
    assert found == plans
    for name, (_, options, value) in declared.items():
        if options["write"] is True:
            assert plain(read[name].value) == value
    for name, arguments in called.items():
        assert plain(results[name]) == (arguments[0] if arguments else None)


async def test_bounds_of_arguments_travel() -> None:
    class Ramp(Device):
        @command
        async def ramp(self, rate: Annotated[float, bounds(0, 5, unit="V/s")] = 1.0) -> None: ...

    _, commands, _, _ = await through_the_wire(Ramp, {}, {"ramp": (2.0,)})
    parameter = commands["ramp"].parameters[0]
    assert (parameter.unit, parameter.low, parameter.high, parameter.default) == ("V/s", 0, 5, 1.0)

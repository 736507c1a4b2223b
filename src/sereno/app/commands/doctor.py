"""doctor: is this machine, this installation and this node well? With --nagios as a check plug-in."""

from __future__ import annotations

import asyncio
import platform as machine
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import cache_from_source
from pathlib import Path

import click

from sereno.agents.supervision import AgentState
from sereno.agents.supervisor import BELOW
from sereno.app.host_clock import clock_fault
from sereno.app.platform import HostClock, host_clock
from sereno.client import Reading, RemoteClient, connect
from sereno.model import Access, ConfigurationError, LinkState, Quality, SerenoError, SystemClock, severity

from .options import NodeAddress, json_option, node_options
from .plant import plant_path
from .show import json_line

OK, WARNING, CRITICAL, UNKNOWN = 0, 1, 2, 3
_WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
_LOW_DISK = 1 << 30
_BUILD_YEAR_NS = 1_767_225_600 * 10**9  # 2026-01-01: a clock before this is wrong


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: level OK to UNKNOWN, in words."""

    name: str
    level: int
    text: str


@click.command()
@click.option("--plant", type=click.Path(path_type=Path), default=None, help="Check this plant file too.")
@click.option("--nagios", is_flag=True, help="One line and exit code 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.")
@node_options
@json_option
def doctor(*, plant: Path | None, nagios: bool, node: NodeAddress, as_json: bool) -> int:
    """Look at the machine, the installation and the running node."""
    findings = [] if nagios else [*machine_findings(node.data or Path("data")), *driver_findings()]
    if plant is not None:
        findings.append(plant_finding(plant))
    about_node, figures = asyncio.run(node_findings(node))
    findings += about_node
    worst = max((f.level for f in findings if f.level != UNKNOWN), default=UNKNOWN if findings else OK)
    if nagios:
        shown = [f.text for f in findings if f.level == worst] or ["nothing looked at"]
        perf = " ".join(f"{k}={v}" for k, v in figures.items())
        click.echo(f"SERENO {_WORDS[worst]} - {'; '.join(shown)}{' | ' + perf if perf else ''}")
        return worst
    for finding in findings:
        if as_json:
            json_line({"name": finding.name, "level": _WORDS[finding.level], "text": finding.text})
        else:
            mark = ("ok", "warning", "FAULT", "-")[finding.level]
            click.echo(f"{mark:<9}{finding.name:<12}{finding.text}")
    return 1 if worst == CRITICAL else 0


def machine_findings(data: Path) -> list[Finding]:
    """Python, disk, clock."""
    version = sys.version_info
    findings = [
        Finding("python", OK if version >= (3, 11) else CRITICAL, f"{machine.python_version()} on {machine.platform()}")
    ]
    nearest = next(p for p in (data, *data.absolute().parents) if p.exists())
    free = shutil.disk_usage(nearest).free
    findings.append(Finding("disk", OK if free > _LOW_DISK else WARNING, f"{free / 2**30:.1f} GiB free at {nearest}"))
    findings.append(clock_finding(SystemClock().wall_ns(), host_clock()))
    findings.append(compiled_finding(Path(__file__)))
    return findings


def compiled_finding(module: Path) -> Finding:
    """What Python compiled of a module that is loaded was kept: else each start compiles everything anew."""
    try:
        kept = Path(cache_from_source(module)).exists()
    except NotImplementedError:
        kept = False
    if kept:
        return Finding("start", OK, "modules are compiled once")
    if sys.dont_write_bytecode:
        why, fix = "PYTHONDONTWRITEBYTECODE is set", "unset it, or compile them once"
    else:
        why, fix = f"{module.parent} cannot be written to", "have somebody who may compile them once"
    packages = module.parents[3]
    command = f"{Path(sys.executable).name} -m compileall -q {packages}"
    return Finding("start", WARNING, f"every start compiles all modules anew, seconds of it: {why}; {fix}: {command}")


def clock_finding(now: int, clock: HostClock) -> Finding:
    """The machine's clock: plausible, and kept right by a time service."""
    if now <= _BUILD_YEAR_NS:
        return Finding("clock", CRITICAL, "the clock is years behind")
    if fault := clock_fault(clock):
        return Finding("clock", WARNING, f"{fault}; run a time service such as chrony or systemd-timesyncd")
    if clock.synchronised is None:
        return Finding("clock", OK, "plausible; whether it is synchronised, this system does not say")
    return Finding("clock", OK, f"synchronised, right to {clock.max_error * 1e3:.0f} ms")


def driver_findings() -> list[Finding]:
    """Every installed driver can be imported."""
    from sereno.app.registry import driver_entries, load_driver

    findings = []
    for name, entry in sorted(driver_entries().items()):
        try:
            load_driver(entry)
            findings.append(Finding("driver", OK, name))
        except (ImportError, TypeError) as error:
            findings.append(Finding("driver", WARNING, f"{name} cannot be loaded: {error}"))
    return findings


def plant_finding(plant: Path) -> Finding:
    """The plant file is without fault."""
    from sereno.app.plant.load import load_plant

    try:
        loaded = load_plant(plant_path(plant))
    except ConfigurationError as error:
        return Finding("plant", CRITICAL, f"{len(error.faults)} faults, first: {error.faults[0]}")
    return Finding("plant", OK, f"{loaded.table.name}: {len(loaded.devices)} devices, {loaded.tag_count} tags")


async def node_findings(node: NodeAddress) -> tuple[list[Finding], dict[str, int]]:
    """The node answers, its links are up, its values are good; and figures for a monitoring system."""
    try:
        async with connect(url=node.url, token=node.token, data=node.data) as client:
            return await _node(client)
    except SerenoError as error:
        return [Finding("node", CRITICAL, str(error).splitlines()[0])], {}


async def _node(client: RemoteClient) -> tuple[list[Finding], dict[str, int]]:
    reasons, warnings = await client.complaints()
    devices = await client.devices()
    readings = await client.read()
    bad = complaints(readings)
    down = [d for d in devices if d.link is not LinkState.UP]
    findings = [Finding("node", OK, f"{len(devices)} devices, {len(readings)} tags")]
    findings += [Finding("device", CRITICAL, f"{d.path} {d.link}: {d.last_error or 'no error told'}") for d in down]
    findings += [Finding("agent", CRITICAL, f"{path} does not end, and still runs") for path in unended(readings)]
    findings += [Finding("node", CRITICAL, reason) for reason in reasons]
    findings += [Finding("node", WARNING, warning) for warning in warnings]
    if bad and not down:
        findings.append(
            Finding(
                "tags", WARNING, f"{len(bad)} of {len(readings)} tags bad, first {bad[0].tag.path}: {bad[0].reason}"
            )
        )
    figures = {"devices": len(devices), "down": len(down), "tags": len(readings), "bad": len(bad)}
    return findings, figures


def unended(readings: Iterable[Reading]) -> list[str]:
    """Agents that were to end and are still at it: their devices are up."""
    told = [one.tag.path for one in readings if one.tag.name == "state" and one.value == AgentState.STOPPING]
    return [device for path in told if (device := path.removesuffix(f"/{BELOW}/state")) != path]


def complaints(readings: Iterable[Reading]) -> list[Reading]:
    """What is bad and should not be: neither only written, nor of what an instrument does not have."""
    bad = [reading for reading in readings if severity(reading.quality) == "bad"]
    return [one for one in bad if one.quality != Quality.NOT_IMPLEMENTED and one.tag.access is not Access.WRITE]

"""How a small gateway is opened: what its plant file says, and what the command line says instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sereno.access.insecure import LOOPBACK_ONLY, Insecure, network
from sereno.app.plant.gateway_schema import HttpTable, read_token
from sereno.app.plant.load import Plant
from sereno.app.plant.loopback import is_loopback
from sereno.gateways.http.settings import HttpSettings
from sereno.model import ConfigurationError, Fault

ACTOR = "gateway/http"


@dataclass(frozen=True, slots=True)
class Opened:
    """What the command line says; None or nothing = as the plant file."""

    host: str | None = None
    port: int | None = None
    allow: tuple[str, ...] = ()
    token: str = ""
    legacy_writes: bool = False
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Served:
    """How it is served, and to whom."""

    settings: HttpSettings
    insecure: Insecure


def opened(plant: Plant, said: Opened) -> Served:
    """Both put together. Raises ConfigurationError: it would be open to a network that nobody named."""
    _nothing_more(plant)
    table = plant.gateway.http or HttpTable(insecure=True)
    try:
        allow = tuple(network(one) for one in said.allow)
        settings = table.settings()
        token = read_token(said.token) if said.token else settings.token
    except ValueError as error:
        raise ConfigurationError([Fault("--allow, --token", str(error))]) from None
    settings = replace(
        settings,
        host=said.host or settings.host,
        port=settings.port if said.port is None else said.port,
        token=token,
        hosts=(*settings.hosts, *said.hosts),
        legacy_writes=settings.legacy_writes or said.legacy_writes,
    )
    insecure = table.insecure_as(ACTOR)
    if allow:
        insecure = replace(insecure, allow=(*LOOPBACK_ONLY, *allow))
    if not is_loopback(settings.host) and set(insecure.allow) <= set(LOOPBACK_ONLY):
        found = f"it would listen on {settings.host} and let nobody in but this machine"
        raise ConfigurationError(
            [Fault("--host", found, "--allow NETWORK", "Name the network of those who ask, such as 10.1.2.0/24.")]
        )
    return Served(settings, insecure)


def _nothing_more(plant: Plant) -> None:
    """Raises ConfigurationError for what only a node runs: a rule that is not kept must not look as if it were."""
    parts: dict[str, Sequence[Any]] = {
        "guard": plant.guards,
        "agent": plant.agents,
        "job": plant.jobs,
        "alarm": plant.alarms,
    }
    parts["derived device"] = plant.derived
    parts["command that waits for people"] = [one for one in plant.linked_devices if one.table.waiting]
    parts["command with an interlock"] = [
        one for one in plant.linked_devices if any(command.interlock for command in one.table.commands.values())
    ]
    tags = [tag.spec for device in plant.linked_devices for tag in device.tags]
    parts["set-point that waits for people"] = [spec for spec in tags if spec.setpoint.marked]
    found = [name for name, declared in parts.items() if declared]
    if found:
        words = f"the plant has one {' and one '.join(found)} or more, which a small gateway does not run"
        raise ConfigurationError([Fault(str(plant.path), words, fix="Use sereno run: it serves [gateway.http] too.")])

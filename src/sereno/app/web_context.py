"""What the web room is given of a node: ports of its rooms, facts of its plant, and what it tells of itself."""

from __future__ import annotations

from importlib.metadata import version

from sereno.access.oidc import Provider
from sereno.model import Clock
from sereno.web.context import SiteInfo, WebContext

from .analysis import analysis_of
from .condition import history_figures, not_ready, warnings
from .configuration.running import Configurations
from .host_clock import clock_figures
from .no_history import NoHistory
from .paced.live import live_at
from .plant.load import Plant
from .registry import load_applications
from .wiring import Parts


def web_context(
    plant: Plant,
    parts: Parts,
    configuration: Configurations,
    installation: str,
    hosts: tuple[str, ...],
    *,
    clock: Clock,
) -> WebContext:
    """What the web room is given; `clock` is that of pages."""
    oidc, called = plant.provider or (None, "")
    return WebContext(
        live=live_at(parts.hub, clock),
        commands=parts.router,
        rights_of=parts.router.rights_of,
        waiting=parts.router.consent,
        history=parts.historian or NoHistory(),
        analysis=analysis_of(plant, parts.historian, parts.accounts.audit),
        devices=parts.device_port,
        overrides=parts.overrides,
        agents=parts.agent_logs,
        guards=parts.guards,
        jobs=parts.jobs,
        accounts=parts.accounts,
        oidc=Provider(oidc, clock) if oidc else None,
        clock=clock,
        site=SiteInfo(plant.table.name, plant.table.timezone, version("sereno"), plant.web.banner, called),
        installation=installation,
        secure=plant.web.encrypted,
        hosts=hosts,
        mimic=plant.mimic,
        alarms=parts.alarms,
        notices=parts.telling.notices,
        logbook=parts.telling.logbook,
        reports=parts.reports,
        configuration=configuration,
        applications=load_applications(plant.web.pages),
        data=parts.machine.data,
        ready=lambda: not_ready(parts),
        machine=parts.machine.status,
        warnings=lambda: [*warnings(parts), *configuration.warnings()],
        figures={
            "hub": parts.hub.statistics,
            "router": parts.router.statistics,
            "audit": parts.store.figures,
            "historian": lambda: history_figures(parts),
            "alarms": parts.alarms.statistics,
            "notices": parts.telling.figures,
            "reports": parts.reports.statistics,
            **{f"gateway_{name}": gateway.figures for name, gateway in parts.gateways.items()},
            "totals": parts.totals.statistics,
            "host": clock_figures,
        },
    )

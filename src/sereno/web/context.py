"""What the web room is given: the plant through its ports, people, time, and how this site is set up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sereno.access.accounts import Accounts
from sereno.access.actor import Right, rights_by_verb
from sereno.access.oidc import Provider
from sereno.client import (
    AgentPort,
    AlarmPort,
    AnalysisPort,
    CommandPort,
    ConfigurationPort,
    DevicePort,
    FixedConfiguration,
    GuardPort,
    HistoryPort,
    JobPort,
    LogbookPort,
    NoAgents,
    NoAlarms,
    NoAnalysis,
    NoGuards,
    NoJobs,
    NoLogbook,
    NoNotices,
    NoReports,
    NothingWaits,
    NoticePort,
    OverridePort,
    PlannedPort,
    ReportPort,
    WaitingPort,
)
from sereno.model import Clock, Command
from sereno.pages import Application, BrokenApplication

LOOPBACK = ("localhost", "127.0.0.1", "::1")

Figures = Callable[[], Mapping[str, float | Mapping[str, float]]]
"""Present figures of a room for /metrics: name to number, or name to {what it is of: number}."""


@dataclass(frozen=True, slots=True)
class SiteInfo:
    """What pages say about the site; `timezone` is an IANA name, `version` is Sereno's.

    `banner` is what whoever signs in is told first: whose system it is, and who may use it. `provider` is how people
    call what else they may sign in by.
    """

    name: str
    timezone: str
    version: str
    banner: str = ""
    provider: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebContext:
    """All that `create_app` needs.

    `installation` tells cookies of several installations on one host apart. `secure`: pages are reached by TLS.
    `hosts` are names besides the loopback ones under which this site is asked for. `mimic` is the plant's SVG.
    `ready` returns the reasons why the node is not ready yet, `warnings` what else somebody should look at.
    `machine` tells of the process and what it runs on. `figures` are shown under /metrics by room name.
    `folder` holds templates, static files and the language catalogues. `applications` add pages of their own;
    `data` is the data folder that they may read from. `rights_of`: of which rights a command takes one on its target.
    """

    live: PlannedPort
    commands: CommandPort
    rights_of: Callable[[Command], tuple[Right, ...]] = rights_by_verb
    history: HistoryPort
    analysis: AnalysisPort = field(default_factory=NoAnalysis)
    devices: DevicePort
    overrides: OverridePort
    agents: AgentPort = field(default_factory=NoAgents)
    guards: GuardPort = field(default_factory=NoGuards)
    jobs: JobPort = field(default_factory=NoJobs)
    waiting: WaitingPort = field(default_factory=NothingWaits)
    alarms: AlarmPort = field(default_factory=NoAlarms)
    notices: NoticePort = field(default_factory=NoNotices)
    logbook: LogbookPort = field(default_factory=NoLogbook)
    reports: ReportPort = field(default_factory=NoReports)
    configuration: ConfigurationPort = field(default_factory=FixedConfiguration)
    accounts: Accounts
    oidc: Provider | None = None
    clock: Clock
    site: SiteInfo
    installation: str = ""
    secure: bool = False
    hosts: tuple[str, ...] = ()
    mimic: Path | None = None
    ready: Callable[[], list[str]] = list
    warnings: Callable[[], list[str]] = list
    machine: Callable[[], Mapping[str, Any]] = dict
    figures: Mapping[str, Figures] = field(default_factory=dict)
    folder: Path = Path(__file__).parent
    applications: Sequence[Application | BrokenApplication] = ()
    data: Path | None = None

    @property
    def cookie(self) -> str:
        """Name of the session cookie."""
        name = f"sereno_{self.installation[:8]}" if self.installation else "sereno"
        return f"__Host-{name}" if self.secure else name

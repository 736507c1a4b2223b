"""The plant file's tables as typed models; published as JSON Schema by `sereno check --schema`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from sereno.access.oidc import OidcConfig, check_issuer
from sereno.access.session_limits import RoleLimits, SessionLimits
from sereno.historian.retention import KeepRule
from sereno.historian.room import WhenFull
from sereno.model import Access, Marks, Setpoint, ValueType, check_path

from .alarm_schema import AlarmTable
from .durations import Duration, span
from .loopback import is_loopback

HostName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")]
LONGEST_SESSION = 366 * 86400.0
SessionTime = Annotated[Duration, Field(ge=60.0, le=LONGEST_SESSION)]
Age = Annotated[Duration, Field(ge=86_400.0)]


class Table(BaseModel):
    """A table of the file: unknown keys are refused, values are fixed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PlantTable(Table):
    """[plant]"""

    name: str = Field("Plant", min_length=1, max_length=80)
    description: str = ""
    timezone: str = "UTC"
    shifts: list[Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]] = []
    include: list[str] = []
    mimic: str | None = None

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"unknown time zone {value!r}, expected an IANA name such as Europe/Madrid") from None
        return value


class WebTable(Table):
    """[web]"""

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    hosts: list[HostName] = []
    tls: Literal["generate"] | None = None
    tls_certificate: str | None = None
    tls_key: str | None = None
    banner: str = Field("", max_length=2000)
    pages: list[str] = Field([], description="Applications that add pages, by their entry point `sereno.pages`")

    @property
    def encrypted(self) -> bool:
        """True if the pages are served by TLS."""
        return self.tls is not None or self.tls_certificate is not None

    @model_validator(mode="after")
    def _tls(self) -> Self:
        if (self.tls_certificate is None) is not (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key go together")
        if self.tls and self.tls_certificate:
            raise ValueError('either tls = "generate" or tls_certificate and tls_key, not both')
        if not is_loopback(self.host) and not self.encrypted:
            raise ValueError(
                f"host {self.host!r} without TLS is refused: passwords and commands would cross the network in the "
                'clear; set tls_certificate and tls_key, or tls = "generate", or listen on 127.0.0.1'
            )
        return self


class RoleSessionsTable(Table):
    """How long sessions of a role last, where that is not as for all."""

    idle: SessionTime | None = None
    absolute: SessionTime | None = None


class SessionsTable(Table):
    """[sessions]: when people must sign in again, after doing nothing and at the latest."""

    idle: SessionTime = 8 * 3600.0
    absolute: SessionTime = 24 * 3600.0
    roles: dict[str, RoleSessionsTable] = {}

    def limits(self) -> SessionLimits:
        """As the value of the room that signs people in; what a role does not say is as for all."""
        house = SessionLimits(self.idle, self.absolute)
        said = {name: (role, house.of([name])) for name, role in self.roles.items()}
        own = {n: RoleLimits(r.idle or usual.idle, r.absolute or usual.absolute) for n, (r, usual) in said.items()}
        return replace(house, roles=own)


class NativeTable(Table):
    """[native]: the binary protocol for programs; its TLS is that of [web]."""

    enabled: bool = True
    host: str = "127.0.0.1"
    port: int = Field(0, ge=0, le=65535)


class KeepTable(Table):
    """[[history.keep]]: how long samples (`raw`) and roll-ups of some tags are kept; without a time, for ever."""

    tags: str
    raw: Age | None = None
    minutes: Age | None = None
    hours: Age | None = None
    days: Age | None = None

    @model_validator(mode="after")
    def _longer_and_longer(self) -> Self:
        named = {"raw": self.raw, "minutes": self.minutes, "hours": self.hours, "days": self.days}
        for (name, age), (coarser, longer) in pairwise(named.items()):
            if longer is not None and (age is None or age > longer):
                raise ValueError(f"{name} would be kept longer than {coarser}, which would stand for it")
        return self

    def rule(self) -> KeepRule:
        """As the historian takes it."""
        return KeepRule(self.tags, self.raw, self.minutes, self.hours, self.days)


class HistoryTable(Table):
    """[history]: where samples are kept and for how long (days; 0 = for ever), and what to do on a full disk."""

    enabled: bool = True
    days: float = Field(0.0, ge=0)
    alarm_days: float = Field(0.0, ge=0)
    max_bytes: int = Field(0, ge=0)
    keep_free: int = Field(64 << 20, ge=0)
    when_full: WhenFull = WhenFull.STOP
    keep: list[KeepTable] = []
    commit_interval: Duration = 0.1


class DatabaseTable(Table):
    """[database]: a server for people, commands and audit; without it a file in the data folder.

    `url_file` names a file with the URL, which may hold a password, relative to the plant file.
    """

    url_file: str | None = None


class OidcTable(Table):
    """[oidc]: a provider of OpenID Connect that people may sign in by, besides those of this installation.

    `client_secret_file` is relative to the plant file; a public client has none.
    """

    issuer: Annotated[str, AfterValidator(check_issuer)]
    client_id: str = Field(min_length=1, max_length=200)
    client_secret_file: str | None = None
    claim: str = Field("groups", min_length=1, max_length=200)
    name: str = Field("preferred_username", min_length=1, max_length=200)
    roles: dict[str, str] = Field(min_length=1, max_length=1000)
    hosts: list[HostName] = []
    label: str = Field("", max_length=80)

    @property
    def called(self) -> str:
        """What the button on the sign-in page says."""
        return self.label or self.issuer.split("/")[2]

    def config(self, folder: Path) -> OidcConfig:
        """As the value of the room that signs people in. Raises OSError if the secret cannot be read."""
        secret = (folder / self.client_secret_file).read_text("utf-8").strip() if self.client_secret_file else ""
        given = self.model_dump(exclude={"client_secret_file", "hosts"})
        return OidcConfig(**given, hosts=tuple(self.hosts), client_secret=secret)


class GroupTable(Table):
    """One of a device's scan groups."""

    period: Duration
    phase: Duration | None = None


def _group(value: Any) -> Any:
    return value if isinstance(value, dict) else {"period": value}


class RetryTable(Table):
    """Back-off between attempts to connect."""

    initial: Duration = 0.5
    max: Duration = 30.0


class UseTable(Table):
    """Makes what a template declares, once with `with`, or once for each entry of `each`."""

    template: str
    given: dict[str, Any] = Field(default_factory=dict, alias="with")
    each: list[dict[str, Any]] = []


class CounterTable(Table):
    """A tag that counts up and starts again: its total is kept in a tag beside it."""

    total: str = ""
    modulus: int | None = Field(None, ge=2, lt=1 << 62)
    max_step: int | None = Field(None, ge=1, lt=1 << 62)
    after_reset: Literal["zero", "anywhere"] = "zero"

    @field_validator("total")
    @classmethod
    def _total(cls, value: str) -> str:
        return check_path(value, segments=1) if value else value


def _labels(value: Any) -> Any:
    return [part.strip() for part in value.split("|")] if isinstance(value, str) else value


Meaning = Annotated[str, Field(min_length=1, max_length=40)]


class MarksTable(Table):
    """What a named command of a device waits for, and what it depends on."""

    select: Annotated[bool | float, span(30.0)] = 0.0
    approval: Annotated[bool | float, span(600.0)] = 0.0
    sign: Annotated[list[Meaning], BeforeValidator(_labels)] = []
    interlock: str = Field("", max_length=900)
    timeout: Duration = 0.0
    reads: bool | None = None

    @model_validator(mode="after")
    def _either(self) -> MarksTable:
        if self.reads and self.marks().marked:
            raise ValueError("what only reads waits for nobody: leave out reads, or select, approval and sign")
        return self

    def marks(self) -> Marks:
        """As the model's value."""
        return Marks(**{**self.model_dump(exclude={"reads"}), "sign": tuple(self.sign)})


class SetpointTable(Table):
    """How a writable tag is commanded."""

    low: float | None = None
    high: float | None = None
    max_step: float | None = Field(None, gt=0)
    max_rate: float | None = Field(None, gt=0)
    readback: str = "self"
    tolerance: float = Field(0.0, ge=0)
    timeout: Duration = 5.0
    interlock: str = ""
    select: Annotated[bool | float, span(30.0)] = 0.0
    approval: Annotated[bool | float, span(600.0)] = 0.0
    sign: Annotated[list[Meaning], BeforeValidator(_labels)] = []

    def setpoint(self) -> Setpoint:
        """As the model's value."""
        return Setpoint(**{**self.model_dump(), "sign": tuple(self.sign)})


class TagTable(Table):
    """[[device.tag]] without the driver's own keys."""

    name: str
    type: ValueType | None = None
    unit: str = ""
    description: str = ""
    access: Access | None = None
    labels: Annotated[list[str], BeforeValidator(_labels)] = []
    decimals: int | None = Field(None, ge=0, le=9)
    low: float | None = None
    high: float | None = None
    deadband: float = Field(0.0, ge=0)
    deadband_percent: float = Field(0.0, ge=0, le=100)
    clock: Duration | None = None
    group: str | None = None
    alarm: AlarmTable | None = None
    counter: CounterTable | None = None
    setpoint: SetpointTable = SetpointTable()
    was: str = ""

    @field_validator("name")
    @classmethod
    def _name(cls, value: str) -> str:
        return check_path(value, segments=1)


class DeviceTable(Table):
    """[[device]] without the driver's own keys and without its tags."""

    name: str
    driver: str = ""
    cls: str = Field("", alias="class")
    description: str = ""
    scan: Duration = 1.0
    groups: dict[str, Annotated[GroupTable, BeforeValidator(_group)]] = {}
    stale_after: Duration | None = None
    retry: RetryTable = RetryTable()
    enabled: bool = True
    commands: dict[str, MarksTable] = {}

    @property
    def waiting(self) -> list[str]:
        """Those commands that wait for people."""
        return [key for key, one in self.commands.items() if one.marks().marked]

    def marks_at(self, path: str) -> dict[str, Marks]:
        """What is said of commands of the device `path`, itself or one of its children."""
        return {name: one.marks() for name, one in self._commands_at(path)}

    def reading_at(self, path: str) -> dict[str, bool]:
        """Of which commands of the device `path` it is said whether they only read."""
        return {name: one.reads for name, one in self._commands_at(path) if one.reads is not None}

    def _commands_at(self, path: str) -> Iterator[tuple[str, MarksTable]]:
        for key, one in self.commands.items():
            device, _, name = f"{self.name}/{key}".rpartition("/")
            if device == path:
                yield name, one

    @field_validator("name")
    @classmethod
    def _name(cls, value: str) -> str:
        return check_path(value, segments=1)


class TemplateTable(Table):
    """[[template]]: tags (used inside a device) or whole devices (used at the top)."""

    name: str
    parameters: list[str] = []
    description: str = ""


class GuardCommandTable(Table):
    """The one command of a guard: a value for a tag, or the call of a device's command."""

    target: str = ""
    value: bool | int | float | str | None = None
    call: str = ""
    name: str = ""
    arguments: list[bool | int | float | str] = []

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if bool(self.target and self.value is not None) == bool(self.call and self.name):
            raise ValueError("expected { target = TAG, value = ... } or { call = DEVICE, name = COMMAND }")
        if (self.target and self.call) or (self.target and self.arguments):
            raise ValueError("a command writes a tag or calls a device, not both")
        return self


class GuardTable(Table):
    """[[guard]]: issues one declared command when its condition has held. Not the safety layer."""

    name: str
    when: str = Field(min_length=1, max_length=900)
    hold: Duration = Field(0.0, alias="for")
    command: GuardCommandTable
    actor: str = Field("", pattern=r"^(guard/[a-z0-9_]+)?$", max_length=100)
    cooldown: Duration = 60.0
    stale: Literal["act", "hold"] = "hold"
    retry: bool = False
    effect: Duration = 0.0

    @field_validator("name")
    @classmethod
    def _name(cls, value: str) -> str:
        return check_path(value, segments=1)


class AgentTable(Table):
    """[[agent]]: a device written in Python that acts: what it may do in the plant, and how it is watched."""

    device: str
    writes: list[str] = []
    calls: list[str] = []
    silent: Duration = 10.0
    limit: int = Field(5, ge=0, le=1000)
    within: Duration = 300.0
    process: bool = False


TOP_KEYS = (
    *("plant", "site", "web", "native", "gateway", "sessions", "oidc", "history", "database", "log"),
    *("template", "use", "device", "agent", "simulator", "guard", "job", "alarm", "notices", "report"),
)
DEVICE_LISTS = ("tag", "use", "alarm", "tags_csv")
Lists = Literal["tag", "use", "device", "template", "alarm"]

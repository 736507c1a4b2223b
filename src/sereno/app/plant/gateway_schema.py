"""[gateway.*]: the tables of gateways."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, Field, model_validator

from sereno.access.insecure_table import AllowTable, InsecureTable
from sereno.gateways.http.settings import HttpSettings
from sereno.gateways.tango.settings import TangoSettings

from .schema import Table

SHORTEST_TOKEN = 16
_ENDPOINT = re.compile(r"(?!tags\Z)[A-Za-z0-9._~-]{1,100}\Z", re.ASCII)
_COMMAND = re.compile(r"[A-Za-z0-9_]+(/[A-Za-z0-9_]+)+\Z", re.ASCII)
_TANGO_NAME = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+){2}\Z", re.ASCII)


class LineTable(InsecureTable):
    """[gateway.line]: questions and answers by lines over TCP."""

    protocol: ClassVar[str] = "the line protocol"

    host: str = "127.0.0.1"
    port: int = Field(8888, ge=0, le=65535)


def _three_parts(name: str) -> str:
    if not _TANGO_NAME.match(name):
        raise ValueError(f"{name!r} is no name of a Tango device, expected domain/family/member")
    return name


class LatestTable(AllowTable):
    """[gateway.latest]: the latest value for small readers; the byte `n` is answered with that of the first tag."""

    protocol: ClassVar[str] = "the latest protocol"
    danger: ClassVar[str] = "read what `tags` names"

    host: str = "127.0.0.1"
    port: int = Field(5000, ge=0, le=65535)
    tags: list[str] = Field(min_length=1, max_length=10_000)


class TangoTable(InsecureTable):
    """[gateway.tango]: tags and commands as Tango devices; `names` gives devices other names there than their paths."""

    protocol: ClassVar[str] = "Tango"

    host: str = "127.0.0.1"
    port: int = Field(45450, ge=0, le=65535)
    prefix: str = Field("sereno", pattern=r"^[A-Za-z0-9_.-]+$", max_length=100)
    names: dict[str, Annotated[str, AfterValidator(_three_parts)]] = Field(default={}, max_length=10_000)
    database: str = Field("", pattern=r"^([A-Za-z0-9_.-]+:[0-9]{1,5})?$", max_length=200)
    server: str = Field("main", pattern=r"^[A-Za-z0-9_.-]+$", max_length=100)

    @model_validator(mode="after")
    def _package(self) -> Self:
        if find_spec("tango") is None:
            raise ValueError("it needs the package pytango: pip install 'sereno[tango]'")
        return self

    def settings(self) -> TangoSettings:
        """As the value that the gateway is given."""
        return TangoSettings(**self.model_dump(exclude=set(InsecureTable.model_fields)))


def _endpoint(name: str) -> str:
    if not _ENDPOINT.match(name):
        raise ValueError(f"{name!r} is no name of an endpoint, expected letters, digits, _ . ~ - alone, not 'tags'")
    return name


def _command(path: str) -> str:
    if not _COMMAND.match(path):
        raise ValueError(f"{path!r} is no command, expected DEVICE/COMMAND such as plc/reset")
    return path


def _secret(text: str) -> str:
    if text and not text.startswith(("env:", "file:")):
        raise ValueError("a token is named by env:NAME or file:PATH, and is not in the plant file itself")
    return text


Endpoint = Annotated[str, AfterValidator(_endpoint)]
HostName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?$", max_length=253)]
Vector = Annotated[list[str], Field(min_length=1, max_length=1000)]


class HttpTable(InsecureTable):
    """[gateway.http]: values by HTTP as small gateway computers beside a PLC serve them, and by PUT and POST.

    `names`: a tag, or the tags of a vector, by endpoint. `totals`: where numbers sent to /ENDPOINT/NUMBER go.
    `commands`: DEVICE/COMMAND by endpoint. `only`: no other tag has an endpoint.
    `hosts`: names of this machine by which it may be asked without a token, as it may by an address.
    """

    protocol: ClassVar[str] = "HTTP without a token"

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    names: dict[Endpoint, str | Vector] = Field(default={}, max_length=10_000)
    totals: dict[Endpoint, Vector] = Field(default={}, max_length=1000)
    commands: dict[Endpoint, Annotated[str, AfterValidator(_command)]] = Field(default={}, max_length=1000)
    connections: str = ""
    legacy_writes: bool = False
    only: bool = False
    hosts: list[HostName] = Field(default=[], max_length=100)
    token: Annotated[str, AfterValidator(_secret)] = ""

    @model_validator(mode="after")
    def _declared(self) -> Self:
        """As AllowTable, but a token is as good as saying so."""
        if not (self.token or self.insecure):
            raise ValueError(
                "nobody is asked for a token: whoever reaches its port from an allowed address can "
                f'{self.danger}; name one by token = "env:NAME" or "file:PATH", or say insecure = true if that is '
                "meant, and list in `allow` the networks it is meant for (without it, this machine only)"
            )
        return self

    def settings(self) -> HttpSettings:
        """As the value that the gateway is given. Raises ValueError for a token that cannot be read."""
        names = {name: tags if isinstance(tags, str) else tuple(tags) for name, tags in self.names.items()}
        return HttpSettings(
            host=self.host,
            port=self.port,
            names=names,
            totals={name: tuple(tags) for name, tags in self.totals.items()},
            commands=self.commands,
            connections=self.connections,
            legacy_writes=self.legacy_writes,
            only=self.only,
            hosts=tuple(self.hosts),
            token=read_token(self.token) if self.token else b"",
        )


def read_token(text: str) -> bytes:
    """The token that env:NAME or file:PATH names. Raises ValueError if it is not there, or too short to be one."""
    kind, _, name = text.partition(":")
    try:
        found = os.environ.get(name, "").encode() if kind == "env" else Path(name).read_bytes()
    except OSError as error:
        raise ValueError(f"the token in {name} cannot be read: {error.strerror}") from None
    token = found.strip()
    if len(token) < SHORTEST_TOKEN or not token.isascii() or any(char <= ord(" ") for char in token):
        raise ValueError(f"the token in {name} has {len(token)} bytes, expected {SHORTEST_TOKEN} letters or more")
    return token


class GatewayTable(Table):
    """[gateway]: our tags for others, in their protocols."""

    http: HttpTable | None = None
    line: LineTable | None = None
    latest: LatestTable | None = None
    tango: TangoTable | None = None

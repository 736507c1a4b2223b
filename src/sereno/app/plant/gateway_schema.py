"""[gateway.*]: the tables of gateways."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, Field, model_validator

from sereno.access.insecure_table import AllowTable, InsecureTable
from sereno.gateways.tango.settings import TangoSettings

from .schema import Table

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


class GatewayTable(Table):
    """[gateway]: our tags for others, in their protocols."""

    line: LineTable | None = None
    latest: LatestTable | None = None
    tango: TangoTable | None = None

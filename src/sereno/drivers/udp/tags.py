"""What the plant file says about a device that listens for datagrams, and about its tags."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from sereno.access.insecure import parse_address
from sereno.access.insecure_table import AllowTable
from sereno.model import ValueType

from .protocol import is_name

Count = Literal["received", "lost", "late", "duplicates", "malformed", "spoofed"]
_URL = re.compile(r"udp://(\[[0-9a-fA-F:.]+\]|[^:/\s\[\]]+):([0-9]{1,5})\Z")
_KEY = re.compile(r"(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)\Z")


def _url(value: Any) -> str:
    found = _URL.match(value) if isinstance(value, str) else None
    if found is None or int(found[2]) > 65535:
        raise ValueError(f"{value!r} is no address to listen on, expected such as udp://127.0.0.1:5000")
    return str(value)


def _source(value: str) -> str:
    host, port = split_source(value)
    if parse_address(host) is None or (port is not None and not 0 < port < 65536):
        raise ValueError(f"{value!r} is no source, expected such as 10.0.0.7, 10.0.0.7:4001 or [fd00::7]:4001")
    return value


def _sensor(value: str) -> str:
    if not is_name(value):
        raise ValueError(f"{value!r} is no name of a sensor: a letter, then letters, digits, _ . / -, at most 64")
    return value


def _key(value: str) -> str:
    if _KEY.match(value) is None:
        raise ValueError("a key is not written into the plant file; say env:NAME or file:/path/to/it")
    return value


def split_source(text: str) -> tuple[str, int | None]:
    """Host and port of a source; None where any port will do."""
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        return host, int(port[1:]) if port[1:].isdigit() else None
    host, _, port = text.partition(":") if text.count(":") == 1 else (text, "", "")
    return host, (int(port) if port.isdigit() else -1) if port else None


def read_key(text: str) -> bytes:
    """The key that env:NAME or file:PATH names. Raises ValueError if it is not there."""
    kind, _, name = text.partition(":")
    if kind == "env":
        found = os.environ.get(name, "").encode()
    else:
        try:
            found = Path(name).read_bytes().strip()
        except OSError as error:
            raise ValueError(f"the key in {name} cannot be read: {error.strerror}") from None
    if len(found) < 16:
        raise ValueError(f"the key in {name} has {len(found)} bytes, expected 16 or more")
    return found


class UdpConfig(AllowTable):
    """Where datagrams are received, and from whom."""

    protocol: ClassVar[str] = "the datagram protocol of sensors"
    danger: ClassVar[str] = "send readings of any sensor that has no key"

    url: Annotated[str, BeforeValidator(_url)]
    silence: float = Field(5.0, gt=0)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to listen on."""
        found = _URL.match(self.url)
        assert found is not None
        return found[1].strip("[]"), int(found[2])


class UdpTagConfig(BaseModel):
    """Which sensor a tag is of, and whether it is its value or one of its counts.

    `sensor` is the name in its datagrams, `source` the address that they come from; without both, the nameless
    datagrams of any source. `rate` in datagrams per second and `key` belong to the value.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    sensor: Annotated[str, AfterValidator(_sensor)] | None = None
    source: Annotated[str, AfterValidator(_source)] | None = None
    count: Count | None = None
    rate: float | None = Field(None, gt=0, le=1e6)
    key: Annotated[str, AfterValidator(_key)] | None = None

    @property
    def default_type(self) -> ValueType:
        """Counts are whole numbers."""
        return ValueType.FLOAT64 if self.count is None else ValueType.INT64

    @property
    def identity(self) -> tuple[str, str]:
        """What tells its sensor from others."""
        return self.sensor or "", self.source or ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.count is not None and (self.rate is not None or self.key is not None):
            raise ValueError("rate and key belong to the tag of the value, not to a count")
        return self

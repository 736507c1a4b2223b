"""What the plant file says about a PLC that speaks JSON, and about its tags."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

DEFAULT_PORT = 5003
WATCHDOG = ("PLC", "watchdog")
"""The address of what no PLC tells: the seconds without a BEAT after which it confirms to make itself safe."""
MASTERS = ("PLC", "masters")
"""And of how many command it, this node among them; 0 where it does not tell."""
_EXPECTED = "expected 'tcp://HOST:PORT'"


def _url(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"url {value!r}, {_EXPECTED}")
    try:
        parts = urlsplit(value)
        port = parts.port or DEFAULT_PORT
    except ValueError as error:
        raise ValueError(f"url {value!r}: {error}; {_EXPECTED}") from None
    if parts.scheme != "tcp" or not parts.hostname or parts.path not in ("", "/") or parts.query or parts.username:
        raise ValueError(f"url {value!r}, {_EXPECTED}")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"tcp://{host}:{port}"


def _address(value: str) -> str:
    device, colon, name = value.rpartition(":")
    if not (device.strip() and colon and name.strip()):
        raise ValueError(f"address {value!r}, expected 'DEVICE:VALUE' as the PLC spells them: 'WXT520:RainRate'")
    return value


class JsonPlcConfig(BaseModel):
    """A PLC: `timeout` in seconds for each answer; `beat` seconds after which it makes itself safe, 0 = never told.

    `master`: what this node is called there, "" for its host and data folder.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, BeforeValidator(_url)]
    timeout: float = Field(2.0, gt=0, le=60)
    beat: float = Field(0.0, ge=0, le=3600)
    master: str = Field("", max_length=80)

    @property
    def endpoint(self) -> tuple[str, int]:
        """Host and port."""
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        return parts.hostname, parts.port or DEFAULT_PORT


class JsonPlcTagConfig(BaseModel):
    """Where a value stands in the answer: `DEVICE:VALUE`, or `DEVICE:valid`. `command`: what a write sets instead.

    `PLC:watchdog` is the time of the BEAT that the PLC confirms, 0 if it does not; `PLC:masters` how many command it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: Annotated[str, AfterValidator(_address)]
    command: Annotated[str, AfterValidator(_address)] | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Device and value."""
        return _split(self.address)

    @property
    def target(self) -> tuple[str, str]:
        """Device and value that a write sets."""
        return _split(self.command or self.address)


def _split(address: str) -> tuple[str, str]:
    device, _, name = address.rpartition(":")
    return device, name

"""Where a Tango device is, as Tango writes it."""

from __future__ import annotations

import re
from dataclasses import dataclass

_URL = re.compile(
    r"tango://(?P<host>[\w.-]+):(?P<port>\d{1,5})/(?P<device>[^/#\s]+(?:/[^/#\s]+/[^/#\s]+)?)(?P<direct>#dbase=no)?\Z",
    re.ASCII | re.IGNORECASE,
)
EXPECTED = "tango://HOST:PORT/domain/family/member, with #dbase=no where HOST:PORT is the device server itself"


@dataclass(frozen=True, slots=True)
class Address:
    """A device, or its alias, by way of the Tango database at `host`:`port`; `direct` = of the server there."""

    host: str
    port: int
    device: str
    direct: bool = False

    def __str__(self) -> str:
        return f"tango://{self.host}:{self.port}/{self.device}{'#dbase=no' if self.direct else ''}"


def parse_address(text: object) -> Address:
    """Raises ValueError with what is expected."""
    found = _URL.match(text.strip()) if isinstance(text, str) else None
    if found is None or not 0 < int(found["port"]) < 65536:
        raise ValueError(f"{text!r} is no address of a Tango device, expected {EXPECTED}")
    address = Address(found["host"], int(found["port"]), found["device"].lower(), found["direct"] is not None)
    if address.direct and "/" not in address.device:
        raise ValueError(f"{text!r}: an alias needs a Tango database; name the device, {EXPECTED}")
    return address

"""Names that a gateway is asked by: a page that had another name pointed at it is told nothing."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit


def is_ours(host: bytes, hosts: Collection[str]) -> bool:
    """True if the header Host is an address, a name without a domain or of the local link, or one of `hosts`.

    None of the first three can be had in public DNS, so no foreign site has one that leads here.
    """
    try:
        name = urlsplit(f"//{host.decode('ascii')}").hostname or ""
    except ValueError:
        return False
    name = name.removesuffix(".")
    if not name or any(char.isspace() for char in name):
        return False
    return "." not in name.removesuffix(".local") or name in hosts or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True

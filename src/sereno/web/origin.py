"""Where a request comes from: checks against DNS rebinding and forged requests of other sites."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from .context import LOOPBACK

ANY_ADDRESS = "*"
"""Among the hosts of a site: any bare address, which no foreign DNS name can stand for."""

SAFE = frozenset(("GET", "HEAD", "OPTIONS"))


def host_allowed(headers: Headers, hosts: tuple[str, ...]) -> bool:
    """True if Host is a name of this site (any port): otherwise some DNS name was pointed at us."""
    try:
        name = urlsplit(f"//{headers.get('host', '')}").hostname
    except ValueError:
        return False
    if name is None:
        return False
    return name in LOOPBACK or name in hosts or (ANY_ADDRESS in hosts and _is_address(name))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def same_origin(headers: Headers, *, cookie: bool) -> bool:
    """True if the request was made by a page of this site, or by no page at all.

    Browsers send Origin or Sec-Fetch-Site with everything that changes something and with WebSocket
    handshakes; a request with our cookie (`cookie`) that has neither is refused.
    """
    origin = headers.get("origin")
    if origin is not None:
        return origin.partition("://")[2] == headers.get("host") and origin.startswith(("http://", "https://"))
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    return not cookie

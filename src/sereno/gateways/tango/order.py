"""What the node tells the process that serves Tango, and what that tells the node: JSON lines."""

from __future__ import annotations

import msgspec

MODULE = "sereno.gateways.tango.worker"
OTHER_DEVICES = 3
"""Exit code of a worker that has to begin again because devices came or went."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach the node, and what to serve where. `rules` are omniORB's for who may connect.

    Without a `database` ("HOST:PORT") clients name the server itself; with one it is Sereno/`server` there.
    """

    url: str
    token: str
    host: str
    port: int
    rules: tuple[str, ...]
    writes: tuple[str, ...]
    prefix: str
    names: dict[str, str]
    database: str
    server: str


class Report(msgspec.Struct, frozen=True):
    """What is served, and how much was done since the start."""

    devices: int
    attributes: int
    pushed: int = 0
    writes: int = 0
    calls: int = 0
    refused: int = 0


def transport_rules(networks: tuple[str, ...]) -> tuple[str, ...]:
    """Networks as omniORB's rules: an address with its mask, or of IPv6 with the length of its prefix."""
    import ipaddress

    found = []
    for text in networks:
        one = ipaddress.ip_network(text)
        found.append(f"{one.network_address}/{one.prefixlen if one.version == 6 else one.netmask} tcp")
    return tuple(found)

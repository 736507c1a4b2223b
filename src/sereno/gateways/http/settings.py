"""What a gateway by HTTP serves, and under which names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """What [gateway.http] says beside who may come in.

    `names`: a tag, or the tags of a vector, by endpoint. `totals`: the tags that totals are written to, in the order
    of their numbers in the path. `commands`: DEVICE/COMMAND by endpoint. `connections`: the tag that counts the PLC's
    connections; without it those to this gateway count. `hosts`: names of this machine besides its addresses and those
    without a domain, by which it may be asked where there is no token. `token` empty = nobody is asked for one.
    `only` = nothing has an endpoint but what `names` names.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    names: Mapping[str, tuple[str, ...] | str] = field(default_factory=dict)
    totals: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    commands: Mapping[str, str] = field(default_factory=dict)
    connections: str = ""
    legacy_writes: bool = False
    only: bool = False
    hosts: tuple[str, ...] = ()
    token: bytes = b""

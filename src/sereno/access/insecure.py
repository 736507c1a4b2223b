"""Protocols without authentication: who may connect, as which actor, and what they may write."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeAlias

import structlog

from sereno.model import Clock
from sereno.store.errors import StoreError

from .actor import Actor, Permission, Right, Role

Network: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"
Address: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"

LOOPBACK_ONLY: tuple[Network, ...] = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
MAX_REFUSED = 1000
PERIOD = 60.0
_READS = (Right.READ, Right.HISTORY)
_WRITES = (Right.WRITE, Right.CALL)
_log = structlog.get_logger(__name__)


def network(text: str) -> Network:
    """A network or one address. Raises ValueError with the likely fix; everybody's network is none."""
    try:
        found = ipaddress.ip_network(text.strip())
    except ValueError:
        raise ValueError(
            f"{text!r} is no network{_likely(text)}, expected such as 10.1.2.0/24 or fd00:1::/64"
        ) from None
    if found.prefixlen == 0:
        raise ValueError(f"{text!r} lets everybody in; name the networks whose machines may connect")
    return found


def _likely(text: str) -> str:
    try:
        return f" (did you mean {ipaddress.ip_network(text.strip(), strict=False)}?)"
    except ValueError:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Insecure:
    """What whoever reaches a protocol without authentication may do; a plant file's `InsecureTable` makes it.

    `name` is the actor that everything over it is done as. `allow` says from where, `reads` and `writes` are globs of
    paths: what is not in `writes` can be neither written nor called.
    """

    name: str
    allow: tuple[Network, ...] = LOOPBACK_ONLY
    reads: tuple[str, ...] = ("*",)
    writes: tuple[str, ...] = ()

    def admits(self, address: str) -> bool:
        """True if `address` lies in an allowed network; what is no address never does."""
        return lies_in(address, self.allow)

    @property
    def actor(self) -> Actor:
        """The agent in whose name it acts, with a role of its own that has its name."""
        read = [Permission(right, glob) for right in _READS for glob in self.reads]
        write = [Permission(right, glob) for right in _WRITES for glob in self.writes]
        return Actor(self.name, (Role(self.name, (*read, *write)),), "agent", self.name)


def lies_in(address: str, networks: Iterable[Network]) -> bool:
    """True if `address` lies in one of the networks; what is no address never does."""
    peer = parse_address(address)
    return peer is not None and any(peer in one for one in networks if one.version == peer.version)


def parse_address(text: str) -> Address | None:
    """A peer's address: without zone, IPv4 also where it came mapped into IPv6; None for what is none."""
    try:
        parsed = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None) or parsed


@dataclass(slots=True)
class _Untold:
    """Refusals since the last record: how many, and of which address how many of them."""

    count: int = 0
    by_address: dict[str, int] = field(default_factory=dict)

    def add(self, address: str, count: int = 1) -> None:
        """`count` more from `address`; of very many addresses only the number is kept."""
        self.count += count
        if address in self.by_address or len(self.by_address) < MAX_REFUSED:
            self.by_address[address] = self.by_address.get(address, 0) + count

    def text(self) -> str:
        """For the record."""
        number = len(self.by_address)
        where = f"{number} addresses" if number < MAX_REFUSED else f"{number} addresses or more"
        return f"{self.count} from outside the allow-list" + (f", {where}" if number > 1 else "")


class Record(Protocol):
    """Where refusals are put on record: the audit, or what stands for it."""

    async def record(
        self, actor: str, action: str, target: str = "", origin: str = "", outcome: str = "done", **more: Any
    ) -> None:
        """As AuditLog.record."""


class Peers:
    """The door of one listener: asked for every connection or datagram, counts, and puts the refused on record.

    `run` puts the refused on record, at once and then once a minute as a number, however many there are and
    whatever addresses they claim to have.
    """

    def __init__(self, insecure: Insecure, audit: Record, clock: Clock) -> None:
        self.insecure = insecure
        self.admitted = 0
        self.refused = 0
        self._actor = insecure.actor
        self._audit = audit
        self._clock = clock
        self._untold = _Untold()
        self._news = asyncio.Event()

    def admit(self, address: str) -> Actor | None:
        """Whom `address` acts as from now on (its `origin` says from where), or None: hang up, answer nothing."""
        if self.insecure.admits(address):
            self.admitted += 1
            return replace(self._actor, origin=address)
        self.refused += 1
        self._untold.add(address[:64])
        self._news.set()
        return None

    def figures(self) -> dict[str, float]:
        """Counters since the start."""
        return {"peers_admitted": self.admitted, "peers_refused": self.refused}

    async def run(self) -> None:
        """Put refusals on record, until cancelled. What the disk refuses is told with the next round."""
        while True:
            await self._news.wait()
            self._news.clear()
            told, self._untold = self._untold, _Untold()
            try:
                await self._tell(told)
            except StoreError as error:
                for address, count in told.by_address.items():
                    self._untold.add(address, count)
                self._news.set()
                _log.error("refused peers are not on record", listener=self.insecure.name, error=str(error))
            await self._clock.sleep(PERIOD)

    async def _tell(self, told: _Untold) -> None:
        first = next(iter(told.by_address), "")
        await self._audit.record("somebody", "peer.refused", self.insecure.name, first, f"refused: {told.text()}")


def check_globs(globs: Iterable[str]) -> tuple[str, ...]:
    """Return `globs` if each names paths. Raises ValueError."""
    found = tuple(globs)
    for glob in found:
        if not 0 < len(glob) <= 200 or glob != glob.strip() or not glob.isprintable():
            raise ValueError(f"{glob!r} names no tags, expected a path or a glob such as mill/plc1/*")
    return found

"""Which instruments an INDI server has, without a plant file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sereno.device import SocketTransports, Transports
from sereno.model import Clock, NoAnswerError, NotConnectedError, SystemClock, suggest_segment

from .instrument import CONNECTION
from .listing import Listing
from .protocol import Address

QUIET = 0.7
"""Seconds without news after which a server has told all."""
INTERFACES = {
    1 << 0: ("telescope",),
    1 << 1: ("camera",),
    1 << 3: ("focuser",),
    1 << 4: ("filterwheel",),
    1 << 5: ("dome",),
    1 << 7: ("observingconditions", "safetymonitor"),
    1 << 9: ("switch",),
    1 << 10: ("switch",),
    1 << 15: ("switch",),
}
"""Bits of DRIVER_INTERFACE, and the kinds that they are here."""


@dataclass(frozen=True, slots=True)
class Found:
    """A device of a server: its name, the kinds that it can be, its driver, and whether it is connected."""

    name: str
    kinds: tuple[str, ...]
    url: str
    driver: str
    connected: bool


async def look(
    server: str, *, timeout: float = 3.0, transports: Transports | None = None, clock: Clock | None = None
) -> list[Found]:
    """The devices of HOST[:PORT], by name. Raises NotConnectedError, NoAnswerError, ValueError."""
    place = Address(f"indi://{server}/x")
    clock = clock or SystemClock()
    listing = Listing()
    try:
        transport, _ = await (transports or SocketTransports()).connect(lambda: listing, place.host, place.port)
    except OSError as error:
        raise NotConnectedError(f"{place.host}:{place.port}: {error.strerror or error}") from None
    try:
        await _quiet(listing, clock, timeout)
    finally:
        transport.abort()
    if listing.problem:
        raise NoAnswerError(f"{place.host}:{place.port}: {listing.problem}")
    return [_found(name, listing, f"{place.host}:{place.port}") for name in sorted(listing.devices)]


async def _quiet(listing: Listing, clock: Clock, timeout: float) -> None:
    """Until it has said nothing new for a while, or `timeout` seconds have gone."""
    last = clock.monotonic() + timeout
    known = -1
    while clock.monotonic() < last and not listing.problem:
        if listing.count == known and listing.devices:
            return
        known = listing.count
        await clock.sleep(QUIET)


def _found(name: str, listing: Listing, server: str) -> Found:
    info = listing.devices[name]
    try:
        bits = int(info.get(("DRIVER_INFO", "DRIVER_INTERFACE"), "0"))
    except ValueError:
        bits = 0
    kinds = dict.fromkeys(kind for bit, made in INTERFACES.items() if bits & bit for kind in made)
    return Found(
        name=name,
        kinds=tuple(kinds),
        url=str(Address(f"indi://{server}/{name}")),
        driver=info.get(("DRIVER_INFO", "DRIVER_EXEC"), ""),
        connected=info.get((CONNECTION, "CONNECT"), "") == "On",
    )


def device_toml(found: Sequence[Found], below: str, name_of: Callable[[str], str] = suggest_segment) -> str:
    """[[device]] sections for a plant file, one for each kind that a device can be."""
    sections = []
    for one in found:
        for kind in one.kinds:
            name = name_of(one.name) or kind
            path = f"{below}/{name if len(one.kinds) == 1 else f'{name}_{kind}'}"
            lines = ["[[device]]", f'name = "{path}"', 'driver = "indi"', f'kind = "{kind}"', f'url = "{one.url}"']
            if kind == "switch":
                lines.append("properties = []  # which of its properties, by name")
            sections.append("\n".join(lines))
    return "\n\n".join(sections) + ("\n" if sections else "")

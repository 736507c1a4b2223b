"""What a plan may ask for of the wheel before its detector: the filters that the wheel tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress

from sereno.client import Client
from sereno.model import DeviceError, SerenoError, severity

from .model import Sequence


async def filters_of(client: Client, wheels: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """By detector, of `wheels` by detector; those that do not tell them now, or do not answer, are left out."""
    found = {}
    for detector, wheel in wheels.items():
        with suppress(SerenoError):
            told = await client.get(f"{wheel}/filters")
            if severity(told.quality) == "good" and told.value is not None and len(told.value):
                found[detector] = tuple(map(str, told.value))
    return found


def check_filters(asked: Iterable[Sequence], filters: Mapping[str, tuple[str, ...]]) -> None:
    """Raises DeviceError for a plan whose detector has no such filter; what is not known of is not judged."""
    for one in asked:
        for album in one.albums:
            known = filters.get(album.detector)
            for plan in album.plans:
                if plan.filter and known is not None and plan.filter not in known:
                    words = f"{one.name!r} asks for {plan.filter!r} of {album.detector!r}"
                    raise DeviceError("no_such_filter", f"{words}; there are: {', '.join(known)}")

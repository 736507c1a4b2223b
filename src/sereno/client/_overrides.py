"""Overrides as a port: substituted values, devices in maintenance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from sereno.access.actor import Actor
from sereno.model import Override

from ._json import override_json, reading_json
from ._values import Reading


@dataclass(frozen=True, slots=True)
class Substitution:
    """A substituted value and what the device says meanwhile."""

    override: Override
    own: Reading


class OverridePort(Protocol):
    """Substituted values and maintenance. All raise NotFoundError, DeniedError, RefusedError.

    `seconds` until it ends by itself; 0 = until somebody ends it, which only maintenance may.
    """

    async def substitute(self, tag: str, value: Any, actor: Actor, *, reason: str, seconds: float) -> Override:
        """Let `value` stand for the tag's own; needs the right `substitute` on the tag."""

    async def end_substitution(self, tag: str, actor: Actor) -> Override:
        """Show the tag's own value again; the same right."""

    async def substitutions(self, actor: Actor) -> list[Substitution]:
        """Those of tags that the actor may read, by path."""

    async def tag_out(self, device: str, actor: Actor, *, reason: str, seconds: float = 0.0) -> Override:
        """Refuse commands to a device and all below it; needs the right `configure` on the device."""

    async def tag_in(self, device: str, actor: Actor) -> Override:
        """Let commands through again; the same right."""

    async def tagged_out(self, actor: Actor) -> list[Override]:
        """Devices in maintenance that the actor may read, by path."""


def substitution_json(substitution: Substitution) -> dict[str, Any]:
    """A substitution with the device's own value."""
    return {**override_json(substitution.override), "own": reading_json(substitution.own)}

"""Who asks: for handlers of commands that must know, such as those that a stop is on record of."""

from __future__ import annotations

from contextvars import ContextVar

ASKED_BY: ContextVar[str] = ContextVar("asked_by", default="")
"""The actor of the command that is executed, while a CommandHandler is called for it; empty outside of that."""

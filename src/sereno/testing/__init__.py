"""What a user's own tests need: leak checks."""

from __future__ import annotations

from sereno.testing._leaks import OpenSocket, open_sockets, pending_tasks

__all__ = ["OpenSocket", "open_sockets", "pending_tasks"]

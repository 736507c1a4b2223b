"""What handlers take from a request: the context, the actor that the gate found, the peer's address."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

from sereno.access.actor import NOBODY, Actor

from .context import WebContext
from .credentials import address_of


def context_of(connection: HTTPConnection) -> WebContext:
    """The application's context."""
    return cast(WebContext, connection.app.state.context)


def actor_in(connection: HTTPConnection) -> Actor:
    """Who asks; nobody on open entries."""
    actor: Actor | None = connection.scope["state"].get("actor")
    return actor or NOBODY


async def _context(connection: HTTPConnection) -> WebContext:  # async, or the framework takes a thread for it
    return context_of(connection)


async def _actor(connection: HTTPConnection) -> Actor:
    return actor_in(connection)


async def _address(connection: HTTPConnection) -> str:
    return address_of(connection)


Context = Annotated[WebContext, Depends(_context)]
Asking = Annotated[Actor, Depends(_actor)]
Address = Annotated[str, Depends(_address)]

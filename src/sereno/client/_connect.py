"""Finding a node and connecting to it."""

from __future__ import annotations

import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec

from sereno.access.actor import Actor
from sereno.model import Clock, NotConnectedError, OperationError, SerenoError, SystemClock

from ._remote import API, RemoteClient, RemoteNode

CREDENTIAL = "credential.json"


class Credential(msgspec.Struct, frozen=True):
    """Where a node is, with which token to ask it, and the one certificate (PEM) that it must show; "" = any valid.

    `native` is the address of its native server, where it has one.
    """

    url: str
    token: str = ""
    certificate: str = ""
    native: str = ""


@asynccontextmanager
async def connect(
    url: str | None = None,
    token: str | None = None,
    data: str | Path | None = None,
    *,
    timeout: float = 10.0,
    clock: Clock | None = None,
) -> AsyncIterator[RemoteClient]:
    """A Client of a running node: `async with connect() as client`.

    The node is `url` with `token`; else that of the folder `data`; else SERENO_URL with SERENO_TOKEN; else that of
    ./data. tcp:// and tls:// is its native protocol, http:// and https:// its pages; the Client is the same.
    Raises NotConnectedError if none is found or answers, DeniedError if it does not know the token.
    """
    found = find_node(url, token, data)
    opened = _open_native if found.native else _open_http
    client = await opened(found, clock or SystemClock(), timeout)
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def connect_as(
    name: str,
    password: str,
    url: str | None = None,
    data: str | Path | None = None,
    *,
    timeout: float = 10.0,
    clock: Clock | None = None,
) -> AsyncIterator[RemoteClient]:
    """As `connect`, with a session of a person that ends with it, as signatures need one: tokens do not sign.

    Raises DeniedError for a wrong password, ValueError for an address of the native protocol.
    """
    found = find_node(url, "", data)
    if not found.url:
        raise ValueError(f"people sign in at the address of the pages (http:// or https://), this is {found.native}")
    node = RemoteNode(found.url, "", clock or SystemClock(), timeout=timeout, pinned=found.certificate)
    try:
        await node.http.sign_in(name, password)
        try:
            session = await node.http.get(f"{API}/session")
            yield RemoteClient(node, Actor(session["name"], kind=session["kind"]))
        finally:
            with suppress(SerenoError):
                await node.http.sign_out()
    finally:
        await node.close()


async def _open_http(found: Credential, clock: Clock, timeout: float) -> RemoteClient:
    node = RemoteNode(found.url, found.token, clock, timeout=timeout, pinned=found.certificate)
    try:
        session = await node.http.get(f"{API}/session")
    except BaseException:
        await node.close()
        raise
    return RemoteClient(node, Actor(session["name"], kind=session["kind"]))


async def _open_native(found: Credential, clock: Clock, timeout: float) -> RemoteClient:
    from ._native import NativeClient, NativeNode
    from ._native_link import NativeLink

    link = NativeLink(found.native, found.token, clock, timeout=timeout, pinned=found.certificate)
    welcome = await link.open()
    pages = RemoteNode(found.url or welcome.pages, found.token, clock, timeout=timeout, pinned=found.certificate)
    return NativeClient(NativeNode(link, for_whom=welcome.for_whom), pages, Actor(welcome.actor, kind=welcome.kind))


def find_node(url: str | None = None, token: str | None = None, data: str | Path | None = None) -> Credential:
    """Url and token by the rules of `connect`."""
    if url is None and data is None:
        url = os.environ.get("SERENO_URL") or None
    if url is not None:
        given = token or os.environ.get("SERENO_TOKEN", "")
        is_native = url.startswith(("tcp://", "tls://"))
        return Credential("", given, native=url) if is_native else Credential(url, given)
    return read_credential(Path(data or "data") / CREDENTIAL)


def read_credential(path: Path) -> Credential:
    """What a running node left there for its owner. Raises NotConnectedError, OperationError if others can read it."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            raw = file.read(1 << 16)
    except FileNotFoundError:
        raise NotConnectedError(
            f"no node found: no url was given, SERENO_URL is not set and there is no {path}; "
            "start one with 'sereno run', or name its address"
        ) from None
    except OSError as error:
        raise NotConnectedError(f"{path} cannot be read: {error.strerror}") from error
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise OperationError(f"{path} can be read by others (mode {mode & 0o777:o}); make it yours: chmod 600 {path}")
    try:
        return msgspec.json.decode(raw, type=Credential)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise OperationError(f"{path} is no credential file: {error}; start the node again") from error

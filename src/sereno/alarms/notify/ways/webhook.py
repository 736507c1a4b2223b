"""Webhooks: a request to one declared address, never by detours."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, model_validator

from sereno.alarms.notify.way import TIMEOUT, Message, WayConfig, secret
from sereno.model import OperationError

if TYPE_CHECKING:
    import httpx

MAX_ANSWER = 1 << 16
LOCAL = ("localhost", "127.0.0.1", "::1")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class WebhookConfig(WayConfig):
    """Where the request goes. An address that is a secret comes from `url_file` or `url_env`; `hosts` names its host.

    `private`: the host may have an address of a private network. `token_*`: sent as `Authorization: Bearer`.
    """

    url: str = Field("", max_length=2000)
    url_file: str = ""
    url_env: str = ""
    hosts: tuple[str, ...] = ()
    private: bool = False
    method: Literal["POST", "GET"] = "POST"
    token_file: str = ""
    token_env: str = ""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(map(bool, (self.url, self.url_file, self.url_env))) != 1:
            raise ValueError("expected exactly one of url, url_file and url_env")
        if not self.url and not self.hosts:
            raise ValueError("an address from a file or the environment goes only to hosts that are named: add hosts")
        if self.url:
            check_url(self.url, self.hosts)
        return self


class WebhookWay:
    """Redirects are not followed, proxies of the environment not used, answers are bounded in size and time."""

    Config = WebhookConfig
    addressed = False

    def __init__(self, config: WebhookConfig, folder: Path, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._config = config
        self._folder = folder
        self._transport = transport
        self._url()

    async def send(self, message: Message) -> str:
        """See Way."""
        import httpx

        split = self._url()
        host = split.hostname or ""
        address = await permitted_address(host, split.port or 443, private=self._config.private)
        pinned = httpx.URL(split.geturl()).copy_with(host=str(address))
        headers = {"Host": split.netloc, "User-Agent": "sereno"}
        if token := secret(self._folder, self._config.token_file, self._config.token_env):
            headers["Authorization"] = f"Bearer {token}"
        body = message.as_json() if self._config.method == "POST" else None
        options = {"follow_redirects": False, "trust_env": False, "transport": self._transport, "timeout": TIMEOUT}
        try:
            async with httpx.AsyncClient(**options) as client:  # type: ignore[arg-type]
                request = client.build_request(self._config.method, pinned, json=body, headers=headers)
                request.extensions["sni_hostname"] = host
                return await _answered(client, request, host)
        except httpx.HTTPError as error:
            raise OperationError(f"{host}: {str(error) or type(error).__name__}") from error

    def _url(self) -> SplitResult:
        config = self._config
        url = config.url or secret(self._folder, config.url_file, config.url_env)
        try:
            return check_url(url, config.hosts)
        except ValueError as error:
            raise OperationError(str(error)) from error


async def _answered(client: httpx.AsyncClient, request: httpx.Request, host: str) -> str:
    answer = await client.send(request, stream=True)
    try:
        size = 0
        async for chunk in answer.aiter_raw():
            size += len(chunk)
            if size > MAX_ANSWER:
                raise OperationError(f"{host} answered with more than {MAX_ANSWER} bytes")
    finally:
        await answer.aclose()
    if not answer.is_success:
        raise OperationError(f"{host} answered {answer.status_code}")
    return f"{host} answered {answer.status_code}"


def check_url(url: str, hosts: Collection[str]) -> SplitResult:
    """The parts of an address that may be asked: https, or http on this machine; of `hosts` where these are named.

    Raises ValueError.
    """
    if not url.isascii() or not url.isprintable() or "\\" in url or " " in url:
        raise ValueError("the address has characters that none has")
    split = urlsplit(url)
    try:
        host, port = split.hostname or "", split.port
    except ValueError as error:
        raise ValueError(f"the address cannot be read: {error}") from None
    if not host or port == 0 or split.username is not None or split.password is not None or "#" in url:
        raise ValueError("expected https://HOST/PATH, without user, password and fragment")
    if split.scheme != "https" and not (split.scheme == "http" and host in LOCAL):
        raise ValueError(f"{split.scheme or 'no'}:// to {host!r}; expected https, or http on this machine")
    literal = _literal(host)
    if literal is not None and not _permitted(literal, host, private=True):
        raise ValueError(f"{host} is no address that may be asked")
    if hosts and host not in hosts:
        raise ValueError(f"{host!r} is not among the hosts that are named ({', '.join(hosts)})")
    return split


def _literal(host: str) -> Address | None:
    """The address that a host is written as; None for a name. Raises ValueError for one in an unusual form."""
    last = host.rpartition(".")[2]
    if ":" not in host and not last.isdigit() and not last.startswith("0x"):
        return None
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        raise ValueError(f"{host!r} is no host name and no address in the usual form") from None


async def permitted_address(host: str, port: int, *, private: bool) -> Address:
    """The address of a host, which may be of this machine only where that was asked for by name.

    What connects goes to this address: a name that means something else a moment later leads nowhere.
    Raises OperationError.
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise OperationError(f"{host}: {error.strerror or error}") from error
    addresses = [ipaddress.ip_address(entry[4][0]) for entry in found]
    for address in addresses:
        if _permitted(address, host, private=private):
            return address
    raise OperationError(f"{host} has no address that may be asked ({', '.join(sorted({str(a) for a in addresses}))})")


def _permitted(address: Address, host: str, *, private: bool) -> bool:
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped is not None:
        return _permitted(mapped, host, private=private)
    if host in LOCAL:
        return address.is_loopback
    if address.is_loopback or address.is_link_local or address.is_unspecified or address.is_multicast:
        return False
    return address.is_global or (private and address.is_private and not address.is_reserved)

"""One node over HTTP: requests with a token, and its refusals as the errors of the model."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any

from sereno.model import DeniedError, NoAnswerError, NotConnectedError, NotFoundError, RefusedError

from ._outcome import UnclearError

if TYPE_CHECKING:
    import httpx

Query = Sequence[tuple[str, str]]
_NO_ENTRY = {401: "user or password is wrong", 429: "too many attempts to sign in; wait a while"}


class ProblemError(RefusedError):
    """A refusal with its whole problem document (RFC 9457) in `body`."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(detail_of(status, body))
        self.status = status
        self.body = body


def detail_of(status: int, body: dict[str, Any]) -> str:
    """What a problem document says in words."""
    return str(body.get("detail") or body.get("title") or f"the node answered {status}")


def error_of(status: int, body: dict[str, Any]) -> Exception:
    """401 and 403 denied, 404 not found, 400 and 422 ValueError, other 4xx refused, the rest no answer."""
    detail = detail_of(status, body)
    if status in (401, 403):
        return DeniedError(detail)
    if status == 404:
        return NotFoundError(detail)
    if status in (400, 422):
        return UnclearError(detail)
    if status < 500:
        return ProblemError(status, body)
    return NoAnswerError(f"{detail} (the node answered {status})")


class Http:
    """A connection pool to one node. `url` without the path, for example http://127.0.0.1:8000.

    `pinned` (PEM): the node must show exactly this certificate, whatever its name; else one that the system trusts
    (SSL_CERT_FILE names further ones).
    """

    def __init__(self, url: str, token: str, timeout: float, pinned: str = "") -> None:
        self.url = normal_url(url)
        self.headers = {"authorization": f"Bearer {token}"} if token else {}
        self.timeout = timeout
        self.trust = trust_of(pinned) if self.url.startswith("https://") else None
        self._opened: httpx.AsyncClient | None = None

    @property
    def _pool(self) -> httpx.AsyncClient:
        """Made when it is first used: who speaks the native protocol may never need it."""
        if self._opened is None:
            import httpx

            self._opened = httpx.AsyncClient(
                base_url=self.url,
                headers=self.headers,
                timeout=self.timeout,
                trust_env=False,
                verify=self.trust or False,
            )
        return self._opened

    async def get(self, path: str, query: Query = (), *, also: int = 0) -> Any:
        """The JSON under `path`; that of the status `also` is an answer too. Raises SerenoError, ValueError."""
        return await self.send("GET", path, query=query, also=also)

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: bytes | None = None,
        also: int = 0,
        kind: str = "application/json",
        timeout: float = 0.0,
    ) -> Any:
        """The JSON that the node answers; errors by `error_of`, NotConnectedError, NoAnswerError.

        `kind` is the content type of `body`. `timeout` in seconds, where the answer may take longer than usual.
        """
        patience = max(timeout, self.timeout)
        async with _Translated(self.url, patience):
            headers = {"content-type": kind} if body is not None else {}
            response = await self._pool.request(
                method, path, params=list(query), content=body, headers=headers, timeout=patience
            )
        if response.is_success or response.status_code == also:
            return _json(response)
        raise error_of(response.status_code, _problem(response))

    async def content(self, path: str) -> bytes:
        """What is under `path`, whatever it is. Raises as `get`."""
        async with self._translated():
            response = await self._pool.get(path)
        if response.is_success:
            return response.content
        raise error_of(response.status_code, _problem(response))

    @asynccontextmanager
    async def lines(self, path: str, query: Query = ()) -> AsyncIterator[AsyncIterator[str]]:
        """Lines of a stream that goes on (server-sent events, or an answer in pieces)."""
        import httpx

        forever = httpx.Timeout(self.timeout, read=None)
        async with self._translated(), self._pool.stream("GET", path, params=list(query), timeout=forever) as response:
            if not response.is_success:
                await response.aread()
                raise error_of(response.status_code, _problem(response))
            yield response.aiter_lines()

    @asynccontextmanager
    async def events(self, path: str, query: Query = ()) -> AsyncIterator[AsyncIterator[tuple[str, str]]]:
        """Server-sent events of a stream, each as its name (`message` where it has none) and its data."""
        async with self.lines(path, query) as lines:
            yield events_of(lines)

    async def sign_in(self, name: str, password: str) -> None:
        """From here on with a session of a person, in place of a token. Raises DeniedError."""
        answer = await self._post("/sign-in", {"user": name, "password": password})
        if answer != 303:
            raise DeniedError(_NO_ENTRY.get(answer, f"no sign-in as {name}: the node answered {answer}"))

    async def sign_out(self) -> None:
        """End that session."""
        await self._post("/sign-out", {})

    async def _post(self, path: str, form: dict[str, str]) -> int:
        async with self._translated():
            self._pool.headers["origin"] = self.url
            return (await self._pool.post(path, data=form)).status_code

    async def close(self) -> None:
        """Close all connections."""
        if self._opened is not None:
            await self._opened.aclose()

    def _translated(self) -> _Translated:
        return _Translated(self.url, self.timeout)


class _Translated:
    """Turns the errors of httpx into those of the model."""

    def __init__(self, url: str, timeout: float) -> None:
        self._url = url
        self._timeout = timeout

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        import httpx

        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            raise not_connected(self._url, error) from error
        if isinstance(error, httpx.TimeoutException):
            raise NoAnswerError(f"{self._url} did not answer within {self._timeout:g} s") from error
        if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
            raise ValueError(f"{self._url!r} is no address of a node: {error}") from error
        if isinstance(error, httpx.HTTPError):
            raise NoAnswerError(f"the connection to {self._url} broke: {error or type(error).__name__}") from error


def trust_of(pinned: str) -> ssl.SSLContext:
    """Trust in exactly one certificate (PEM), or in what the system trusts."""
    if not pinned:
        return ssl.create_default_context()
    context = ssl.create_default_context(cadata=pinned)
    context.check_hostname = False  # it is the certificate itself that is known
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def not_connected(url: str, error: BaseException) -> NotConnectedError:
    """One line for people."""
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    words = str(cause) if isinstance(cause, OSError) and str(cause) else str(error) or type(error).__name__
    unnamed = _among_causes(error, socket.gaierror)
    fix = "expected an address such as http://127.0.0.1:8000" if unnamed else "is the node running there?"
    return NotConnectedError(f"no connection to {url}: {words}; {fix}")


def _among_causes(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None and not isinstance(error, kind):
        error = error.__cause__ or error.__context__
    return error is not None


def normal_url(url: str) -> str:
    """http:// in front where nothing is, no slash at the end."""
    given = url.strip().rstrip("/")
    return given if "://" in given else f"http://{given}"


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError as error:
        raise NoAnswerError(f"{response.url} answered something that is no JSON; is it a Sereno node?") from error


def _problem(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


async def events_of(lines: AsyncIterator[str]) -> AsyncIterator[tuple[str, str]]:
    """Name and data of each event (HTML Living Standard, 9.2.6), as far as the node sends them: other fields are left
    out, and an event that has not ended when the stream does is none."""
    name, data = "", list[str]()
    async for line in lines:
        field, _, value = line.partition(":")
        if not line:
            if data:
                yield name or "message", "\n".join(data)
            name, data = "", []
        elif field == "event":
            name = value.removeprefix(" ")
        elif field == "data":
            data.append(value.removeprefix(" "))

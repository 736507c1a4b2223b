"""HttpGetter: one request on one connection, over the environment's transports; of an answer only what is wanted."""

from __future__ import annotations

from sereno.device import HttpClient, Transports


class HttpGetter:
    """Plain HTTP/1.1: no redirects, no proxies, no cookies, a connection for each question."""

    def __init__(self, transports: Transports) -> None:
        self._http = HttpClient(transports)

    async def get(self, url: str, most: int) -> bytes:
        """See Getter."""
        headers = {"Accept": "application/json"}
        return (await self._http.ask("GET", url, headers=headers, most=most, accept=(200,))).body

    async def tell(self, method: str, url: str, body: bytes, most: int) -> int:
        """See Teller."""
        headers = {"Accept": "application/json", **({"Content-Type": "application/json"} if body else {})}
        return (await self._http.ask(method, url, headers=headers, body=body, most=most)).status

    async def close(self) -> None:
        """See Getter."""
        await self._http.close()

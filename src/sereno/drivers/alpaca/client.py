"""AlpacaClient: asks one Alpaca device, one question at a time, and tells answers from refusals."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from numpy.typing import NDArray

from sereno.device import HttpClient
from sereno.device.instruments import UNKNOWN
from sereno.model import Clock, DeviceError, NoAnswerError, NotConnectedError, SystemClock

from .protocol import (
    API,
    FORM,
    IMAGE_BYTES,
    JSON,
    Address,
    decode_image,
    decode_image_json,
    form,
    is_finite,
    number_of,
    value_of,
)

MOST = 1 << 20
MOST_IMAGE = 1 << 30
"""Bytes of an image that are taken, whatever size the camera says it has."""
LOOKS = 2.0
"""How many times the longest wait for one answer all questions of a look together may take."""
_ANSWERED = (200,)
STATE = "devicestate"
Trace = Callable[[str, bytes, str], None]


class Asking(ABC):
    """Ways to ask for properties, whatever they come from. `lacks`: what the device has said it never has."""

    lacks: set[str]

    @abstractmethod
    async def get(self, member: str, **parameters: Any) -> Any:
        """A property. Raises DeviceError, DeliveryError."""

    async def number(self, member: str, **parameters: Any) -> float:
        """A property that is a number."""
        return number_of(await self.get(member, **parameters), member)

    async def truth(self, member: str) -> bool:
        """A property that is true or false."""
        value = await self.get(member)
        if not isinstance(value, bool):
            raise NoAnswerError(f"{member}: {value!r:.60} is neither true nor false")
        return value

    async def optional(self, member: str) -> float | None:
        """A number that the device may not have, or not now; what it says it never has is not asked for again."""
        if member in self.lacks:
            return None
        try:
            value = await self.get(member)
            return number_of(value, member) if is_finite(value) else None
        except DeviceError as error:
            if error.reason == "not_implemented":
                self.lacks.add(member)
            elif error.reason not in ("value_not_set", "invalid_operation"):
                raise
            return None

    async def shown(self, member: str) -> float | None:
        """As `optional`, for a tag: UNKNOWN where the device may have it, and does not say it now."""
        value = await self.optional(member)
        return UNKNOWN if value is None and member not in self.lacks else value

    async def may(self, member: str) -> bool:
        """A property that says what the device can; False where it does not know it."""
        try:
            return await self.truth(member)
        except DeviceError:
            return False


class AlpacaClient(Asking):
    """One device of a server; `me` is the ClientID. Members are named in lower case, as in the URL.

    `lost` is called when the device says that it is not connected, `trace` with each question and answer.
    """

    def __init__(
        self,
        http: HttpClient,
        address: Address,
        kind: str,
        *,
        me: int = 1,
        timeout: float = 5.0,
        clock: Clock | None = None,
        lost: Callable[[str], None] = lambda _: None,
        trace: Trace = lambda *_: None,
    ) -> None:
        self._http = http
        self._trace = trace
        self._lost = lost
        self._base = f"{address.server}{API}/{kind}/{address.number}"
        self._me = me
        self._timeout = timeout
        self._clock = clock or SystemClock()
        self._transaction = 0
        self.lacks: set[str] = set()

    async def get(self, member: str, **parameters: Any) -> Any:
        """A property. Raises DeviceError, DeliveryError."""
        return await self.get_within(self._timeout, member, **parameters)

    async def get_within(self, timeout: float, member: str, **parameters: Any) -> Any:
        """As `get`, with a time of its own for the answer."""
        query = form(self._signed(parameters))
        self._trace("tx", query.encode(), f"GET {member}")
        url = f"{self._base}/{member}?{query}"
        answer = await self._http.ask("GET", url, headers={"Accept": JSON}, most=MOST, timeout=timeout)
        return self._judged(answer.status, answer.body, member)

    def look(self) -> Snapshot:
        """Questions that together take no longer than two answers may."""
        return Snapshot(self, {}, self._clock, LOOKS * self._timeout)

    async def snapshot(self) -> Snapshot:
        """All properties that tell how the device is, in one question where it can answer that."""
        look = self.look()
        if STATE in self.lacks:
            return look
        try:
            listed = await look.get(STATE)
        except DeviceError as error:
            if error.reason != "not_implemented":
                raise
            self.lacks.add(STATE)
            return look
        pairs = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        look.known = {str(one.get("Name", "")).lower(): one.get("Value") for one in pairs}
        return look

    async def put(self, member: str, **values: Any) -> Any:
        """A method, or a property that is set. Raises DeviceError, DeliveryError."""
        body = form(self._signed(values)).encode()
        self._trace("tx", body, f"PUT {member}")
        answer = await self._http.ask(
            "PUT", f"{self._base}/{member}", headers={"Accept": JSON, "Content-Type": FORM}, body=body, most=MOST,
            timeout=self._timeout,
        )  # fmt: skip
        return self._judged(answer.status, answer.body, member)

    async def image(self, pixels: int, timeout: float) -> NDArray[Any]:
        """The image that is ready, in lines, by imagebytes where the server can."""
        url = f"{self._base}/imagearray?{form(self._signed({}))}"
        answer = await self._http.ask(
            "GET", url, headers={"Accept": f"{IMAGE_BYTES}, {JSON}"}, most=min(MOST + 16 * pixels, MOST_IMAGE),
            timeout=timeout, accept=_ANSWERED,
        )  # fmt: skip
        is_bytes = answer.headers.get("content-type", "").startswith(IMAGE_BYTES)
        return await asyncio.to_thread(decode_image if is_bytes else decode_image_json, answer.body)

    def _signed(self, parameters: dict[str, Any]) -> dict[str, Any]:
        self._transaction = self._transaction % 0xFFFFFFFF + 1
        return {**parameters, "ClientID": self._me, "ClientTransactionID": self._transaction}

    def _judged(self, status: int, body: bytes, member: str) -> Any:
        """The value of an answer. A server says 400 to what it does not know, in words of its own."""
        self._trace("rx", body, f"{status} {member}")
        if status == 200:
            try:
                return value_of(body, member)
            except DeviceError as error:
                if error.reason != "not_connected":
                    raise
                self._lost(str(error))
                raise NotConnectedError(str(error)) from None
        words = " ".join(body.decode("utf-8", "replace").split())[:200]
        if status in (400, 404, 405):
            raise DeviceError("not_implemented", f"{member}: status {status}: {words}")
        raise NoAnswerError(f"{member}: status {status}: {words}")


class Snapshot(Asking):
    """What a device has said of all its properties at once; what is not among that is asked for, `seconds` in all."""

    def __init__(self, client: AlpacaClient, known: Mapping[str, Any], clock: Clock, seconds: float) -> None:
        self.lacks = client.lacks
        self.known = known
        self._client = client
        self._clock = clock
        self._seconds, self._end = seconds, clock.monotonic() + seconds

    async def get(self, member: str, **parameters: Any) -> Any:
        """See Asking."""
        if not parameters and (value := self.known.get(member)) is not None:
            return value
        left = self._end - self._clock.monotonic()
        if left <= 0:
            raise NoAnswerError(f"{member}: the device takes longer than {self._seconds:g} s to say how it is")
        return await self._client.get_within(min(left, self._seconds / LOOKS), member, **parameters)

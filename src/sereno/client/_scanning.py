"""Tags as bluesky takes them: what a plan reads and moves. Needs no bluesky, whose protocols are of shape."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import numpy as np

from sereno.model import Ack, OperationError, TagSpec, ValueType, severity

if TYPE_CHECKING:
    from ._sync import SyncClient

_DTYPES = {ValueType.BOOL: "boolean", ValueType.STRING: "string", ValueType.ENUM: "string"}


class ReadableTag:
    """A bluesky Readable over one tag. `name` is its field in events, by default the path with underscores.

    A value of bad quality is an error of the plan, never a number in its data.
    """

    parent = None

    def __init__(self, client: SyncClient, path: str, name: str = "") -> None:
        self.client = client
        self.path = path
        self.name = name or path.replace("/", "_")

    @property
    def hints(self) -> dict[str, list[str]]:
        """What is worth a table and a plot."""
        return {"fields": [self.name]}

    def read(self) -> dict[str, dict[str, Any]]:
        """The present value and its time. Raises OperationError with the reason if it is bad."""
        reading = self.client.get(self.path)
        if severity(reading.quality) == "bad":
            raise OperationError(f"{self.path} has no good value: {reading.reason}")
        value = reading.value.tolist() if isinstance(reading.value, np.ndarray) else reading.value
        return {self.name: {"value": value, "timestamp": reading.t_source / 1e9}}

    def describe(self) -> dict[str, dict[str, Any]]:
        """Where it comes from, its type, shape and unit. Raises NotFoundError."""
        spec = self.client.tag(self.path).spec()
        shape = list(spec.shape)
        key: dict[str, Any] = {
            "source": f"sereno:{self.path}",
            "dtype": _dtype(spec),
            "shape": shape,
            "units": spec.unit,
        }
        if spec.decimals is not None:
            key["precision"] = spec.decimals
        return {self.name: key}

    def read_configuration(self) -> dict[str, Any]:
        """Nothing: what is configured stands in the plant file."""
        return {}

    def describe_configuration(self) -> dict[str, Any]:
        """See `read_configuration`."""
        return {}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.path}>"


class MovableTag(ReadableTag):
    """A bluesky Movable and Locatable: a set-point that is there when it reads back so."""

    def set(self, value: Any) -> WriteStatus:
        """Begin to set it; the status is done when the command is."""
        return WriteStatus(self.path, self.client.start(self.client.tag(self.path).begin_write(value)))

    async def locate(self) -> dict[str, Any]:
        """Where it is, which is also where it was sent: no set-point is kept here."""
        value = self.read()[self.name]["value"]
        return {"setpoint": value, "readback": value}


class WriteStatus:
    """A bluesky Status of one command. Callbacks come in the client's thread."""

    def __init__(self, path: str, future: Future[Ack]) -> None:
        self._path = path
        self._future = future

    @property
    def done(self) -> bool:
        """True when the command has ended, however."""
        return self._future.done()

    @property
    def success(self) -> bool:
        """True when it ended as done."""
        return self._future.done() and not self._future.cancelled() and self._future.exception() is None

    def add_callback(self, callback: Callable[[WriteStatus], None]) -> None:
        """Call it when the command has ended; at once if it has."""
        self._future.add_done_callback(lambda _: callback(self))

    def exception(self, timeout: float | None = 0.0) -> BaseException | None:
        """What became of the command instead, None if it is done. Raises TimeoutError."""
        return self._future.exception(timeout)

    def __repr__(self) -> str:
        return f"<write to {self._path}, {'done' if self.success else 'ended' if self.done else 'under way'}>"


def _dtype(spec: TagSpec) -> str:
    if spec.shape:
        return "array"
    return _DTYPES.get(spec.type, "number" if spec.type.is_float else "integer")

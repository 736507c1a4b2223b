"""The AnalysisPort over HTTP: lines of columns."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import msgspec
import numpy as np
from numpy.typing import NDArray

from sereno.access.actor import Actor
from sereno.wire.jsonvalue import json_bytes

from ._aggregates import AggregateRequest, Aggregates
from ._http import Http
from ._imports import ImportedSamples, ImportSource, ImportStage, ImportState, ImportTally, StagedImport
from ._json import iso_time
from ._parse import parse_series, parse_spec
from ._statistics import Statistics, parse_statistics
from ._tabular import parse_aggregates
from ._values import HistoryRequest, Series

_API = "/api/v1"
_TAGS_AT_ONCE = 50
ARROW_STREAM = "application/vnd.apache.arrow.stream"


class RemoteAnalysis:
    """Implements AnalysisPort. Who asks is decided by the token, at the node."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def pieces(self, request: HistoryRequest, actor: Actor) -> AsyncGenerator[Series]:  # noqa: ARG002
        """See AnalysisPort."""
        specs = {}
        for one in (await self._http.get(f"{_API}/tags", [("glob", tag) for tag in request.tags]))["tags"]:
            specs[one["tag"]] = parse_spec(one)
        for tags in _some(request.tags):
            async for line in self._lines([*history_query(tags, request), ("format", "columns")]):
                yield until(parse_series(line, specs.get(line["tag"])), request.end)

    async def aggregate(self, request: AggregateRequest, actor: Actor) -> AsyncGenerator[Aggregates]:  # noqa: ARG002
        """See AnalysisPort."""
        for tags in _some(request.tags):
            query = history_query(tags, HistoryRequest(tags, request.start, request.end))
            query += [("every", request.every), ("aggregate", ",".join(request.aggregates)), ("format", "columns")]
            query += [("tz", request.timezone)] if request.timezone else []
            async for line in self._lines(query):
                yield parse_aggregates(line)

    async def statistics(self, request: HistoryRequest, actor: Actor) -> Statistics:  # noqa: ARG002
        """See AnalysisPort."""
        query = history_query(request.tags, replace(request, points=None))
        query += [] if request.points is None else [("bins", str(request.points))]
        return parse_statistics(await self._http.get(f"{_API}/history/statistics", query))

    async def begin_import(self, source: ImportSource, actor: Actor) -> str:  # noqa: ARG002
        """See AnalysisPort."""
        body = {"name": source.name, "sha256": source.sha256, "tags": list(source.tags)}
        return str((await self._post("", body))["key"])

    async def store_import(self, key: str, samples: ImportedSamples, actor: Actor) -> int:  # noqa: ARG002
        """See AnalysisPort."""
        quality = None if samples.quality is None or not samples.quality.any() else packed(samples.quality, "<u2")
        value = packed(samples.value, "<f8") if isinstance(samples.value, np.ndarray) else samples.value
        body = {"tag": samples.tag, "t_ns": packed(samples.t, "<i8"), "value": value, "quality": quality}
        return int((await self._post(f"/{quote(key, safe='')}", body))["new"])

    async def finish_import(self, key: str, actor: Actor) -> ImportTally:  # noqa: ARG002
        """See AnalysisPort."""
        found = await self._post(f"/{quote(key, safe='')}/finish", {})
        return ImportTally(found["rows"], found["new"], found["from_ns"], found["to_ns"])

    async def stage_import(self, source: ImportSource, actor: Actor) -> StagedImport:  # noqa: ARG002
        """See AnalysisPort."""
        body = {"name": source.name, "sha256": source.sha256, "tags": list(source.tags)}
        found = await self._http.send("POST", f"{_API}/history/imports/staged", body=json_bytes(body))
        return StagedImport(found["key"], found["parts"], found.get("error", ""))

    async def put_import(self, key: str, number: int, part: bytes, actor: Actor) -> int:  # noqa: ARG002
        """See AnalysisPort."""
        path = f"{_API}/history/imports/staged/{quote(key, safe='')}/parts/{number}"
        return int((await self._http.send("POST", path, body=part, kind=ARROW_STREAM))["parts"])

    async def merge_import(self, key: str, actor: Actor) -> None:  # noqa: ARG002
        """See AnalysisPort."""
        await self._http.send("POST", f"{_API}/history/imports/staged/{quote(key, safe='')}/merge", body=b"{}")

    async def import_state(self, key: str, actor: Actor) -> ImportState:  # noqa: ARG002
        """See AnalysisPort."""
        found = await self._http.get(f"{_API}/history/imports/staged/{quote(key, safe='')}")
        tally = ImportTally(found["rows"], found["new"], found["from_ns"], found["to_ns"])
        stage, kept = ImportStage(found["stage"]), found.get("kept", False)
        return ImportState(stage, found["parts"], found["share"], tally, found["error"], kept)

    async def cancel_import(self, key: str, actor: Actor) -> None:  # noqa: ARG002
        """See AnalysisPort."""
        await self._http.send("POST", f"{_API}/history/imports/staged/{quote(key, safe='')}/cancel", body=b"{}")

    async def _post(self, path: str, body: Any) -> Any:
        return await self._http.send("POST", f"{_API}/history/imports{path}", body=json_bytes(body))

    async def _lines(self, query: Sequence[tuple[str, str]]) -> AsyncGenerator[dict[str, Any]]:
        async with self._http.lines(f"{_API}/history", query) as lines:
            async for line in lines:
                if line:
                    yield msgspec.json.decode(line)


def packed(column: NDArray[Any], dtype: str) -> str:
    """A column as base64 of its little-endian bytes."""
    return b64encode(np.ascontiguousarray(column, dtype).tobytes()).decode()


def history_query(tags: Sequence[str], request: HistoryRequest) -> list[tuple[str, str]]:
    """Times travel as microseconds: the start rounded down, the end up."""
    end = -(-request.end // 1000) * 1000
    query = [("tag", tag) for tag in tags]
    query += [("from", iso_time(request.start) or "1970-01-01"), ("to", iso_time(end) or "1970-01-01")]
    return query if request.points is None else [*query, ("points", str(request.points))]


def until(series: Series, end: int) -> Series:
    """Without the samples that came because the end was rounded up."""
    n = int(np.searchsorted(series.t, end))
    if n == len(series.t):
        return series
    changes: dict[str, Any] = {"t": series.t[:n], "value": series.value[:n], "quality": series.quality[:n]}
    if series.exact is not None:
        changes["exact"] = series.exact[:n]
    if series.objects is not None:
        changes["objects"] = series.objects[:n]
    return replace(series, **changes)


def _some(tags: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [tags[first : first + _TAGS_AT_ONCE] for first in range(0, len(tags), _TAGS_AT_ONCE)]

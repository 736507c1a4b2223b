"""POST history/imports: samples of the past from elsewhere. Begin, give samples in order of time, finish."""

from __future__ import annotations

from base64 import b64decode
from typing import Annotated, Any

import numpy as np
from fastapi import FastAPI, Path
from numpy.typing import NDArray
from pydantic import BaseModel, Field
from starlette.responses import Response

from sereno.client import ImportedSamples, ImportSource

from .answers import answer, problems
from .problem import ProblemError
from .requests import Asking, Context

MAX_TAGS = 1000
MAX_ROWS = 50_000
Nanoseconds = Annotated[int, Field(ge=-(1 << 63) + 1, lt=1 << 63)]
_SOME = Field(min_length=1, max_length=MAX_ROWS)
Key = Annotated[str, Path(max_length=80)]


class SourceBody(BaseModel):
    """Where it comes from: name of the file, its SHA-256 in hexadecimal digits, the tags that are in it."""

    name: str = Field(min_length=1, max_length=200)
    sha256: str = Field("", pattern=r"^([0-9a-f]{64})?$")
    tags: list[str] = Field(min_length=1, max_length=MAX_TAGS)


class SamplesBody(BaseModel):
    """Samples of one tag, times ns UTC and increasing; null = no value. `quality` codes of OPC UA, null = all good.

    A column may also be base64 of little-endian int64, float64 (NaN = no value) and uint16.
    """

    tag: str
    t_ns: Annotated[list[Nanoseconds], _SOME] | str
    value: Annotated[list[bool | int | float | str | None], _SOME] | str
    quality: Annotated[list[Annotated[int, Field(ge=0, lt=1 << 16)]], _SOME] | str | None = None


class KeyShape(BaseModel):
    """The key of an import."""

    key: str


class StoredShape(BaseModel):
    """How many of the samples were not there already."""

    new: int


class TallyShape(BaseModel):
    """Samples of an import, those that were not there already, first and last time."""

    rows: int
    new: int
    from_ns: int
    to_ns: int


def add_routes(app: FastAPI) -> None:
    """The routes of this module."""
    fails = problems(400, 404, 409, 413)
    app.add_api_route("/api/v1/history/imports", begin, response_model=KeyShape, methods=["POST"], responses=fails)
    app.add_api_route(
        "/api/v1/history/imports/{key}", store, response_model=StoredShape, methods=["POST"], responses=fails
    )
    app.add_api_route(
        "/api/v1/history/imports/{key}/finish", finish, response_model=TallyShape, methods=["POST"], responses=fails
    )


async def begin(body: SourceBody, context: Context, actor: Asking) -> Response:
    """Begin an import; it goes on record."""
    source = ImportSource(body.name, body.sha256, tuple(dict.fromkeys(body.tags)))
    return answer({"key": await context.analysis.begin_import(source, actor)})


async def store(key: Key, body: SamplesBody, context: Context, actor: Asking) -> Response:
    """Samples of one tag, later ones than those given before; durable when this is answered."""
    try:
        quality = None if body.quality is None else _column(body.quality, "<u2")
        value = _column(body.value, "<f8") if isinstance(body.value, str) else body.value
        samples = ImportedSamples(body.tag, _column(body.t_ns, "<i8"), value, quality)
        return answer({"new": await context.analysis.store_import(key, samples, actor)})
    except ValueError as error:
        raise ProblemError(422, str(error)) from error


async def finish(key: Key, context: Context, actor: Asking) -> Response:
    """End an import; it goes on record. After its last sample holds again what held there before."""
    tally = await context.analysis.finish_import(key, actor)
    return answer({"rows": tally.rows, "new": tally.new, "from_ns": tally.first, "to_ns": tally.last})


def _column(given: list[int] | str, dtype: str) -> NDArray[Any]:
    """Raises ValueError."""
    if not isinstance(given, str):
        return np.array(given, dtype)
    return np.frombuffer(b64decode(given, validate=True), dtype)

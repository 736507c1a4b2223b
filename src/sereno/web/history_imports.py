"""POST history/imports: samples of the past from elsewhere. Begin, give samples in order of time, finish.

Many of them: POST history/imports/staged, put parts by, merge.
"""

from __future__ import annotations

from base64 import b64decode
from typing import Annotated, Any

import numpy as np
from fastapi import FastAPI, Path
from numpy.typing import NDArray
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from sereno.client import ImportedSamples, ImportSource, ImportStage

from .answers import answer, problems
from .body import ARROW
from .problem import ProblemError
from .requests import Asking, Context

MAX_TAGS = 1000
MAX_STAGED_TAGS = 10_000
MAX_ROWS = 50_000
Nanoseconds = Annotated[int, Field(ge=-(1 << 63) + 1, lt=1 << 63)]
_SOME = Field(min_length=1, max_length=MAX_ROWS)
Key = Annotated[str, Path(max_length=80)]
Number = Annotated[int, Path(ge=0, lt=1 << 31)]


class SourceBody(BaseModel):
    """Where it comes from: name of the file, its SHA-256 in hexadecimal digits, the tags that are in it."""

    name: str = Field(min_length=1, max_length=200)
    sha256: str = Field("", pattern=r"^([0-9a-f]{64})?$")
    tags: list[str] = Field(min_length=1, max_length=MAX_TAGS)


class StagedBody(SourceBody):
    """The same, of an import whose parts are put by first. With the same `sha256` it goes on where it was."""

    tags: list[str] = Field(min_length=1, max_length=MAX_STAGED_TAGS)


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


class StagedShape(BaseModel):
    """The key of an import, how many parts of it are there, and why it was not merged if that was tried before."""

    key: str
    parts: int
    error: str


class PartsShape(BaseModel):
    """How many parts are there."""

    parts: int


class StateShape(BaseModel):
    """How far an import is: receiving, merging (with the share that is done), done, failed (why), cancelled.

    `kept`: it failed, and what was put by is kept; merge again.
    """

    stage: ImportStage
    parts: int
    share: float
    error: str
    kept: bool
    rows: int
    new: int
    from_ns: int
    to_ns: int


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
    app.add_api_route(
        "/api/v1/history/imports/staged", stage, response_model=StagedShape, methods=["POST"], responses=fails
    )
    app.add_api_route(
        "/api/v1/history/imports/staged/{key}/parts/{number}",
        put,
        response_model=PartsShape,
        methods=["POST"],
        responses=fails,
    )
    app.add_api_route(
        "/api/v1/history/imports/staged/{key}/merge",
        merge,
        response_model=StateShape,
        methods=["POST"],
        responses=fails,
    )
    app.add_api_route(
        "/api/v1/history/imports/staged/{key}/cancel",
        cancel,
        response_model=StateShape,
        methods=["POST"],
        responses=fails,
    )
    app.add_api_route(
        "/api/v1/history/imports/staged/{key}", state, response_model=StateShape, methods=["GET"], responses=fails
    )
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


async def stage(body: StagedBody, context: Context, actor: Asking) -> Response:
    """Begin an import of many samples, or go on with it; it goes on record."""
    source = ImportSource(body.name, body.sha256, tuple(dict.fromkeys(body.tags)))
    found = await context.analysis.stage_import(source, actor)
    return answer({"key": found.key, "parts": found.parts, "error": found.error})


async def put(key: Key, number: Number, request: Request, context: Context, actor: Asking) -> Response:
    """Put a part by: Arrow with `tag`, `t` (ns UTC), `value`, perhaps `quality`; or `t` and a column for each tag."""
    if request.headers.get("content-type", "") != ARROW:
        raise ProblemError(422, f"a part is {ARROW}")
    try:
        return answer({"parts": await context.analysis.put_import(key, number, await request.body(), actor)})
    except ValueError as error:
        raise ProblemError(422, str(error)) from error


async def merge(key: Key, context: Context, actor: Asking) -> Response:
    """Begin to take all parts into the history, in one step; ask for its state until that is done.

    Also again, if it failed and what was put by is kept.
    """
    await context.analysis.merge_import(key, actor)
    return await state(key, context, actor)


async def cancel(key: Key, context: Context, actor: Asking) -> Response:
    """Give up an import that is not merged yet; it goes on record."""
    await context.analysis.cancel_import(key, actor)
    return await state(key, context, actor)


async def state(key: Key, context: Context, actor: Asking) -> Response:
    """How far an import is."""
    found = await context.analysis.import_state(key, actor)
    tally = found.tally
    brought = {"rows": tally.rows, "new": tally.new, "from_ns": tally.first, "to_ns": tally.last}
    far = {"stage": found.stage, "parts": found.parts, "share": found.share, "error": found.error, "kept": found.kept}
    return answer(far | brought)


def _column(given: list[int] | str, dtype: str) -> NDArray[Any]:
    """Raises ValueError."""
    if not isinstance(given, str):
        return np.array(given, dtype)
    return np.frombuffer(b64decode(given, validate=True), dtype)

"""The audit: its page, records with filters, all of them as a file, and whether they are whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Query
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from sereno.access.actor import Actor, Right
from sereno.client import parse_time
from sereno.store.audit import AT_ONCE, AuditLog, AuditQuery, AuditRecord

from .answers import answer, problems
from .audit_text import csv_lines, json_lines, record_json, verification_json
from .pages import Pages
from .problem import ProblemError
from .requests import Address, Asking, Context

MAX_LIMIT = 1000
_MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8"}
Text = Annotated[str, Query(max_length=200, description="Exactly this, or with '*' for any text")]
Time = Annotated[str, Query(max_length=40, description="ISO 8601, or now-6h")]


class RecordShape(BaseModel):
    """An act on record. `hash` chains it to the record before it, `key` names the key behind the hash."""

    seq: int
    t: str | None
    actor: str
    origin: str
    action: str
    target: str
    old: Any
    new: Any
    outcome: str
    comment: str
    command: str
    key: str
    hash: str


class RecordsShape(BaseModel):
    """Records, the newest first. `next` is the `before` of the following page, null on the last."""

    records: list[RecordShape]
    next: int | None


class FindingShape(BaseModel):
    """What is wrong, and with which record first."""

    record: int
    text: str


class VerificationShape(BaseModel):
    """`whole`, or `record` is the first that is not as it was written."""

    whole: bool
    record: int | None
    text: str
    first: int
    last: int
    count: int
    anchor: int
    findings: list[FindingShape]


def add_routes(app: FastAPI) -> None:
    """The routes of this module."""
    app.add_route("/audit", page, methods=["GET"])
    app.add_api_route("/api/v1/audit", records, response_model=RecordsShape, responses=problems())
    files: dict[int | str, dict[str, Any]] = {
        200: {"description": "A file", "content": {kind: {} for kind in ("text/csv", "application/jsonl")}}
    }
    exported = {**problems(), **files}
    app.add_api_route(
        "/api/v1/audit/export", export, response_model=None, response_class=StreamingResponse, responses=exported
    )
    app.add_api_route(
        "/api/v1/audit/verify", verify, methods=["POST"], response_model=VerificationShape, responses=problems()
    )


async def page(request: Request) -> Response:
    """Who did what."""
    pages: Pages = request.app.state.pages
    return pages.render(request, "audit")


async def _asked(  # noqa: PLR0917 - FastAPI calls it by name
    context: Context, who: Text = "", action: Text = "", target: Text = "", since: Time = "", until: Time = ""
) -> AuditQuery:
    def time(name: str, given: str) -> int | None:
        try:
            return parse_time(given, context.clock) if given else None
        except (ValueError, OverflowError) as error:
            raise ProblemError(422, f"'{name}': {error}") from error

    times = {"since": time("since", since), "until": time("until", until)}
    return AuditQuery(who=who, action=action, target=target, **times)


Asked = Annotated[AuditQuery, Depends(_asked)]


async def records(
    context: Context,
    actor: Asking,
    query: Asked,
    before: Annotated[int | None, Query(ge=1, lt=1 << 31, description="Only records of lower number")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 100,
) -> Response:
    """Records that match, of what you may audit, the newest first."""
    found: list[AuditRecord] = []
    more = True
    while more and len(found) < limit:
        batch = await context.accounts.audit.entries(query, before=before, limit=limit)
        more = len(batch) == limit
        before = batch[-1].seq if batch else before
        found += [record for record in batch if actor.may(Right.AUDIT, record.target)]
    found = found[:limit]
    following = found[-1].seq if len(found) == limit else None
    return answer({"records": [record_json(record) for record in found], "next": following})


async def export(
    context: Context,
    actor: Asking,
    address: Address,
    query: Asked,
    form: Annotated[Literal["csv", "jsonl"], Query(alias="format")] = "csv",
) -> Response:
    """All records that match, the oldest first, as a file. That they were taken is on record too."""
    log = context.accounts.audit
    asked = {name: getattr(query, name) for name in query.__slots__}
    await log.record(actor.name, "audit.export", "audit", address, new={k: v for k, v in asked.items() if v})
    headers = {"content-disposition": f'attachment; filename="audit.{form}"'}
    return StreamingResponse(_file(log, query, actor, form), headers=headers, media_type=_MEDIA_TYPES[form])


async def _file(log: AuditLog, query: AuditQuery, actor: Actor, form: str) -> AsyncIterator[bytes]:
    if form == "csv":
        yield csv_lines([], header=True)
    page: list[AuditRecord] = []
    async for record in log.all(query):
        if actor.may(Right.AUDIT, record.target):
            page.append(record)
        if len(page) == AT_ONCE:
            yield csv_lines(page) if form == "csv" else json_lines(page)
            page = []
    yield csv_lines(page) if form == "csv" else json_lines(page)


async def verify(request: Request, context: Context, actor: Asking) -> Response:
    """Check every record against the chain, and the chain against its anchor. One at a time."""
    if not actor.may(Right.AUDIT):
        raise ProblemError(403, f"denied: {actor.name} may audit a part only, the chain is about all")
    async with request.app.state.verifying:
        return answer(verification_json(await context.accounts.audit.verify()))

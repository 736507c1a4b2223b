"""Errors as RFC 9457 problem documents, or as a page for people."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import orjson
from starlette.requests import HTTPConnection
from starlette.responses import Response

from sereno.model import DeliveryError, DeniedError, NotFoundError, SerenoError

MEDIA_TYPE = "application/problem+json"


class ProblemError(Exception):
    """Raised by a handler: answer with this problem. `more` are further members."""

    def __init__(self, status: int, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.more = more


def problem(status: int, detail: str, headers: dict[str, str] | None = None, **more: Any) -> Response:
    """The response. `detail` says what was found, what was expected and the likely fix."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}
    return Response(orjson.dumps(body), status, headers, MEDIA_TYPE)


def status_of(error: SerenoError) -> int:
    """The HTTP status that stands for an error of the plant."""
    if isinstance(error, NotFoundError):
        return 404
    if isinstance(error, DeniedError):
        return 403
    return 502 if isinstance(error, DeliveryError) else 409


def wants_page(connection: HTTPConnection) -> bool:
    """True if a browser asks for a page, so that a person reads the answer."""
    scope = connection.scope
    reads = scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and not scope["path"].startswith("/api/")
    return reads and "text/html" in connection.headers.get("accept", "")

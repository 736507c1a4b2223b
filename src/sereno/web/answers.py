"""JSON answers and the documented shapes of errors."""

from __future__ import annotations

from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response


class Problem(BaseModel):
    """RFC 9457. Commands add `key` and `acks`, validation errors add `errors`."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str


_WORDS = {
    400: "The body cannot be read",
    401: "Not signed in, or the token is no longer valid",
    403: "Denied",
    404: "There is no such thing; near spellings are named",
    409: "Refused",
    413: "The body is too large",
    422: "A parameter or the body is not as expected",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route may answer besides success, for the OpenAPI document, which has to define `Problem`."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"description": _WORDS.get(status, "See detail"), "content": content}
        for status in (401, 403, 422, *statuses)
    }


def answer(body: Any, status: int = 200) -> Response:
    """JSON; NaN becomes null, numpy arrays lists."""
    return Response(orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY), status, media_type="application/json")

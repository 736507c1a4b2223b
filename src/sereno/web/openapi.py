"""GET openapi.json."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from .answers import Problem, answer


def add_routes(app: FastAPI) -> None:
    """The routes of this module."""
    app.add_route("/api/v1/openapi.json", openapi, methods=["GET"])


async def openapi(request: Request) -> Response:
    """The API in OpenAPI 3.1."""
    return answer(_document(request.app))


def _document(app: FastAPI) -> dict[str, object]:
    document = app.openapi()
    components = document.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
    schemes = components.setdefault("securitySchemes", {})
    schemes["token"] = {"type": "http", "scheme": "bearer"}
    schemes["session"] = {"type": "apiKey", "in": "cookie", "name": app.state.context.cookie}
    document["security"] = [{"token": []}, {"session": []}]
    return document

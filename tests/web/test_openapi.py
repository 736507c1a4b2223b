"""The published document: whole, closed in itself, and true of the application."""

from __future__ import annotations

import re
from typing import Any

import pytest

from sereno.access.entries import Need
from sereno.web.entries import ENTRIES

HTTP_METHODS = {"get", "put", "post", "delete", "patch", "head", "options", "trace"}


@pytest.fixture
async def document(site) -> dict[str, Any]:
    async with await site.signed_in("viewer") as browser:
        return (await browser.get("/api/v1/openapi.json")).json()


def _walk(node: Any) -> Any:
    yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _walk(child)


def test_it_is_openapi_with_every_reference_resolved(document: dict[str, Any]) -> None:
    assert re.fullmatch(r"3\.1\.\d+", document["openapi"])
    assert document["info"]["title"] == "Sereno"
    for node in _walk(document):
        if isinstance(node, dict) and isinstance(node.get("$ref"), str):
            target: Any = document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]


def test_operations_have_distinct_ids_answers_and_their_path_parameters(document: dict[str, Any]) -> None:
    seen: set[str] = set()
    for path, item in document["paths"].items():
        assert path.startswith("/api/v1/")
        for method, operation in item.items():
            assert method in HTTP_METHODS
            assert operation["operationId"] not in seen
            seen.add(operation["operationId"])
            assert operation["description"]
            named = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
            assert named == set(re.findall(r"{(\w+)}", path))
            assert any(status.startswith("2") for status in operation["responses"])


def test_every_error_is_a_problem_document(document: dict[str, Any]) -> None:
    for item in document["paths"].values():
        for operation in item.values():
            errors = {s: r for s, r in operation["responses"].items() if not s.startswith("2")}
            assert {"401", "403", "422"} <= set(errors)
            for response in errors.values():
                assert response["content"] == {
                    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                }


def test_it_lists_every_rest_entry_and_nothing_else(document: dict[str, Any]) -> None:
    listed = {(m.upper(), path) for path, item in document["paths"].items() for m in item}
    entries = {
        (e.kind, e.path.replace(":path}", "}"))
        for e in ENTRIES
        if e.kind in ("GET", "PUT", "POST", "DELETE")
        and e.path.startswith("/api/")
        and e.path != "/api/v1/openapi.json"
    }
    assert listed == entries
    assert all(e.need is not Need.OPEN for e in ENTRIES if e.path.startswith("/api/"))


def test_ways_in_are_declared(document: dict[str, Any]) -> None:
    assert document["components"]["securitySchemes"] == {
        "token": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": "sereno_01234567"},
    }
    assert document["security"] == [{"token": []}, {"session": []}]


async def test_no_page_of_the_framework_is_there(site) -> None:
    async with await site.signed_in("admin") as browser:
        for path in ("/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect"):
            assert (await browser.get(path)).status_code == 404

"""What a request has wrong is told with what was found, where, and what was expected."""

from __future__ import annotations

from typing import Any

import pytest

TARGET = "north/plc1/level"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("values?tags=nope", "query/tags: /api/v1/values takes no parameter 'tags'; did you mean 'tag'?"),
        ("values?xyz=1", "it takes tag"),
        ("history?tag=a/b&fromm=now-1h", "did you mean 'from'?"),
        ("audit?fron=x", "takes no parameter 'fron'"),
    ],
)
async def test_a_misspelt_parameter_does_not_ask_for_everything(site, query: str, words: str) -> None:
    async with await site.signed_in("admin") as browser:
        answer = await browser.get(f"/api/v1/{query}")
    assert answer.status_code == 422
    assert words in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "body/1: not JSON: "),
        (b"[]", "body: expected a valid dictionary or object to extract fields from, found a list"),
        (
            b'{"tag": "a/b/c", "value": 1}',
            "body/target: is missing, and is needed; body/tag: is no key that is known here",
        ),
        (b'{"target": "a/b/c", "value": NaN}', "body/value: expected finite numbers, found nan"),
        (b'{"target": "' + b"z" * 500 + b'", "value": 1}', "found 'zzz"),
    ],
)
async def test_what_a_body_has_wrong_is_told_with_what_was_found(site, body: bytes, words: str) -> None:
    async with await site.signed_in("operator") as browser:
        answer = await browser.post("/api/v1/commands", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    detail: Any = answer.json()["detail"]
    assert words in detail
    assert len(detail) < 400


async def test_secrets_are_not_told(site) -> None:
    async with await site.signed_in("admin") as browser:
        answer = await browser.post("/api/v1/users", json={"name": "bob", "password": ["hunter2"], "roles": []})
    assert answer.status_code == 422
    assert "hunter2" not in answer.text

from __future__ import annotations

import pytest

NOW = 1_763_640_000_000_000_000
HOUR = 3600 * 10**9


async def test_history_comes_as_columns(site) -> None:
    async with await site.signed_in("viewer") as browser:
        answer = await browser.get("/api/v1/history?tag=a/b&tag=c/d&from=now-6h&to=now&points=100")
    assert answer.status_code == 200
    assert answer.json()["series"][1] == {
        "tag": "c/d",
        "unit": "m",
        "t_ns": [NOW - 6 * HOUR, NOW - 6 * HOUR + 1],
        "value": [1.5, None],
        "quality": ["good", "bad"],
        "low": None,
        "high": None,
        "count": None,
        "covered_until_ns": 0,
        "type": "",
        "labels": [],
        "since_ns": 0,
        "until_ns": 0,
        "converted": [],
    }
    (request,) = site.plant.requests
    assert (request.tags, request.start, request.end, request.points) == (("a/b", "c/d"), NOW - 6 * HOUR, NOW, 100)


async def test_times_may_be_iso(site) -> None:
    async with await site.signed_in("viewer") as browser:
        await browser.get("/api/v1/history?tag=a/b&from=2025-11-20T10:00:00Z&to=2025-11-20T12:00:00%2B01:00")
    (request,) = site.plant.requests
    assert (request.start, request.end, request.points) == (NOW - 2 * HOUR, NOW - HOUR, None)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("tag=a/b&from=yesterday", "'from': 'yesterday' is no time, expected ISO 8601"),
        ("tag=a/b&to=", "'to': '' is no time"),
        ("tag=a/b&from=now&to=now-1h", "'to' (now-1h) is not after 'from' (now)"),
        ("tag=a/b&from=now-99999999999999d", "'from'"),
        ("tag=a/b&from=0001-01-01T00:00:00Z", "too far away"),
        ("tag=a/b&points=0", "points"),
        ("tag=a/b&points=20001", "points"),
        ("tag=a/b&points=many", "points"),
        ("from=now-1h", "tag"),
        ("&".join(f"tag=t{i}" for i in range(51)), "tag"),
    ],
)
async def test_unclear_requests_say_what_is_unclear(site, query: str, words: str) -> None:
    async with await site.signed_in("viewer") as browser:
        answer = await browser.get(f"/api/v1/history?{query}")
    assert answer.status_code == 422
    assert words in answer.json()["detail"]
    assert site.plant.requests == []

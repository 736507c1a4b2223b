from __future__ import annotations

import math

import pytest

from sereno.model import Quality


async def test_values_as_people_read_them(site) -> None:
    site.plant.set("north/plc1/level", math.nan, Quality.STALE, "stale: north/plc1 has not answered for 3.2 s")
    async with await site.signed_in("viewer") as browser:
        values = {v["tag"]: v for v in (await browser.get("/api/v1/values")).json()["values"]}
    assert len(values) == 7
    assert values["north/plc1/level"] == {
        "tag": "north/plc1/level",
        "value": None,
        "unit": "m",
        "quality": "bad",
        "reason": "stale: north/plc1 has not answered for 3.2 s",
        "t_source": "2025-11-20T12:00:00.000000Z",
        "age_s": 0.25,
    }
    assert values["north/plc1/state"]["value"] == "running"
    assert values["north/plc1/total"]["value"] == 2**64 - 1
    assert values["north/plc1/recipe"]["value"] == "summer"


async def test_tags_and_values_take_globs_several_times(site) -> None:
    async with await site.signed_in("viewer") as browser:
        tags = (await browser.get("/api/v1/tags?glob=south&glob=*/open")).json()["tags"]
        values = (await browser.get("/api/v1/values?tag=south&tag=north/plc1/open")).json()["values"]
    assert [t["tag"] for t in tags] == [v["tag"] for v in values] == ["north/plc1/open", "south/plc2/level"]
    assert tags[1]["unit"] == "m"


async def test_an_unknown_tag_is_a_problem_with_near_spellings(site) -> None:
    async with await site.signed_in("viewer") as browser:
        answer = await browser.get("/api/v1/values?tag=north/plc1/levle")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert set(problem) == {"type", "title", "status", "detail"}
    assert "north/plc1/level" in problem["detail"]


@pytest.mark.parametrize("query", ["tag=", "tag=" + "x" * 201, "&".join(f"tag=t{i}" for i in range(501))])
async def test_too_long_and_too_many_globs_are_refused(site, query: str) -> None:
    async with await site.signed_in("viewer") as browser:
        answer = await browser.get(f"/api/v1/values?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"].startswith("query/tag")


async def test_the_session_says_what_one_may(site) -> None:
    async with await site.signed_in("operator") as browser:
        answer = (await browser.get("/api/v1/session")).json()
    assert answer == {
        "name": "operator",
        "kind": "person",
        "roles": ["operator"],
        "rights": ["read", "history", "write", "call", "acknowledge", "shelve"],
        "recovered": [],
    }

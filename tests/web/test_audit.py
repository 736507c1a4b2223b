"""The audit over HTTP: who may see it, filters, pages, files, the verdict; and what the web room itself records."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest

from sereno.access.actor import Permission, Right, Role
from sereno.store.audit import AuditQuery


@pytest.fixture
async def records(site) -> int:
    """Seven acts of ann, bob and eve, an hour apart; their number at the end."""
    for number, who in enumerate(("ann", "bob", "eve", "ann", "bob", "eve", "ann"), 1):
        site.clock.now += 3600
        target = f"{'north' if number % 2 else 'south'}/plc1/sp"
        await site.accounts.audit.record(who, "write", target, "10.0.0.1", old=number, new=[number], comment="=1")
    return await site.accounts.audit.count()


async def _ask(browser: Any, query: str = "") -> list[dict[str, Any]]:
    answer = await browser.get(f"/api/v1/audit?{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()["records"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("who=ann", [7, 4, 1]),
        ("who=*v*", [6, 3]),
        ("target=south/*", [6, 4, 2]),
        ("who=bob&target=north/plc1/sp", [5]),
        ("since=now-150min&action=write", [7, 6, 5]),
        ("until=now-330min&action=write", [1]),
        ("action=nothing", []),
        ("who=a%25", []),
        ("who=___", []),
    ],
)
async def test_filters(site, records: int, query: str, expected: list[int]) -> None:
    async with await site.signed_in("engineer") as browser:
        found = await _ask(browser, query)
    assert [record["seq"] - (records - 7) for record in found] == expected
    assert all(record["old"] == record["new"][0] for record in found)


async def test_pages_follow_each_other_without_gap_or_repetition(site, records: int) -> None:
    async with await site.signed_in("engineer") as browser:
        seen, before = [], ""
        for _ in range(20):
            page = (await browser.get(f"/api/v1/audit?limit=3{before}")).json()
            seen += [record["seq"] for record in page["records"]]
            if page["next"] is None:
                break
            before = f"&before={page['next']}"
    assert seen == list(range(records, 0, -1))


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "before=0", "since=yesterday", "until=9999999999999999", "who=" + "x" * 201]
)
async def test_questions_that_make_no_sense_are_refused(site, query: str) -> None:
    async with await site.signed_in("engineer") as browser:
        assert (await browser.get(f"/api/v1/audit?{query}")).status_code == 422


async def test_who_may_audit_the_north_sees_the_north_only(site, records: int) -> None:
    north = Role("north", (Permission(Right.AUDIT, "north/*"),))
    await site.accounts.put_role(north, by="test")
    await site.accounts.set_roles("viewer", ["north"], by="test")
    async with await site.signed_in("viewer") as browser:
        assert {r["target"] for r in await _ask(browser, "limit=2")} == {"north/plc1/sp"}
        assert len(await _ask(browser)) == 4
        lines = (await browser.get("/api/v1/audit/export?format=jsonl")).text.splitlines()
        assert {orjson.loads(line)["target"] for line in lines} == {"north/plc1/sp"}
        assert (await browser.post("/api/v1/audit/verify")).status_code == 403


async def test_export_is_a_file_and_on_record(site, records: int) -> None:
    async with await site.signed_in("engineer") as browser:
        answer = await browser.get("/api/v1/audit/export?who=ann")
    assert answer.headers["content-disposition"] == 'attachment; filename="audit.csv"'
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(answer.text.splitlines()))
    assert [row["actor"] for row in rows] == ["ann"] * 3
    assert rows[0]["comment"] == "'=1"
    (taken,) = await site.accounts.audit.entries(AuditQuery(action="audit.export"))
    assert (taken.actor, taken.new) == ("engineer", {"who": "ann"})


async def test_the_verdict_names_the_record(site, records: int, tmp_path: Path) -> None:
    async with await site.signed_in("engineer") as browser:
        found = (await browser.post("/api/v1/audit/verify")).json()
        assert (found["whole"], found["record"], found["count"]) == (True, None, records)
        with closing(sqlite3.connect(tmp_path / "sereno.db", isolation_level=None)) as other:
            other.execute("DROP TRIGGER audit_no_update")
            other.execute(f"UPDATE audit SET outcome = 'refused' WHERE id = {records - 1}")
        found = (await browser.post("/api/v1/audit/verify")).json()
    assert (found["whole"], found["record"]) == (False, records - 1)
    assert found["findings"][0]["text"].startswith("it does not fit its hash")


async def test_hostile_text_stays_text(site) -> None:
    payload = "<script>alert(1)</script>\u202e\r\n'\"=cmd|' /C calc'!A0"
    await site.accounts.audit.record(payload, "write", payload, payload, payload, old=payload)
    async with await site.signed_in("engineer") as browser:
        answer = await browser.get("/api/v1/audit?limit=1")
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.json()["records"][0]["target"] == payload
        rows = list(csv.reader((await browser.get("/api/v1/audit/export")).text.splitlines()[-3:]))
    assert not any(cell.startswith(("=", "@", "+")) for row in rows for cell in row)


# ---- what the web room records


@pytest.fixture
def told(site) -> Callable[[str], Any]:
    async def find(action: str) -> list[tuple[str, str, str, str]]:
        found = await site.accounts.audit.entries(AuditQuery(action=action))
        return [(r.actor, r.origin, r.target, r.outcome) for r in reversed(found)]

    return find


async def test_who_asks_for_what_they_may_not_is_on_record_once_a_minute(site, told) -> None:
    async with await site.signed_in("viewer") as browser:
        for _ in range(5):
            assert (await browser.get("/api/v1/audit")).status_code == 403
            assert (await browser.put("/api/v1/values/north/plc1/setpoint", json={"value": 1})).status_code == 403
        body = {"target": "north/plc1/setpoint", "value": 1.0}
        assert (await browser.post("/api/v1/commands", json=body)).status_code == 403
    assert await told("write") == [("viewer", "127.0.0.1", "north/plc1/setpoint", "refused: denied")]
    why = "denied: viewer has no right to {} here"
    assert await told("access") == [
        ("viewer", "127.0.0.1", "GET /api/v1/audit", f"refused: {why.format('audit')}"),
        ("viewer", "127.0.0.1", "PUT /api/v1/values/north/plc1/setpoint", f"refused: {why.format('write')}"),
    ]


async def test_a_command_beyond_ones_part_of_the_plant_is_on_record(site, told) -> None:
    north = Role("north", (Permission(Right.WRITE, "north/*"),))
    await site.accounts.put_role(north, by="test")
    await site.accounts.set_roles("viewer", ["north"], by="test")
    async with await site.signed_in("viewer") as browser:
        body = {"target": "south/plc2/level", "value": 1.0}
        assert (await browser.post("/api/v1/commands", json=body)).status_code == 403
    assert await told("write") == [("viewer", "127.0.0.1", "south/plc2/level", "refused: denied")]


async def test_a_token_that_nobody_has_is_on_record_and_an_old_cookie_is_not(site, told) -> None:
    async with site.browser() as browser:
        await browser.get("/api/v1/values", headers={"authorization": "Bearer srn_" + "x" * 43})
        await browser.get("/api/v1/values", headers={"cookie": f"{site.context.cookie}=old"})
        await browser.get("/api/v1/values")
    refused = "refused: a token that is unknown, run out or revoked"
    assert await told("access") == [("somebody", "127.0.0.1", "token", refused)]

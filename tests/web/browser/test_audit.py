"""The audit in a browser: who sees it, what an operator did, the verdict, hostile text."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from typing import Any

import pytest

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
pytestmark = pytest.mark.browser

HEADINGS = {"en": "Audit", "es": "Auditoría", "fr": "Audit"}


def record(visit: Any, actor: str, action: str, target: str, **more: Any) -> None:
    visit.node.run(visit.node._node.parts.accounts.audit.record(actor, action, target, **more))


@pytest.mark.parametrize("lang", HEADINGS)
def test_it_speaks_every_language(visit: Any, lang: str) -> None:
    page = visit("/audit", lang=lang)
    expect(page.locator("h1")).to_have_text(HEADINGS[lang])
    expect(page.locator("#audit-table tbody tr").first).to_be_visible()
    assert (
        re.findall(r"\b(?:nav|audit|help)\.[a-z_]+", page.locator("main").inner_text().replace("audit.export", ""))
        == []
    )


def test_only_who_may_audit_finds_it(visit: Any) -> None:
    expect(visit("/", user="admin").locator(".nav a[href='/audit']")).to_be_visible()
    page = visit("/", user="operator")
    expect(page.locator(".nav a[href='/tags']")).to_be_visible()
    expect(page.locator(".nav a[href='/audit']")).to_have_count(0)
    page.goto(visit.node.ready.url + "/audit")
    expect(page.locator("main, body").first).to_contain_text("no right to audit")
    visit.forgive("status of 403")


def test_what_an_operator_did_is_told_from_old_to_new(visit: Any) -> None:
    tag = "river/plc1/chlorine_setpoint"
    operator = visit("/", user="operator")
    body = {"value": 0.75, "comment": "dosing trial"}
    status = operator.evaluate(
        """async ([path, body]) => (await fetch(`/api/v1/values/${path}`, {method: "PUT",
          headers: {"content-type": "application/json"}, body: JSON.stringify(body)})).status""",
        [tag, body],
    )
    assert status == 200
    page = visit(f"/audit?who=operator&target={tag}")
    rows = page.locator("#audit-table tbody tr")
    expect(rows).to_have_count(2)
    done = rows.first
    expect(done).to_contain_text("operator")
    expect(done).to_contain_text("write")
    expect(done.locator(".audit-change strong")).to_have_text("0.75")
    expect(done.locator(".chip")).to_have_text("done")
    expect(done.locator(".audit-comment")).to_have_text("“dosing trial”")
    page.fill("#audit-action", "no such act")
    expect(page.locator("#audit-table .empty")).to_be_visible()
    page.fill("#audit-action", "wri")
    expect(rows).to_have_count(2)
    assert "action=wri" in page.url
    with page.expect_download() as download:
        page.click("#audit-export")
    text = download.value.path().read_text()
    assert text.count("dosing trial") == 2


def test_outcomes_are_told_in_the_pages_language(visit: Any) -> None:
    for target, outcome in (("told/done", "done"), ("told/late", "timed_out: too late"), ("told/new", "pondered")):
        record(visit, "operator", "write", target, outcome=outcome)
    page = visit("/audit?target=told", lang="es")
    expect(page.locator("#audit-table .chip")).to_have_text(["pondered", "fuera de plazo", "hecha"])


def test_what_a_guard_says_stays_in_the_table(visit: Any) -> None:
    condition = "(" + " or ".join(f"not good(observatory/environment/make_safe_{n})" for n in range(4)) + ")"
    record(visit, "guard/close_on_environment", "write", "site/plc/dome_close", comment=condition)
    page = visit("/audit?who=guard")
    expect(page.locator(".audit-time")).to_have_count(1)
    expect(page.locator("#audit-table th").first).to_have_text("Time (Madrid)")
    assert page.evaluate("(r => r.scrollWidth - r.clientWidth)(document.getElementById('audit-table'))") <= 1


def test_more_than_a_page_is_shown_on_demand(visit: Any) -> None:
    for number in range(130):
        record(visit, "robot", "tick", f"t{number}")
    page = visit("/audit?who=robot&since=")
    rows = page.locator("#audit-table tbody tr")
    expect(rows).to_have_count(100)
    page.click("#audit-more")
    expect(rows).to_have_count(130)
    expect(page.locator("#audit-more")).to_be_hidden()


def test_hostile_text_is_shown_and_does_nothing(visit: Any) -> None:
    payload = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    values = {"old": payload, "new": {"a": payload}, "outcome": f"refused: {payload}", "comment": payload}
    record(visit, payload, "write", payload, **values)
    page = visit("/audit?target=onerror", once=True)
    page.on("dialog", lambda dialog: pytest.fail(f"a dialog opened: {dialog.message}"))
    cell = page.locator("#audit-table tbody tr").first.locator(".audit-target")
    expect(cell).to_have_text(payload)
    assert page.locator("#audit-table img, #audit-table script").count() == 0


def test_verify_says_whole_and_then_names_the_record(visit: Any) -> None:
    record(visit, "ann", "write", "a/b")
    page = visit("/audit")
    page.click("#audit-verify")
    expect(page.locator("#audit-verdict")).to_contain_text("Whole:")
    with closing(sqlite3.connect(visit.node.folder / "sereno.db", isolation_level=None, timeout=5)) as other:
        other.execute("DROP TRIGGER audit_no_update")
        other.execute("UPDATE audit SET actor = 'eve' WHERE id = 2")
    page.click("#audit-verify")
    expect(page.locator("#audit-verdict.note-crit")).to_contain_text("NOT whole. Record 2:")

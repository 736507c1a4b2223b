"""Commands that wait for people, in two browsers: select and execute, a second person, a signature, the audit."""

from __future__ import annotations

import re
from typing import Any

import pytest

from .conftest import PASSWORD

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
pytestmark = pytest.mark.browser

FLOW, MODE, RECIPE = "river/plc1/intake_flow_setpoint", "river/plc1/dosing_auto", "river/plc1/recipe"


def open_setpoint(visit: Any, tag: str, **options: Any) -> Any:
    page = visit(f"/tags?q={tag}", **options)
    page.locator(f"tr[data-tag='{tag}'] .tag-name").click()
    return page


def ask(page: Any, value: str) -> None:
    page.fill("#editor", value)
    page.keyboard.press("Enter")
    page.fill("#confirm-comment", "trial 7")
    page.click("#confirm-send")


def ask_manual(visit: Any, **options: Any) -> Any:
    """The operator asks for dosing by hand."""
    page = open_setpoint(visit, MODE, user="operator", **options)
    page.get_by_role("button", name="manual").click()
    page.click(".setpoint button[type=submit]")
    page.fill("#confirm-comment", "analyser out")
    page.click("#confirm-send")
    return page


def test_selected_then_executed(visit: Any) -> None:
    visit.node.set("river/plc1/intake_level", 2.0)
    visit.node.set(FLOW, 300.0)
    page = open_setpoint(visit, FLOW, user="operator")
    expect(page.locator(".faceplate-value .value-text")).to_have_text("300.0")
    ask(page, "320")
    note = page.locator(".faceplate-waiting .waiting")
    expect(note).to_contain_text("look once more, then execute it")
    expect(note.locator(".change")).to_contain_text("300.0 m³/h")
    expect(note.locator(".change")).to_contain_text("320.0 m³/h")
    expect(note.locator(".countdown")).to_have_text(re.compile(r"0:[0-3]\d left"))
    expect(page.locator("#waiting-badge")).to_have_text("1")
    assert visit.node.get(FLOW) == 300.0
    note.locator("[data-say=execute]").click()
    expect(page.locator(".ack[data-state=done]")).to_contain_text("read back as 320.0")
    expect(note).to_have_count(0)
    expect(page.locator("#waiting-badge")).to_be_hidden()
    assert visit.node.get(FLOW) == 320.0


def test_withdrawn_and_held_against_others(visit: Any) -> None:
    visit.node.set("river/plc1/intake_level", 2.0)
    visit.node.set(FLOW, 300.0)
    page = open_setpoint(visit, FLOW, user="operator")
    ask(page, "310")
    expect(page.locator(".waiting")).to_be_visible()
    other = open_setpoint(visit, FLOW, user="admin")
    expect(other.locator(".waiting")).to_contain_text("waiting for operator to execute it")
    expect(other.locator("[data-say=execute]")).to_have_count(0)
    ask(other, "330")
    expect(other.locator(".ack[data-state=refused]")).to_contain_text("is selected by operator for another command")
    visit.forgive("status of 409")
    page.locator("[data-say=cancel]").click()
    expect(page.locator(".ack[data-state=cancelled]")).to_contain_text("withdrawn by operator")
    expect(other.locator(".waiting")).to_have_count(0)
    assert visit.node.get(FLOW) == 300.0


def test_an_engineer_approves_as_the_second_person(visit: Any) -> None:
    visit.node.set(MODE, 1)
    page = ask_manual(visit)
    expect(page.locator(".ack[data-state=waiting]")).to_have_text("Waiting for somebody…")
    expect(page.locator(".waiting")).to_contain_text("Waiting for a second person")
    expect(page.locator("[data-say=approve]")).to_have_count(0)
    expect(page.locator("#waiting-badge")).to_be_hidden()
    assert visit.node.get(MODE) == 1
    engineer = visit("/", user="engineer")
    expect(engineer.locator("#waiting-badge")).to_have_text("1")
    engineer.locator(".nav a[href='/commands']").click()
    card = engineer.locator("article.waiting")
    expect(card).to_contain_text("Asked for by operator")
    expect(card).to_contain_text("“analyser out”")
    expect(card.locator(".change-before")).to_contain_text("auto")
    expect(card.locator(".change-after")).to_contain_text("manual")
    card.locator("[data-say=approve]").click()
    dialog = engineer.locator("dialog")
    expect(dialog.locator(".change")).to_contain_text("manual")
    engineer.fill("#say-comment", "seen on site")
    engineer.click("#say-send")
    expect(page.locator(".ack[data-state=done]")).to_be_visible()
    expect(card).to_have_count(0)
    assert not visit.node.get(MODE)
    audit = visit(f"/audit?target={MODE}")
    rows = audit.locator("#audit-table tbody tr")
    expect(rows.first).to_contain_text("write")
    acts = rows.evaluate_all("rows => rows.map(r => [r.cells[1].innerText, r.cells[3].innerText])")
    wanted = [
        ["operator", "write"],
        ["operator", "write"],
        ["engineer", "command.approve"],
        ["operator", "command.select"],
    ]
    assert acts[:4] == wanted
    expect(rows.nth(2)).to_contain_text("“seen on site”")


def test_declined_with_a_reason(visit: Any) -> None:
    visit.node.set(MODE, 1)
    page = ask_manual(visit, lang="es")
    expect(page.locator(".waiting")).to_contain_text("Esperando a una segunda persona")
    engineer = visit("/commands", user="engineer", lang="fr")
    engineer.locator("[data-say=decline]").click()
    engineer.click("#say-send")
    expect(engineer.locator("dialog")).to_be_visible()
    engineer.fill("#say-reason", "<b>not</b> now")
    engineer.click("#say-send")
    expect(engineer.locator("#waiting")).to_contain_text("Aucune commande n’attend personne.")
    expect(page.locator(".ack[data-state=refused]")).to_contain_text("declined by engineer: <b>not</b> now")
    assert visit.node.get(MODE) == 1


def test_signed_with_the_right_password_only(visit: Any) -> None:
    visit.node.set(RECIPE, "summer")
    page = open_setpoint(visit, RECIPE, user="operator")
    ask(page, "winter")
    page.locator("[data-say=execute]").click()
    dialog = page.locator("dialog")
    expect(dialog.locator(".change")).to_contain_text("winter")
    page.select_option("#say-meaning", "released")
    page.fill("#say-password", "not my password")
    page.click("#say-send")
    expect(dialog.locator("[role=alert]")).to_have_text("the present password is wrong")
    expect(page.locator("#say-password")).to_have_value("")
    visit.forgive("status of 403")
    assert visit.node.get(RECIPE) == "summer"
    page.fill("#say-password", PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator(".ack[data-state=done]")).to_be_visible()
    expect(dialog).to_have_count(0)
    assert visit.node.get(RECIPE) == "winter"
    audit = visit(f"/audit?target={RECIPE}")
    signed = audit.locator("#audit-table tbody tr", has_text="command.execute")
    expect(signed).to_contain_text("Signed by operator: released")
    expect(signed.locator(".audit-change strong")).to_have_text("winter")
    audit.goto(visit.node.ready.url + "/audit?action=command.sign")
    expect(audit.locator("#audit-table tbody tr").first).to_contain_text("refused")
    audit.click("#audit-verify")
    expect(audit.locator("#audit-verdict")).to_contain_text("Whole:")


def test_a_page_that_comes_back_still_shows_what_waits(visit: Any) -> None:
    visit.node.set("river/plc1/intake_level", 2.0)
    visit.node.set(FLOW, 300.0)
    page = open_setpoint(visit, FLOW, user="operator")
    ask(page, "305")
    expect(page.locator(".waiting")).to_be_visible()
    page = open_setpoint(visit, FLOW, user="operator")
    page.locator(".waiting [data-say=execute]").click()
    expect(page.locator(".faceplate-value .value-text")).to_have_text("305.0")


def test_a_viewer_sees_and_can_do_nothing(visit: Any) -> None:
    visit.node.set(MODE, 1)
    asked = ask_manual(visit)
    page = visit("/commands", user="viewer")
    expect(page.locator("article.waiting")).to_contain_text("Waiting for a second person")
    expect(page.locator("article.waiting button[data-say]")).to_have_count(0)
    page = open_setpoint(visit, FLOW, user="viewer")
    expect(page.locator("#faceplate")).to_contain_text("You have no right to set values.")
    asked.locator(".waiting [data-say=cancel]").click()
    expect(asked.locator(".waiting")).to_have_count(0)


def test_a_waiting_command_of_a_node_that_is_gone_is_unknown(visit: Any) -> None:
    visit.node.set(MODE, 1)
    page = ask_manual(visit)
    expect(page.locator(".waiting")).to_be_visible()
    page.evaluate(
        """() => {
          const now = performance.now.bind(performance);
          window.later = 0;
          performance.now = () => now() + window.later;
        }"""
    )
    with page.expect_event("requestfailed"):  # from then on no answer is under way that would begin the wait anew
        page.route("**/api/v1/commands/*", lambda route: route.abort())
    page.evaluate("() => { window.later = 40000; }")
    expect(page.locator(".ack[data-state=unknown]")).to_be_visible()
    visit.forgive("net::ERR_FAILED")
    page.unroute_all()
    page.locator(".waiting [data-say=cancel]").click()
    expect(page.locator(".waiting")).to_have_count(0)

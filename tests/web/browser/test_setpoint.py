"""Setting values: confirmed, followed to the end, never shown as done before it is."""

from __future__ import annotations

import re
from typing import Any

import pytest

from sereno.model import NoAnswerError, RefusedError

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
pytestmark = pytest.mark.browser

SETPOINT = "river/plc1/chlorine_setpoint"


def open_setpoint(visit: Any, tag: str, **options: Any) -> Any:
    page = visit(f"/tags?q={tag}", **options)
    page.locator(f"tr[data-tag='{tag}'] .tag-name").click()
    return page


def test_by_keyboard_only_from_the_mimic_to_the_readback(visit: Any) -> None:
    visit.node.set(SETPOINT, 0.6)
    page = visit("/", lang="es")
    readout = page.locator(f"[data-write='{SETPOINT}']")
    expect(readout).to_have_text(re.compile("0,60 mg/L"))
    readout.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#editor")).to_be_focused()
    page.keyboard.type("1,25")
    expect(page.locator("#editor-hint")).to_have_text("= 1,25 mg/L")
    page.keyboard.press("Enter")
    change = page.locator(".dialog .change")
    expect(change).to_contain_text("0,60 mg/L")
    expect(change).to_contain_text("1,25 mg/L")
    assert visit.node.get(SETPOINT) == 0.6
    expect(page.locator("#confirm-send")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".ack[data-state=done]")).to_contain_text("relectura: 1,25")
    assert visit.node.get(SETPOINT) == 1.25
    states = page.locator(".ack").evaluate_all("items => items.map(i => i.dataset.state)")
    assert states.index("accepted") < states.index("done")
    expect(readout).to_have_text(re.compile("1,25 mg/L"))
    page.keyboard.press("Escape")
    expect(page.locator("#faceplate")).to_be_hidden()
    expect(readout).to_be_focused()


def test_cancel_writes_nothing(visit: Any) -> None:
    visit.node.set(SETPOINT, 0.6)
    page = open_setpoint(visit, SETPOINT)
    page.fill("#editor", "1.0")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
    expect(page.locator("#editor")).to_be_focused()
    assert visit.node.get(SETPOINT) == 0.6


@pytest.mark.parametrize(
    ("typed", "words"), [("9", "0.20 … 1.50 mg/L"), ("1.2.3", "not a number"), ("-1", "0.20 … 1.50")]
)
def test_what_is_not_allowed_cannot_be_sent(visit: Any, typed: str, words: str) -> None:
    page = open_setpoint(visit, SETPOINT)
    page.fill("#editor", typed)
    expect(page.locator("#editor-hint")).to_contain_text(words)
    expect(page.locator("#editor")).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".setpoint button[type=submit]")).to_be_disabled()


def send(page: Any, value: str) -> None:
    page.fill("#editor", value)
    page.keyboard.press("Enter")
    page.click("#confirm-send")


def test_a_refusal_by_an_interlock_is_shown_with_its_reason(visit: Any) -> None:
    visit.node.set("river/plc1/valve_intake_auto", 1)
    before = visit.node.get("river/plc1/valve_intake_setpoint")
    page = open_setpoint(visit, "river/plc1/valve_intake_setpoint")
    send(page, "55")
    expect(page.locator(".ack[data-state=refused]")).to_contain_text("valve_intake_auto")
    assert visit.node.get("river/plc1/valve_intake_setpoint") == before
    visit.forgive("status of 409")


@pytest.mark.parametrize(
    ("error", "state"),
    [(RefusedError("illegal data value"), "failed"), (NoAnswerError("no answer within 1 s"), "unknown")],
)
def test_a_device_that_refuses_or_says_nothing(visit: Any, error: Exception, state: str) -> None:
    unit = visit.node.unit("river/plc1")
    unit.write_error = error
    try:
        page = open_setpoint(visit, SETPOINT)
        send(page, "1.1")
        expect(page.locator(f".ack[data-state={state}]")).to_contain_text(str(error))
        expect(page.locator(".ack[data-state=done]")).to_have_count(0)
    finally:
        unit.write_error = None


def test_an_old_value_that_has_moved_refuses(visit: Any) -> None:
    visit.node.set(SETPOINT, 0.6)
    page = open_setpoint(visit, SETPOINT)
    page.fill("#editor", "1.1")
    page.keyboard.press("Enter")
    expect(page.locator(".dialog .change")).to_contain_text("0.60")
    visit.node.set(SETPOINT, 0.9)
    expect(page.locator(".faceplate-value .value-text")).to_have_text("0.90")
    page.click("#confirm-send")
    expect(page.locator(".ack[data-state=refused]")).to_be_visible()
    assert visit.node.get(SETPOINT) == 0.9
    visit.forgive("status of 409")


def test_switches_and_choices(visit: Any) -> None:
    node = visit.node
    node.set("town/plc2/mode", 0)
    page = open_setpoint(visit, "town/plc2/mode")
    page.get_by_role("button", name="saving").click()
    page.click(".setpoint button[type=submit]")
    expect(page.locator(".dialog .change")).to_contain_text("normal")
    page.click("#confirm-send")
    expect(page.locator(".ack[data-state=done]")).to_contain_text("saving")
    assert node.get("town/plc2/mode") == 1
    page.goto(node.ready.url + "/tags?q=river/plc1/pump1_auto")
    page.locator("tr[data-tag='river/plc1/pump1_auto'] .tag-name").click()
    page.get_by_role("button", name="manual").click()
    page.click(".setpoint button[type=submit]")
    page.click("#confirm-send")
    expect(page.locator(".ack[data-state=done]")).to_contain_text("manual")
    assert not node.get("river/plc1/pump1_auto")


def test_who_may_not_write_sees_no_form(visit: Any) -> None:
    page = open_setpoint(visit, SETPOINT, user="viewer")
    expect(page.locator("#faceplate")).to_contain_text("You have no right to set values.")
    expect(page.locator("#editor")).to_have_count(0)


@pytest.mark.parametrize(("low", "high", "offered"), [(0, 0, "closed"), (1, 2, "open opening"), (None, None, "")])
def test_only_states_that_may_be_set_are_offered(visit: Any, module_of: Any, low: Any, high: Any, offered: str) -> None:
    body = """
        const labels = ["closed", "open", "opening", "closing"];
        const made = m.editor({ tag: "a/b/c", type: "enum", labels, setpoint: x }, null, () => {});
        return [...made.querySelectorAll("button")].map((one) => one.textContent).join(" ");
    """
    assert module_of(visit("/help"), "components/editor.js", body, {"low": low, "high": high}) == offered

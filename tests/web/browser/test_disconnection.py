"""A page that hears nothing says so, writes nothing, and comes back by itself."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.web.browser.visiting import live_value, wait_for

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
pytestmark = pytest.mark.browser

SETPOINT = "river/plc1/chlorine_setpoint"


def test_a_silent_node_hatches_the_page_and_stops_writes(visit: Any) -> None:
    node = visit.node
    page = visit("/")
    page.locator(f"[data-write='{SETPOINT}']").click()
    page.fill("#editor", "1.0")
    submit = page.locator(".setpoint button[type=submit]")
    expect(submit).to_be_enabled()
    thaw = node.freeze()
    try:
        expect(page.locator("html")).to_have_attribute("data-link", "down")
        expect(page.locator("#disconnected")).to_contain_text("Disconnected since")
        expect(submit).to_be_disabled()
        assert page.evaluate("getComputedStyle(document.querySelector('.main'), '::after').opacity") == "1"
        expect(page.locator("#link-state")).to_have_text("Disconnected")
    finally:
        thaw.set()
    node.set("river/plc1/ph", 7.77)
    expect(page.locator("html")).to_have_attribute("data-link", "live")
    expect(page.locator("[data-tag='river/plc1/ph']")).to_have_text(re.compile("7.77"))
    expect(submit).to_be_enabled()
    expect(page.locator("#disconnected")).to_be_hidden()
    visit.forgive("WebSocket")


def test_a_hidden_page_asks_for_nothing_and_shown_again_is_current(visit: Any) -> None:
    node = visit.node
    page = visit("/tags?q=river/plc1/ph", once=True)
    value = page.locator("tr[data-tag='river/plc1/ph'] .value-text")
    expect(value).to_have_text(re.compile(r"\d"))
    sent: list[str] = []

    def keep(frame: str) -> None:
        sent.append(frame)

    page.on("websocket", lambda socket: socket.on("framesent", keep))
    page.reload()
    expect(value).to_have_text(re.compile(r"\d"))
    hide = """Object.defineProperty(document, "hidden", { value: %s, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));"""
    before = len(sent)
    page.evaluate(hide % "true")
    wait_for(page, lambda: any("unsubscribe" in frame for frame in sent[before:]))
    node.set("river/plc1/ph", 6.66)
    wait_for(page, lambda: live_value(page, "river/plc1/ph") == pytest.approx(6.66))
    page.wait_for_timeout(300)
    expect(value).not_to_have_text("6.66")
    page.evaluate(hide % "false")
    expect(value).to_have_text("6.66")


def test_a_session_that_is_over_leads_to_the_sign_in(visit: Any) -> None:
    node = visit.node
    page = visit("/tags", user="operator")
    expect(page.locator("#link-state")).to_have_attribute("data-state", "live")
    accounts = node._node.parts.accounts
    node.run(accounts.set_disabled("operator", True, by="test"))
    try:
        expect(page.locator("#user")).to_be_visible()
        assert "next=%2Ftags" in page.url
    finally:
        node.run(accounts.set_disabled("operator", False, by="test"))
    visit.faults = [fault for fault in visit.faults if "401" not in fault and "WebSocket" not in fault]

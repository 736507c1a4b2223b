"""Alarms in the browser: banner, sound, table by keys, acknowledging with a note, history."""

from __future__ import annotations

import re
from typing import Any

import pytest

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
pytestmark = pytest.mark.browser

LEVEL = "river/plc1/tank_level"
HI = f"{LEVEL}.hi"


def test_from_the_banner_to_history_by_keys_alone(visit: Any) -> None:
    visit.node.set(LEVEL, 2.0)
    page = visit("/alarms", lang="en")
    expect(page.locator("#alarm-sound")).to_have_text("Arm sound (off)")
    page.locator("#alarm-sound").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#alarm-sound")).to_have_text("Sound armed")
    visit.node.set(LEVEL, 3.8)
    banner = page.locator("#alarm-banner")
    expect(banner).to_contain_text(HI)
    expect(banner.locator(".alarm-unarmed")).to_have_count(0)
    row = page.locator(f"tr[data-alarm='{HI}']")
    expect(row).to_contain_text("Unacknowledged")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#alarm-detail .alarm-response")).not_to_be_empty()
    expect(page.locator("#alarm-detail h2")).to_contain_text(HI)
    expect(page.locator("#alarm-detail canvas")).to_be_visible()
    page.keyboard.press("a")
    page.keyboard.type("<b>seen</b> it")
    page.keyboard.press("Enter")
    expect(row).to_contain_text("Acknowledged")
    expect(page.locator("#alarm-detail")).to_contain_text("admin “<b>seen</b> it”")
    expect(banner).to_be_hidden()
    visit.node.set(LEVEL, 2.0)
    expect(row).to_have_count(0)
    view = page.locator("#alarm-view")
    view.focus()
    page.keyboard.press("End")
    expect(view).to_have_value("figures")
    view.focus()
    page.keyboard.press("ArrowUp")
    expect(view).to_have_value("history")
    journal = page.locator("#alarm-table tbody")
    expect(journal).to_have_count(1)
    expect(journal).to_contain_text("<b>seen</b> it")
    expect(journal.locator("tr", has_text=HI).first).to_contain_text("Went")


def test_the_banner_is_on_every_page_and_says_that_nobody_would_hear_it(visit: Any) -> None:
    visit.node.set(LEVEL, 5.5)
    page = visit("/tags", lang="es")
    banner = page.locator("#alarm-banner")
    expect(banner).to_contain_text("Sin reconocer")
    expect(banner.locator(".alarm-unarmed")).to_have_text("Sonido apagado")
    expect(banner.locator(".priority")).to_have_text(re.compile("[1-4]"))
    banner.locator("a").click()
    expect(page.locator("#alarm-detail h2")).to_contain_text(LEVEL)
    expect(page.locator("#alarm-detail .alarm-response")).to_be_visible()


def test_several_are_shelved_at_once_and_taken_back(visit: Any) -> None:
    visit.node.set(LEVEL, 5.5)
    page = visit("/alarms", lang="fr")
    page.fill("#alarm-filter", "tank_level")
    rows = page.locator("#alarm-table tbody tr")
    expect(rows).to_have_count(2)
    rows.nth(0).locator("input").click()
    rows.nth(1).locator("input").click(modifiers=["Shift"])
    page.locator("[data-act=shelve]").click()
    page.click("#alarm-act-send")
    expect(page.locator("dialog")).to_be_visible()
    page.fill("#alarm-act-note", "travaux")
    page.select_option("#alarm-act-time", "900")
    page.click("#alarm-act-send")
    expect(rows).to_have_count(0)
    page.select_option("#alarm-view", "hidden")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("Mise de côté")
    page.keyboard.press("Tab")
    page.locator("thead input").click()
    page.locator("[data-act=unshelve]").click()
    page.click("#alarm-act-send")
    expect(rows).to_have_count(0)


def test_a_viewer_sees_them_and_has_no_button(visit: Any) -> None:
    page = visit("/alarms", user="viewer")
    page.select_option("#alarm-view", "all")
    expect(page.locator("#alarm-table tbody tr").first).to_be_visible()
    expect(page.locator("#alarm-acts button")).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark", "night"])
def test_only_what_waits_has_colour(visit: Any, theme: str) -> None:
    visit.node.set(LEVEL, 5.5)
    page = visit("/alarms", theme=theme)
    page.select_option("#alarm-view", "all")
    calm = page.locator("#alarm-table tr.is-calm .priority").first
    waits = page.locator("#alarm-table tr.alarm-waits .priority").first
    background = "e => getComputedStyle(e).backgroundColor"
    assert calm.evaluate(background) == "rgba(0, 0, 0, 0)"
    assert waits.evaluate(background) != "rgba(0, 0, 0, 0)"


def test_figures(visit: Any) -> None:
    visit.node.set(LEVEL, 3.8)
    page = visit("/alarms", lang="en")
    expect(page.locator(f"tr[data-alarm='{HI}']")).to_be_visible()
    page.select_option("#alarm-view", "figures")
    expect(page.locator("#alarm-table")).to_contain_text("Per operator and 10 minutes")
    page.select_option("#alarm-from", "now-1h")
    expect(page.locator("#alarm-table")).to_contain_text("Most frequent")
    page.select_option("#alarm-view", "open")
    expect(page.locator("#alarm-time")).to_be_hidden()

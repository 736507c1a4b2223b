"""Every page in every language; the ways in; keys."""

from __future__ import annotations

import re
from typing import Any

import pytest

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
pytestmark = pytest.mark.browser

HEADINGS = {
    "/tags": {"en": "Tags", "es": "Variables", "fr": "Variables"},
    "/trend": {"en": "Trend", "es": "Tendencia", "fr": "Tendance"},
    "/devices": {"en": "Devices", "es": "Equipos", "fr": "Équipements"},
    "/system": {"en": "System", "es": "Sistema", "fr": "Système"},
    "/help": {"en": "Help", "es": "Ayuda", "fr": "Aide"},
    "/commands": {"en": "Waiting commands", "es": "Órdenes en espera", "fr": "Commandes en attente"},
    "/": {
        "en": "Waterworks: from the river to the town",
        "es": "Agua potable: del río a la ciudad",
        "fr": "Eau potable : de la rivière à la ville",
    },
}


@pytest.mark.parametrize("lang", ["en", "es", "fr"])
def test_every_page_speaks_every_language(visit: Any, lang: str) -> None:
    page = visit("/help", lang=lang)
    for path, words in HEADINGS.items():
        page.goto(visit.node.ready.url + path)
        expect(page.locator("h1")).to_have_text(words[lang])
        expect(page.locator("#link-state")).to_have_attribute("data-state", "live")
        assert page.locator("html").get_attribute("lang") == lang
        assert (
            re.findall(
                r"\b(?:nav|tags|trend|device|tag|quality|mimic|help|link|system)\.[a-z_]+", page.inner_text("body")
            )
            == []
        )


def test_sign_in_with_a_password_leads_to_the_page_that_was_asked_for(visit: Any) -> None:
    page = visit("/tags?q=chlor", user=None)
    page.fill("#user", "operator")
    page.fill("#password", "wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#sign-in-error")).to_have_text("User or password is wrong.")
    visit.forgive("status of 401")
    page.fill("#user", "operator")
    page.fill("#password", "correct horse battery staple")
    page.keyboard.press("Enter")
    expect(page).to_have_url(visit.node.ready.url + "/tags?q=chlor")
    page.click(".header .menu summary")
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("#user")).to_be_focused()


def test_language_and_theme_are_kept(visit: Any) -> None:
    page = visit("/help")
    page.click(".header .menu summary")
    page.click("[data-set-theme=dark]")
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.select_option("#language", "fr")
    expect(page.locator("h1")).to_have_text("Aide")
    expect(page.locator("html")).to_have_attribute("data-link", "live")
    page.keyboard.press("n")
    assert page.locator("html").get_attribute("data-theme") == "night"
    page.keyboard.press("n")
    assert page.locator("html").get_attribute("data-theme") == "dark"


def test_keys_go_places_but_not_while_typing(visit: Any) -> None:
    page = visit("/help")
    for keys, path in (("gt", "/tags"), ("gr", "/trend"), ("gd", "/devices"), ("gm", "/mimic"), ("?", "/help")):
        for key in keys:
            page.keyboard.press(key)
        expect(page).to_have_url(re.compile(re.escape(visit.node.ready.url + path) + r"(\?.*)?$"))
        expect(page.locator("#link-state")).to_have_attribute("data-state", "live")
    page.keyboard.press("/")
    page.keyboard.type("gt tank_lev")
    expect(page.locator(".palette-item")).to_have_count(0)
    page.keyboard.press("Control+a")
    page.keyboard.type("tank_lev")
    page.keyboard.press("Enter")
    expect(page.locator("#faceplate-title")).to_have_text("tank_level")
    page.keyboard.press("Escape")
    expect(page.locator("#faceplate")).to_be_hidden()


def test_the_tag_browser_searches_filters_and_sorts(visit: Any) -> None:
    visit.node.set("town/plc2/demand_flow", 432.1)
    visit.node.set("town/plc2/plc_time", 1_795_000_000_000)
    page = visit("/tags?below=town/plc2")
    rows = page.locator("tr[data-tag]")
    expect(rows.first).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("demand_flow")
    expect(rows).to_have_count(1)
    expect(rows.locator("sr-value")).to_have_text("432.1m³/h")
    expect(rows.locator(".quality")).to_have_text("Good")
    expect(rows.locator(".col-age")).to_have_text(re.compile(r"^0\.\d s$"))
    assert "q=demand_flow" in page.url
    page.fill("#tag-search", "")
    visit.node.unit("town/plc2").quality["air_temperature"] = 0x808C
    page.select_option("#tag-quality", "bad")
    expect(rows).to_have_count(1)
    expect(rows.locator(".quality")).to_have_text("sensor failure")
    del visit.node.unit("town/plc2").quality["air_temperature"]
    expect(rows).to_have_count(0)
    page.select_option("#tag-quality", "")
    page.click(".col-value .sort")
    page.click(".col-value .sort")
    expect(page.locator(".col-value[aria-sort=descending]")).to_be_visible()
    expect(rows.first).to_have_attribute("data-tag", "town/plc2/plc_time")


def test_middle_click_copies_the_path(visit: Any) -> None:
    page = visit("/tags?q=river/plc1/ph", permissions=["clipboard-read", "clipboard-write"])
    page.locator("tr[data-tag='river/plc1/ph']").click(button="middle")
    expect(page.locator(".toast")).to_have_text("Copied: river/plc1/ph")
    assert page.evaluate("navigator.clipboard.readText()") == "river/plc1/ph"


def test_devices_and_the_trace_of_a_link(visit: Any) -> None:
    page = visit("/devices")
    card = page.locator("[data-device='town/plc2']")
    expect(card).to_contain_text("Link: up")
    expect(card.locator("tbody tr")).to_have_count(2)
    card.get_by_role("link").click()
    expect(page.locator("#device-facts")).to_contain_text("memory")
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#trace tbody tr").nth(3)).to_contain_text("scan")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("[data-trace=note]")).to_have_text("Stopped")


def test_a_page_that_does_not_exist_says_so(visit: Any) -> None:
    page = visit("/devices/nowhere/plc9", live=False)
    expect(page.locator("h1")).to_have_text("Not Found")
    expect(page.locator("main")).to_contain_text("nowhere/plc9")
    visit.forgive("status of 404")

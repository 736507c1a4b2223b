"""Substituted values and maintenance in the browser."""

from __future__ import annotations

import re
from typing import Any

import pytest

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
pytestmark = pytest.mark.browser

LEVEL, CHLORINE = "river/plc1/tank_level", "river/plc1/chlorine_setpoint"


def faceplate_of(visit: Any, tag: str, **options: Any) -> Any:
    page = visit(f"/tags?q={tag}", **options)
    page.locator(f"tr[data-tag='{tag}'] .tag-name").click()
    return page


def test_a_value_is_substituted_marked_and_ended(visit: Any) -> None:
    visit.node.set(LEVEL, 2.0)
    page = faceplate_of(visit, LEVEL)
    page.locator("[data-override=begin]").click()
    page.fill("#override-value", "3.25")
    page.click("#override-send")
    expect(page.locator("dialog")).to_be_visible()
    page.fill("#override-reason", "<b>probe</b> out")
    page.click("#override-send")
    expect(page.locator("dialog")).to_have_count(0)
    expect(page.locator(".faceplate-override")).to_contain_text("<b>probe</b> out (admin")
    expect(page.locator(".faceplate-override")).to_contain_text(re.compile(r"The device says 2\.0+ m"))
    shown = page.locator(".faceplate-value")
    expect(shown).to_contain_text("3.25")
    expect(shown.locator(".value-mark")).to_have_text(re.compile("^S"))
    expect(shown.locator(".value-mark")).to_be_visible()
    page = visit("/overrides")
    expect(page.locator("#substitutions")).to_contain_text(LEVEL)
    expect(page.locator("#substitutions sr-value .value-mark")).to_have_text(re.compile("^S"))
    page.locator(f"[data-end='{LEVEL}']").click()
    expect(page.locator("#substitutions")).to_have_text("None.")


def test_an_operator_sees_it_and_has_no_button(visit: Any) -> None:
    page = faceplate_of(visit, LEVEL, user="operator")
    expect(page.locator(".faceplate-value")).to_be_visible()
    expect(page.locator(".faceplate-override button")).to_have_count(0)


def test_a_device_is_tagged_out_and_taken_back(visit: Any) -> None:
    page = visit("/devices/river/plc1", lang="fr")
    page.locator("[data-maintenance=out]").click()
    page.fill("#override-reason", "joints")
    page.click("#override-send")
    expect(page.locator("#device-maintenance")).to_contain_text("joints (admin, jusqu'à la fin à la main)")
    expect(page.locator("#device-state")).to_contain_text("En maintenance")
    page = faceplate_of(visit, CHLORINE, lang="en")
    expect(page.locator(".faceplate-override")).to_contain_text("takes no commands")
    page = visit("/devices/river/plc1", lang="fr")
    page.locator("[data-maintenance=in]").click()
    expect(page.locator("[data-maintenance=out]")).to_be_visible()


def test_guards_are_shown_with_what_they_did(visit: Any) -> None:
    page = visit("/overrides", lang="es")
    expect(page.locator("#guards")).to_have_text("Ninguno.")
    guard = {"name": "close_intake", "when": "river/plc1/turbidity > 5 & <i>", "target": CHLORINE, "value": 0,
             "state": "fired", "acted": 1, "last": "2026-11-20T10:00:00.000000Z", "outcome": "done"}  # fmt: skip
    page.route("**/api/v1/guards", lambda route: route.fulfill(json={"guards": [guard]}))
    row = page.locator("#guards tr")
    expect(row).to_contain_text("close_intake")
    expect(row).to_contain_text("river/plc1/turbidity > 5 & <i>")
    expect(row.locator(".chip")).to_have_text("ha actuado")
    expect(row).to_contain_text("done")

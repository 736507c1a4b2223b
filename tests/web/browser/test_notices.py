"""Notices and the logbook in the browser: from the message by its link to the record, and the shift handed over."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.web.browser.conftest import WATERWORKS, RunningNode

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
pytestmark = pytest.mark.browser

LEVEL = "river/plc1/tank_level"
HI = f"{LEVEL}.hi"
NOTICES = """
[notices.way.pager]
kind = "command"
command = ["{python}", "-c", "import sys; open('told', 'a').write(sys.stdin.read() + chr(10))"]
[notices.person.operator]
pager = "17"
[notices.person.engineer]
pager = "18"
[notices.roster.operators]
shift = [{{ people = "operator" }}]
[[notices.pipeline]]
name = "level"
alarms = "{alarm}"
step = {{ to = "operators", by = "pager" }}
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    """The waterworks, with somebody to tell."""
    folder = tmp_path_factory.mktemp("node")
    shutil.copytree(WATERWORKS.parent, folder / "plant")
    path = folder / "plant" / WATERWORKS.name
    text = path.read_text(encoding="utf-8") + NOTICES.format(python=sys.executable, alarm=HI)
    path.write_text(text, encoding="utf-8")
    with RunningNode(folder / "data", path) as running:
        yield running


def told(node: RunningNode, page: Any) -> dict[str, Any]:
    """The first message that the pager got."""
    file = node.plant.parent / "told"
    for _ in range(1200):
        if file.exists() and file.read_text().endswith("\n"):
            found: dict[str, Any] = json.loads(file.read_text().splitlines()[0])
            return found
        page.wait_for_timeout(50)
    pytest.fail("nobody was told")


def test_from_the_message_to_the_record(visit: Any) -> None:
    visit.node.set(LEVEL, 2.0)
    page = visit("/notices")
    expect(page.locator("#duty")).to_contain_text("operator")
    expect(page.locator("#ways")).to_contain_text("works")
    visit.node.set(LEVEL, 3.8)
    message = told(visit.node, page)
    assert (message["person"], message["address"], message["alarms"][0]["alarm"]) == ("operator", "17", HI)
    expect(page.locator("#sent")).to_contain_text("operator pager")
    link = message["link"].removeprefix(visit.node.ready.url)
    phone = visit(link, user=None, lang="es", viewport={"width": 390, "height": 800})
    expect(phone.locator("#linked")).to_contain_text(HI)
    expect(phone.locator("main")).to_contain_text("¿Reconocer estas alarmas como operator?")
    phone.fill("#note", "<b>voy</b>")
    phone.click("#acknowledge")
    expect(phone.locator("#said")).to_contain_text("Hecho")
    expect(phone.locator("#acknowledge")).to_have_count(0)
    expect(page.locator("#sent")).to_contain_text("acknowledged by its link")
    page.locator("[data-test='pager engineer']").click()
    expect(page.locator("#toasts")).to_contain_text("ended well")
    page = visit(f"/alarms?show={HI}")
    expect(page.locator("#alarm-detail")).to_contain_text("operator “<b>voy</b>”")
    notes = page.locator("#alarm-detail .notes")
    notes.locator("summary").click()
    notes.locator("input").fill("float <i>sticks</i>")
    notes.locator("button").click()
    expect(notes.locator("li")).to_contain_text("float <i>sticks</i>")
    visit.node.set(LEVEL, 2.0)


def test_a_shift_is_written_down_and_handed_over(visit: Any) -> None:
    page = visit("/logbook", user="operator", lang="fr")
    page.fill("#log-text", "pompe 2 <u>bruyante</u>")
    page.click("#log-add")
    entry = page.locator(".log-entry", has_text="pompe 2 <u>bruyante</u>").first
    expect(entry).to_contain_text("operator")
    entry.locator("[data-correct]").click()
    expect(page.locator("#log-label")).to_contain_text("Correction de l'entrée")
    page.fill("#log-text", "pompe 3")
    page.click("#log-add")
    expect(page.locator(".log-entry").first).to_contain_text("correction")
    page.fill("#log-text", "nuit calme")
    page.click("#log-hand-over")
    expect(page.locator(".log-entry").first).to_contain_text("passation")
    other = visit("/logbook", user="engineer")
    other.locator("[data-take]").first.click()
    expect(other.locator(".log-entry").first).to_contain_text("take-over")
    expect(other.locator("[data-take]")).to_have_count(0)
    other.fill("#log-search", "pompe")
    expect(other.locator(".log-entry")).to_have_count(2)
    viewer = visit("/logbook", user="viewer")
    expect(viewer.locator(".log-entry").first).to_be_visible()
    expect(viewer.locator("#log-form")).to_be_hidden()
    plate = visit(f"/tags?q={LEVEL}", user="viewer")
    plate.locator(f"tr[data-tag='{LEVEL}'] .tag-name").click()
    expect(plate.locator("#faceplate .notes summary")).to_contain_text("Notes (0)")

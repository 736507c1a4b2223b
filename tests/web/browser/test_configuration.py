"""The page of the configuration: what the plant file would change, applied with a question, and rolled back."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.web.browser.test_written_device import PLANT, WrittenNode

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WrittenNode]:
    path = list(sys.path)
    with WrittenNode(tmp_path_factory.mktemp("node")) as running:
        yield running
    sys.path[:] = path
    sys.modules.pop("page_supplies", None)


def test_a_changed_plant_file_is_looked_at_applied_and_rolled_back(visit: Any) -> None:
    page = visit("/configuration")
    expect(page.locator("#configuration-running")).to_contain_text("1 devices, 3 tags")
    file = visit.node.folder / "plant.toml"
    file.write_text(PLANT + 'description = "<b>the red one</b>"\n[[device.tag]]\nname = "voltage"\nhigh = 20\n')
    page.click("#configuration-look")
    expect(page.locator("#configuration-changes")).to_contain_text("lab/ps_1/voltage")
    expect(page.locator("#configuration-changes")).to_contain_text("high: 30 → 20")
    expect(page.locator("#configuration-changes")).to_contain_text("<b>the red one</b>")
    page.click("#configuration-apply")
    expect(page.locator("dialog")).to_contain_text("These devices are interrupted: lab/ps_1")
    page.click("#configuration-send")
    expect(page.locator("#configuration-note")).to_have_text("Applied.")
    expect(page.locator("#configuration-kept")).to_contain_text("configurations")
    page.click("#configuration-look-back")
    expect(page.locator("#configuration-changes")).to_contain_text("high: 20 → 30")
    page.click("#configuration-apply")
    page.click("#configuration-send")
    expect(page.locator("#configuration-running")).to_contain_text("Rolled back")
    file.write_text(PLANT.replace("class =", "clas ="))
    page.click("#configuration-look")
    expect(page.locator("#configuration-changes")).to_contain_text("unknown key 'clas' in device 'lab/ps_1'")


def test_what_an_apply_removes_does_not_freeze_the_rest(visit: Any) -> None:
    file, url, own = visit.node.folder / "plant.toml", visit.node.ready.url, {"origin": visit.node.ready.url}
    both = PLANT + PLANT.replace("ps_1", "ps_2")

    def apply(text: str) -> None:
        file.write_text(text)
        plan = page.request.post(f"{url}/api/v1/configuration/plan", data={}, headers=own).json()
        token = {"token": plan["token"]}
        done = page.request.post(f"{url}/api/v1/configuration/apply", data=token, headers=own)
        assert done.ok, done.text()

    page = visit("/help")
    apply(both)
    page.goto(f"{url}/trend?tag=lab/ps_1/voltage&tag=lab/ps_2/voltage")
    pens = page.locator(".legend tbody tr")
    expect(pens.nth(1).locator(".legend-value")).to_have_text("0.0 V")
    table = visit("/tags?below=lab")
    value = table.locator("tr[data-tag='lab/ps_1/voltage'] sr-value")
    expect(value).to_contain_text("0.0")
    apply(PLANT)
    expect(pens.nth(1).locator(".legend-value")).not_to_contain_text("V")
    written = page.request.put(f"{url}/api/v1/values/lab/ps_1/voltage", data={"value": 12.5}, headers=own)
    assert written.ok, written.text()
    expect(pens.nth(0).locator(".legend-value")).to_have_text("12.5 V")
    expect(value).to_contain_text("12.5")
    visit.forgive("status of 404")  # history and values of what is gone

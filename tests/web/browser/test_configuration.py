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
    expect(page.locator("#configuration-changes")).to_contain_text("'lab/ps_1' has no 'driver'")

"""A device written in Python has its faceplate like any other; a plant without a drawing has an overview."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from sereno.app.datafolder import DataFolder
from sereno.app.node import Node
from sereno.app.plant.load import load_plant
from sereno.app.welcome import Ready
from sereno.device import Environment
from tests.web.browser.conftest import RunningNode

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
pytestmark = pytest.mark.browser

MODULE = """
from enum import Enum
from sereno import Device, tag

class Mode(Enum):
    IDLE = 0
    ON = 1

class PowerSupply(Device):
    voltage: float = tag(unit="V", low=0, high=30, write=True, decimals=1, description="What it gives")
    mode: Mode = tag(write=True)

    @tag(unit="A", period="100ms", decimals=2)
    async def current(self) -> float:
        return self.voltage / 10
"""
PLANT = '[[device]]\nname = "lab/ps_1"\nclass = "page_supplies:PowerSupply"\n'


class WrittenNode(RunningNode):
    """A node whose only device is written in Python."""

    async def _start(self) -> Ready:
        (self.folder / "page_supplies.py").write_text(MODULE)
        (self.folder / "plant.toml").write_text(PLANT)
        plant = load_plant(self.folder / "plant.toml")
        self._node = Node(plant, DataFolder(self.folder / "data"), Environment())
        return await self._node.start("127.0.0.1", 0)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    path = list(sys.path)
    with WrittenNode(tmp_path_factory.mktemp("node")) as running:
        yield running
    sys.path[:] = path
    sys.modules.pop("page_supplies", None)


def test_its_tags_have_faceplates_and_are_set_from_there(visit: Any) -> None:
    page = visit("/tags?q=lab/ps_1")
    expect(page.locator("tr[data-tag='lab/ps_1/current']")).to_contain_text("0.00")
    page.locator("tr[data-tag='lab/ps_1/voltage'] .tag-name").click()
    expect(page.locator("#faceplate")).to_contain_text("What it gives")
    expect(page.locator(".faceplate-value")).to_contain_text("0.0")
    page.fill("#editor", "12.5")
    page.press("#editor", "Enter")
    page.click("#confirm-send")
    expect(page.locator(".ack[data-state=done]")).to_contain_text("12.5")
    expect(page.locator(".faceplate-value")).to_contain_text("12.5")
    expect(page.locator("tr[data-tag='lab/ps_1/current']")).to_contain_text("1.25")


def test_a_plant_without_a_drawing_begins_with_an_overview(visit: Any) -> None:
    page = visit("/", lang="en")
    expect(page.locator(".nav-link[aria-current=page]")).to_have_text("Overview")
    card = page.locator("#overview .card")
    expect(card).to_have_count(1)
    expect(card.locator("h2")).to_have_text("lab/ps_1")
    expect(card.locator("canvas")).to_be_visible()
    expect(card.locator("tr", has_text="current").locator("sr-value")).to_contain_text("A")
    expect(page.locator(".clock-time")).to_have_count(1)
    card.get_by_role("button", name="What it gives").click()
    expect(page.locator("#faceplate-title")).to_have_text("voltage")

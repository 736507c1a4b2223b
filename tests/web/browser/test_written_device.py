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
from tests.web.browser.conftest import PASSWORD, RunningNode

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
pytestmark = pytest.mark.browser

MODULE = """
from enum import Enum
from sereno import Device, command, tag

class Mode(Enum):
    IDLE = 0
    ON = 1

class PowerSupply(Device):
    voltage: float = tag(unit="V", low=0, high=30, write=True, decimals=1, description="What it gives")
    mode: Mode = tag(write=True)

    @tag(unit="A", period="100ms", decimals=2)
    async def current(self) -> float:
        return self.voltage / 10

    @command
    async def ramp(self, to: float) -> None:
        self.voltage = to
"""
PLANT = """[[device]]
name = "lab/ps_1"
class = "page_supplies:PowerSupply"
commands = { ramp = { approval = true } }
"""


class WrittenNode(RunningNode):
    """A node whose only device is written in Python."""

    async def _start(self) -> Ready:
        (self.folder / "page_supplies.py").write_text(MODULE)
        (self.folder / "plant.toml").write_text(PLANT)
        plant = load_plant(self.folder / "plant.toml")
        self._node = Node(plant, DataFolder(self.folder / "data"), Environment())
        ready = await self._node.start("127.0.0.1", 0)
        await self.accounts.add_user("emil", PASSWORD, ["engineer"], by="test")
        return ready


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
    expect(card.locator("tr", has_text="What it gives").locator("th button")).to_have_text("voltage")
    card.get_by_role("button", name="voltage").click()
    expect(page.locator("#faceplate-title")).to_have_text("voltage")


def test_a_marked_command_is_approved_on_the_page_of_commands(visit: Any) -> None:
    page = visit("/commands")
    asked = visit("/help", user="emil")
    call = {"target": "lab/ps_1", "verb": "call", "name": "ramp", "arguments": [7.5]}
    answer = asked.context.request.post(
        f"{visit.node.ready.url}/api/v1/commands", data=call, headers={"origin": visit.node.ready.url}
    )
    assert (answer.status, answer.json()["state"]) == (202, "selected"), answer.text()
    card = page.locator(".card.waiting")
    expect(card).to_contain_text("ramp(7.5)")
    expect(card).to_contain_text("lab/ps_1")
    card.locator("[data-say=approve]").click()
    expect(page.locator("dialog")).to_contain_text("ramp(7.5)")
    page.click("#say-send")
    expect(page.locator(".card.waiting")).to_have_count(0)
    page.goto(visit.node.ready.url + "/tags?q=lab/ps_1")
    expect(page.locator("tr[data-tag='lab/ps_1/voltage']")).to_contain_text("7.5")

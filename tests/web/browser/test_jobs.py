"""The page of jobs: run, pause, see step by step what came of it, and who of the fleet said what."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.web.browser.conftest import RunningNode
from tests.web.browser.visiting import live_value, wait_for

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
pytestmark = pytest.mark.browser

PLANT = """
[plant]
name = "Fleet"

[[device]]
name = "fleet/gateways"
driver = "http"
url = "http://127.0.0.1:1/inventory"
scan = "100ms"
tag = [
  { name = "marbles", get = "/m", reduce = "sum" },
  { name = "who", get = "/m", reduce = "table" },
  { name = "told", get = "/t", reduce = "same", write = "/t", total = "marbles" },
]

[[job]]
name = "watch"
description = "Asks the fleet"
writes = ["fleet/gateways/told"]
table = [{ members = "fleet/gateways/who", total = "fleet/gateways/marbles", title = "Marbles" }]
[[job.step]]
do = "read"
text = "Ask everybody"
tags = ["fleet/gateways/who"]
[[job.step]]
do = "write_back"
from = "fleet/gateways/marbles"
to = "fleet/gateways/told"

[[job]]
name = "slow"
[[job.step]]
do = "wait"
for = "1h"
"""
WHO = "fleet/gateways/who"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    """A fleet in memory and two jobs."""
    folder = tmp_path_factory.mktemp("node")
    path = folder / "plant.toml"
    path.write_text(PLANT, encoding="utf-8")
    with RunningNode(folder / "data", path) as running:
        running.set("fleet/gateways/marbles", 7)
        running.set(WHO, json.dumps({"gw01": 3, "gw02": 4}))
        yield running


def test_a_job_is_run_and_tells_what_came_of_it(visit: Any) -> None:
    page = visit("/jobs#watch", user="operator")
    expect(page.locator("h1")).to_have_text("Jobs")
    expect(page.locator("#job-run")).to_contain_text("Has not run yet")
    page.click("[data-act=run]")
    rows = page.locator("#job-run tbody tr")
    expect(rows.nth(1)).to_contain_text("7 of fleet/gateways/marbles, sweep at")
    expect(rows.nth(0)).to_contain_text("1. Ask everybody")
    expect(page.locator("#job-run")).to_contain_text("asked for by operator")
    assert visit.node.get("fleet/gateways/told") == 7
    expect(page.locator(".job-all")).to_contain_text("7")
    expect(page.locator("[data-member=gw02]")).to_contain_text("4")
    expect(page.locator("#job-table-note")).to_contain_text("all 2 have answered")

    visit.node.set(WHO, json.dumps({"gw01": 3, "gw02": None}))
    wait_for(page, lambda: '"gw02": null' in live_value(page, WHO))
    page.click("[data-act=run]")
    expect(page.locator("#job-history tr")).to_have_count(1)
    expect(page.locator("#job-table-note")).to_contain_text("incomplete: gw02")
    expect(page.locator("[data-member=gw02]")).to_contain_text("no answer")
    expect(page.locator("#jobs tbody tr")).to_have_count(2)


def test_one_that_runs_can_be_stopped_and_paused_in_any_language(visit: Any) -> None:
    page = visit("/jobs", user="operator", lang="fr")
    page.click("[data-job=slow]")
    page.click("[data-act=run]")
    expect(page.locator("#job-state")).to_have_text("en cours (1 sur 1)")
    page.click("[data-act=stop]")
    expect(page.locator("#job-run")).to_contain_text("arrêté")
    page.click("[data-act=pause]")
    expect(page.locator("#job-state")).to_have_text("en pause")
    page.click("[data-act=resume]")
    expect(page.locator("#job-state")).to_have_text("en attente")


def test_who_may_only_look_has_no_buttons(visit: Any) -> None:
    page = visit("/jobs#watch", user="viewer")
    expect(page.locator("#job-name")).to_have_text("watch")
    expect(page.locator("#job-acts button")).to_have_count(0)

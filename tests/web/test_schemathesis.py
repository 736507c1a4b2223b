"""A real node keeps to its OpenAPI document: no 500, no status and no shape but those that it names."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from sereno.app.datafolder import DataFolder
from sereno.app.node import Node
from sereno.app.plant.load import load_plant
from sereno.device import Environment

schemathesis = pytest.importorskip("schemathesis", reason="no package schemathesis (./dev setup --peers)")
checks = pytest.importorskip("schemathesis.checks")
FailureGroup = pytest.importorskip("schemathesis.core.failures").FailureGroup

BOUNDED = settings(
    max_examples=5,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
ENDLESS = {"/api/v1/stream", "/api/v1/devices/{path}/trace"}
CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")
PLANT = """
[[device]]
name = "north/plc1"
driver = "modbus"
url = "tcp://127.0.0.1:1"

[[device.tag]]
name = "level"
address = "holding:0"
type = "float32"
unit = "m"

[[device.tag]]
name = "setpoint"
address = "holding:2"
type = "uint16"
access = "read_write"
"""


class _Running:
    """A node in a thread of its own."""

    def __init__(self, folder: Path) -> None:
        (folder / "plant.toml").write_text(PLANT, encoding="utf-8")
        self._node = Node(load_plant(folder / "plant.toml"), DataFolder(folder / "data"), Environment())
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="node")

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=60)

    def start(self) -> Any:
        self._thread.start()
        return self.run(self._node.start("127.0.0.1", 0))

    def stop(self) -> None:
        self.run(self._node.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The document of a running node, and the way in as its administrator."""
    node = _Running(tmp_path_factory.mktemp("node"))
    ready = node.start()
    headers = {"Authorization": f"Bearer {ready.token}"}
    schema = schemathesis.openapi.from_url(f"{ready.url}/api/v1/openapi.json", headers=headers)
    schema.config.update(base_url=ready.url)
    yield schema.exclude(path=sorted(ENDLESS)), headers
    node.stop()


@pytest.fixture(autouse=True)
def _leaves_nothing_behind() -> None:
    """Not per test: the node serves all of them; `api` stops it."""


def test_answers_are_as_documented(api: Any) -> None:
    """Every operation is asked with generated parameters and bodies, right ones and wrong ones."""
    wanted = [checks.CHECKS.get_one(name) for name in CHECKS]
    wrong: list[str] = []
    asked = 0
    schema, headers = api
    for found in schema.get_all_operations():
        operation = found.ok()

        @BOUNDED
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            nonlocal asked
            asked += 1
            case.call_and_validate(headers=headers, checks=wanted)

        try:
            ask()
        except (Exception, FailureGroup) as error:
            wrong.append(f"{operation.label}: {error}")
    assert wrong == [], "\n\n".join(wrong)
    assert asked > 100

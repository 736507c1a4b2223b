"""A whole node over devices in memory, and a real browser in front of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from sereno.access.accounts import Accounts
from sereno.app.datafolder import DataFolder
from sereno.app.node import Node
from sereno.app.plant.devices import PlantDevice, PlantTag
from sereno.app.plant.load import Plant, load_plant
from sereno.app.welcome import Ready
from sereno.device import DriverTag, Environment
from sereno.model import TagSpec, ValueType
from sereno.testing import MemoryConfig, MemoryPlant, MemoryTagConfig, MemoryUnit, MemoryWire, open_sockets
from tests.web.browser.visiting import PATIENCE, Desks, Visitor

WATERWORKS = Path(__file__).parents[3] / "src/sereno/app/templates/plant/plant.toml"
PASSWORD = "correct horse battery staple"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--renderer-process-limit=1",
    # The address line's menus are pages too, in processes of their own beside each page of a test. The last such list
    # counts, so that what Playwright switches off stands here as well.
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup,AvoidUnnecessaryBeforeUnloadCheckSync,"
    "DestroyProfileOnBrowserClose,HttpsUpgrades,LensOverlay,MediaRouter,NetworkTimeServiceQuerying,OptimizationHints,"
    "PaintHolding,PreconnectToSearch,ThirdPartyStoragePartitioning",
)
T = TypeVar("T")


def start_value(spec: TagSpec) -> Any:
    """A value in the middle of a tag's range and inside its limits."""
    if spec.type is ValueType.STRING:
        return "summer"
    if spec.shape:
        return [1.0] * spec.shape[0]
    if spec.name.endswith("_auto"):
        return 1
    limits = spec.limits
    low = limits.lo if limits and limits.lo is not None else spec.low
    high = limits.hi if limits and limits.hi is not None else spec.high
    if spec.type in (ValueType.BOOL, ValueType.ENUM) or low is None or high is None:
        return 0
    return (low + high) / 2


def in_memory(plant: Plant, memory: MemoryPlant) -> Plant:
    """The same plant with devices that live in dictionaries, addressed by tag name, one wire each."""
    derived = plant.derived_devices
    return replace(plant, devices=tuple(d if d in derived else _device(d, memory) for d in plant.devices))


def _device(device: PlantDevice, memory: MemoryPlant) -> PlantDevice:
    url = f"memory://{device.table.name}"
    tags = tuple(PlantTag(_tag(tag), tag.group, tag.where) for tag in device.tags)
    memory.unit("1", url).values.update({tag.spec.name: start_value(tag.spec) for tag in tags})
    return replace(device, driver=memory.driver, config=MemoryConfig(url=url), tags=tags)


def _tag(tag: PlantTag) -> DriverTag:
    return DriverTag(tag.spec, MemoryTagConfig(address=tag.spec.name))


@dataclass
class RunningNode:
    """The waterworks with a node of its own in a thread; values are set where a PLC would hold them."""

    folder: Path
    plant: Path = WATERWORKS
    memory: MemoryPlant = field(default_factory=MemoryPlant)

    def __enter__(self) -> RunningNode:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="node")
        self._thread.start()
        try:
            self.ready: Ready = self.run(self._start())
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.run(self._node.stop())
        finally:
            self._end()

    async def _start(self) -> Ready:
        plant = in_memory(load_plant(self.plant), self.memory)
        self._node = Node(plant, DataFolder(self.folder), Environment())
        ready = await self._node.start("127.0.0.1", 0)
        for role in ("viewer", "operator", "engineer"):
            await self._node.parts.accounts.add_user(role, PASSWORD, [role], by="test")
        return ready

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something in the node's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=60)

    def call(self, function: Callable[[], object]) -> None:
        """Call something in the node's loop."""
        self._loop.call_soon_threadsafe(function)

    @property
    def accounts(self) -> Accounts:
        """The people of the node, to be used in its loop."""
        return self._node.parts.accounts

    def link(self, user: str) -> str:
        """A one-time link that signs `user` in."""
        ticket = self.run(self._node.parts.accounts.sessions.ticket(user))
        return f"{self.ready.url}/sign-in/once?ticket={ticket}"

    def unit(self, device: str) -> MemoryUnit:
        """The device behind a path."""
        return self.memory.unit("1", f"memory://{device}")

    def wire(self, device: str) -> MemoryWire:
        """The wire of a device."""
        return self.memory.wire(f"memory://{device}")

    def set(self, path: str, value: Any) -> None:
        """Give a tag a value in its device; it reaches the page by the next scan."""
        device, _, name = path.rpartition("/")
        self.unit(device).values[name] = value

    def get(self, path: str) -> Any:
        """The value that the device holds."""
        device, _, name = path.rpartition("/")
        return self.unit(device).values[name]

    def freeze(self) -> threading.Event:
        """The node hangs until the event is set, or for a minute."""
        thaw = threading.Event()
        self.call(lambda: thaw.wait(60))
        return thaw


@pytest.fixture(autouse=True)
def _leaves_nothing_behind() -> None:
    """Not per test: the browser keeps connections to the node from one test to the next; `node` closes them."""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    """One node for the tests of a module."""
    before = open_sockets()
    with RunningNode(tmp_path_factory.mktemp("node")) as running:
        yield running
        served = open_sockets() - before
    assert open_sockets() & served == set()


@pytest.fixture(scope="module")
def browser(require_browser: Path) -> Iterator[Any]:
    """One browser for the tests of a module; kept longer, its loop would be in the way of every asynchronous test."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        playwright.expect.set_options(timeout=PATIENCE)
        browser = driver.chromium.launch(executable_path=str(require_browser), args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def desks(browser: Any) -> Iterator[Desks]:
    """The seats of a module's visits, which keep the files of the node from one test to the next."""
    desks = Desks(browser)
    yield desks
    for seat in desks.made:
        seat.context.close()


@pytest.fixture
def visit(desks: Desks, node: RunningNode) -> Iterator[Visitor]:
    """Call it with a path for a page; at the end there must be no console error, CSP violation or foreign request."""
    visitor = Visitor(node, desks)
    yield visitor
    visitor.leave()
    assert visitor.faults == []


@pytest.fixture
def module_of() -> Callable[..., Any]:
    """Call it with (page, module, body, argument): runs `body`; `m` is that script module, `x` the argument."""

    def run(page: Any, module: str, body: str, argument: Any = None) -> Any:
        script = f"""async (x) => {{
            const base = document.querySelector("script[type=module]").src.replace(/\\/js\\/.*/, "/js/");
            const m = await import(base + "{module}");
            {body}
        }}"""
        return page.evaluate(script, argument)

    return run

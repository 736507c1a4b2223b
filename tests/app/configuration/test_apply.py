"""A running node is given another plant file: what changes does, what does not is not touched."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sereno.app.cli import run_cli
from sereno.app.configuration.changeover import Changeover
from sereno.app.configuration.kept import KeptConfigurations
from sereno.app.datafolder import DataFolder
from sereno.app.node import Node
from sereno.app.plant.load import load_plant
from sereno.client import ChangePlan, RemoteClient, connect
from sereno.device import Environment
from sereno.drivers.modbus.driver import ModbusDriver
from sereno.model import AckState, DeniedError, OperationError, RefusedError, SerenoError
from sereno.sim.modbus_server import ModbusServer
from sereno.sim.registers import RegisterMemory
from sereno.store.audit import AuditLog, AuditQuery
from tests.app.configuration.plants import FUNCTIONS, PLANT, at


@dataclass
class Site:
    """Three devices behind servers of their own, and the node that reads them."""

    folder: Path
    servers: list[ModbusServer]
    node: Node
    client: RemoteClient
    text: str = ""

    def write(self, *changes: tuple[str, str]) -> None:
        """Edit the plant file, from how it was at the start."""
        text = self.text
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (self.folder / "plant.toml").write_text(text, encoding="utf-8")

    async def apply(self, *changes: tuple[str, str], **how: bool) -> ChangePlan:
        self.write(*changes)
        port = self.client.configuration
        plan = await port.plan(self.client.actor, **how)
        assert not plan.faults, plan.faults
        return await port.apply(self.client.actor, token=plan.token, **how)

    async def value(self, tag: str, wanted: Callable[[object], bool]) -> object:
        for _ in range(6000):
            reading = next((one for one in await self.client.read() if one.tag.path == tag), None)
            if reading is not None and not reading.reason and wanted(reading.value):
                return reading.value
            await asyncio.sleep(0.01)
        pytest.fail(f"never: {tag}")

    def connections(self) -> list[int]:
        return [server.counters["connections"] for server in self.servers]

    def put(self, number: int, register: int, words: list[int]) -> None:
        self.servers[number].units[1].write_words(register, struct.pack(f">{len(words)}H", *words))


@asynccontextmanager
async def site(folder: Path, text: str = PLANT) -> AsyncIterator[Site]:
    folder.mkdir(exist_ok=True)
    async with AsyncExitStack() as stack:
        servers = []
        for _ in range(3):
            server = ModbusServer({1: RegisterMemory(words=40, bits=8)})
            await server.start()
            stack.push_async_callback(server.close)
            servers.append(server)
        text = at(*(server.port for server in servers), text=text)
        (folder / "plant.toml").write_text(text, encoding="utf-8")
        (folder / "twice.py").write_text(FUNCTIONS, encoding="utf-8")
        node = Node(load_plant(folder / "plant.toml"), DataFolder(folder / "data"), Environment())
        await stack.enter_async_context(node)
        await node.start("127.0.0.1", 0)
        client = await stack.enter_async_context(connect(data=folder / "data"))
        made = Site(folder, servers, node, client, text)
        for tag in ("a/d1/x", "a/d2/y", "a/d3/z", "a/sum/s"):
            await made.value(tag, lambda _: True)
        yield made


async def test_limits_change_while_everything_goes_on(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        here.put(0, 0, [0x4250, 0])  # 52.0: above hi = 50
        await here.value("a/d1/x", lambda value: value == 52.0)
        status = {one.spec.id: one for one in await here.client.alarms()}
        assert status["a/d1/x.hi"].active
        before, devices = here.connections(), dict(here.node.parts.devices.handlers)
        done = await here.apply(("hi = 50", "hi = 60"))
        assert (done.applied, dict(done.interrupted)) == (True, {})
        assert not {one.spec.id: one for one in await here.client.alarms()}["a/d1/x.hi"].active
        assert here.connections() == before
        assert dict(here.node.parts.devices.handlers) == devices
        assert (await here.client.tags("a/d1/x"))[0].limits.hi == 60  # type: ignore[union-attr]
        again = await here.client.configuration.plan(here.client.actor)
        assert again.changes == ()


async def test_a_changed_device_starts_anew_and_the_others_miss_nothing(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        hub, parts = here.node.parts.hub, here.node.parts
        handle, others = hub.table.handle("a/d1/x"), (parts.devices.handlers["a/d2"], parts.devices.handlers["a/d3"])
        before = here.connections()
        subscription = await here.client.subscribe("a/d1/x", "a/sum/s")
        here.put(0, 20, [0x40E0, 0])  # 7.0
        done = await here.apply(("holding:0", "holding:20"))
        assert dict(done.interrupted) == {"a/d1": "it starts anew"}
        assert await here.value("a/d1/x", lambda value: value == 7.0)
        assert await here.value("a/sum/s", lambda value: value == 8.0)
        assert hub.table.handle("a/d1/x") == handle
        assert (parts.devices.handlers["a/d2"], parts.devices.handlers["a/d3"]) == others
        assert [now - then for now, then in zip(here.connections(), before, strict=True)] == [1, 0, 0]
        async for update in subscription:
            if 7.0 in update.values.tolist():
                break
        await subscription.close()
        (series,) = await here.client.query("a/d1/x")
        assert 7.0 in series.value


async def test_rolled_back_also_after_a_restart(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        await here.apply(("hi = 50", "hi = 60"))
        await here.node.stop()
        async with Node(load_plant(tmp_path / "plant.toml"), DataFolder(tmp_path / "data"), Environment()) as node:
            await node.start("127.0.0.1", 0)
            async with connect(data=tmp_path / "data") as client:
                port = client.configuration
                running = await port.running(client.actor)
                assert (running.number, [one.number for one in running.kept]) == (2, [1])
                plan = await port.plan(client.actor, back=True)
                assert [one.name for one in plan.changes] == ["a/d1/x", "a/d1/x.hi"]
                (tmp_path / "twice.py").unlink()
                await port.apply(client.actor, back=True, token=plan.token)
                (tmp_path / "twice.py").write_text(FUNCTIONS, encoding="utf-8")
                assert (await client.tags("a/d1/x"))[0].limits.hi == 50  # type: ignore[union-attr]
                assert (await port.running(client.actor)).back
                _, warned = await client.complaints()
                assert any("rolled back to configuration 1" in one for one in warned)
                forward = await port.plan(client.actor)
                assert [one.name for one in forward.changes] == ["a/d1/x", "a/d1/x.hi"]


async def test_devices_come_and_go_with_all_that_hangs_on_them(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        client = here.client
        await client.substitute("a/d3/z", 5, reason="test", seconds=60)
        await client.tag_out("a/d3", reason="test")
        start = here.text.index('[[device]]\nname = "a/d3"')
        end = here.text.index('[[device]]\nname = "a/sum"')
        gone = here.text[start:end]
        assert "a/d3/z_total" in {tag.path for tag in await client.tags()}
        await here.apply((gone, gone.replace("a/d3", "a/d4")))
        paths = {tag.path for tag in await client.tags()}
        assert paths >= {"a/d4/z", "a/d4/z_total"}
        assert not paths & {"a/d3/z", "a/d3/z_total"}
        assert await client.substitutions() == []
        assert await client.overrides.tagged_out(client.actor) == []
        assert (await client.call("a/d3", "reset")).state is AckState.REFUSED
        await here.value("a/d4/z", lambda _: True)
        ended = await AuditLog(here.node.parts.store, here.node.parts.clock).entries(AuditQuery(target="a/d3*"))
        assert {one.comment for one in ended} >= {"the tag is gone", "the device is gone"}


async def test_a_substitute_and_a_total_outlive_the_restart_of_their_device(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        here.put(2, 4, [10])
        await here.value("a/d3/z", lambda value: value == 10)
        here.put(2, 4, [17])
        await here.value("a/d3/z_total", lambda value: value == 17)
        await here.client.substitute("a/d3/z", 99, reason="test", seconds=60)
        await here.apply(('url = "tcp://127.0.0.1', 'stale_after = "3s"\nurl = "tcp://127.0.0.1'))
        status = {one.path: one for one in await here.client.devices()}
        assert status["a/d3"].stale_after == 3.0
        reading = await here.client.get("a/d3/z")
        assert (reading.value, reading.reason) == (99, "substituted by hand")
        await here.client.end_substitution("a/d3/z")
        await here.value("a/d3/z", lambda value: value == 17)
        here.put(2, 4, [20])
        await here.value("a/d3/z_total", lambda value: value == 20)


async def test_guards_follow(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        here.put(1, 8, [0x42C8, 0])  # 100.0
        here.put(0, 0, [0x4080, 0])  # 4.0: the interlock of a/d2/y is met
        await here.value("a/d1/x", lambda value: value == 4.0)
        await here.apply(('when = "a/d1/x > 40"', 'when = "a/d1/x > 3"'))
        await here.value("a/d2/y", lambda value: value == 0.0)
        (guard,) = await here.client.guards()
        assert (guard.acted, guard.state) == (1, "fired")
        await here.apply(('when = "a/d1/x > 40"', 'when = "a/d1/x > 3"'), ("hi = 50", "hi = 70"))
        (guard,) = await here.client.guards()
        assert (guard.acted, guard.state) == (1, "fired")


async def test_a_command_under_way_to_a_device_that_would_stop_refuses(tmp_path: Path) -> None:
    text = PLANT.replace("select = 0", "select = 30").replace(
        'command = { target = "a/d2/y"', 'command = { target = "a/d1/x"'
    )
    text = text.replace('type = "float32"\nunit', 'type = "float32"\naccess = "read_write"\nunit')
    async with site(tmp_path, text) as here:
        here.put(0, 0, [0x4080, 0])
        await here.value("a/d1/x", lambda value: value == 4.0)
        assert (await here.client.select("a/d2/y", 5)).state is AckState.SELECTED
        with pytest.raises(RefusedError, match=r"the command of admin.* to a/d2/y is under way"):
            await here.apply(("holding:8", "holding:10"))
        await here.apply(("hi = 50", "hi = 60"))


async def test_marks_of_a_command_hold_from_the_moment_they_are_applied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ModbusDriver, "named", lambda config: None)  # as of devices that alone know their commands
    async with site(tmp_path) as here:
        before, call = here.connections(), here.client.select_call
        assert (await call("a/d3", "reset")).state is not AckState.SELECTED
        done = await here.apply(("enabled = true", "commands = { reset = { approval = true } }"))
        assert [(one.name, dict(done.interrupted)) for one in done.changes] == [("a/d3", {})]
        selected = await call("a/d3", "reset")
        assert selected.state is AckState.SELECTED
        await here.client.cancel(selected.key)
        async with asyncio.timeout(60):
            while here.node.parts.router.statistics()["under_way"]:
                await asyncio.sleep(0.01)
        await here.apply()
        assert (await call("a/d3", "reset")).state is not AckState.SELECTED
        assert here.connections() == before


async def test_what_waits_for_people_is_not_pulled_from_under_them(tmp_path: Path) -> None:
    """Neither its limits nor its interlock, nor the derived device that it came by."""
    forward = '{ name = "w", value = "a/d2/y", forward = "a/d2/y", setpoint = { select = 30 } }, { name = "s"'
    text = PLANT.replace('{ name = "s"', forward).replace(", select = 0", "")
    async with site(tmp_path, text) as here:
        await here.value("a/sum/w", lambda _: True)
        here.put(0, 0, [0x4080, 0])
        await here.value("a/d1/x", lambda value: value == 4.0)
        assert (await here.client.select("a/sum/w", 5)).state is AckState.SELECTED
        with pytest.raises(RefusedError, match=r"to a/sum/w is under way"):
            await here.apply(("a/d1/x + 1", "a/d1/x + 2"))
    text = PLANT.replace("select = 0", "select = 30").replace(
        'command = { target = "a/d2/y"', 'command = { target = "a/d1/x"'
    )
    text = text.replace('type = "float32"\nunit', 'type = "float32"\naccess = "read_write"\nunit')
    async with site(tmp_path / "soft", text) as here:
        here.put(0, 0, [0x4080, 0])
        await here.value("a/d1/x", lambda value: value == 4.0)
        assert (await here.client.select("a/d2/y", 5)).state is AckState.SELECTED
        with pytest.raises(RefusedError, match=r"to a/d2/y is under way"):
            await here.apply(("high = 90", "high = 95"))


async def test_the_way_back_leads_to_what_ran_before(tmp_path: Path) -> None:
    """Not to what had been rolled back, which only has the next lower number."""
    async with site(tmp_path) as here:

        async def high() -> float | None:
            (spec,) = await here.client.tags("a/d1/x")
            return spec.limits.hi if spec.limits is not None else None

        await here.apply(("hi = 50", "hi = 60"))
        await here.apply(back=True)
        await here.apply(("hi = 50", "hi = 70"))
        await here.apply(back=True)
        assert await high() == 50
        await here.apply(("hi = 50", "hi = 60"))
        here.write()
        await here.node.stop()
        async with Node(load_plant(tmp_path / "plant.toml"), DataFolder(tmp_path / "data"), Environment()) as node:
            await node.start("127.0.0.1", 0)
            async with connect(data=tmp_path / "data") as client:
                running = await client.configuration.running(client.actor)
                plan = await client.configuration.plan(client.actor, back=True)
                assert [one.fields for one in plan.changes], running


async def outcomes(here: Site) -> list[str]:
    log = AuditLog(here.node.parts.store, here.node.parts.clock)
    found = await log.entries(AuditQuery(action="configuration.apply"))
    return [one.outcome.split(":")[0] for one in reversed(found)]


async def test_what_cannot_be_kept_is_not_applied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left on device")

    async with site(tmp_path) as here:
        monkeypatch.setattr(KeptConfigurations, "_copy", full)
        with pytest.raises(OperationError, match="no space left"):
            await here.apply(("hi = 50", "hi = 60"))
        assert (await here.client.tags("a/d1/x"))[0].limits.hi == 50  # type: ignore[union-attr]
        assert await outcomes(here) == ["accepted", "failed"]


@pytest.mark.parametrize("times", [1, 2])
async def test_a_failure_is_on_record_once_and_leaves_no_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    failures = iter([RuntimeError("disk on fire")] * times)
    change = Changeover._change

    async def failing(self: Changeover, *what: Any) -> None:
        for error in failures:
            raise error
        await change(self, *what)

    async with site(tmp_path) as here:
        monkeypatch.setattr(Changeover, "_change", failing)
        with pytest.raises(SerenoError if times == 1 else Exception):
            await here.apply(("hi = 50", "hi = 60"))
        assert await outcomes(here) == ["accepted", "failed"]
        running = await here.client.configuration.running(here.client.actor)
        assert (running.number, running.kept) == (1, ())


async def test_a_derived_tag_in_another_unit_is_another_from_then_on(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        for number, unit in enumerate(("m", "bar")):
            await here.apply(('name = "s", ', f'name = "s", unit = "{unit}", '))
            here.put(0, 0, [0x4080 + 0x20 * number, 0])
            await here.value("a/sum/s", lambda value, wanted=(5, 6)[number]: value == wanted)
        await here.node.parts.historian.durable()  # type: ignore[union-attr]
        assert [(one.unit, float(one.value[-1])) for one in await here.client.query("a/sum/s")][-2:] == [
            ("m", 5.0),
            ("bar", 6.0),
        ]


async def test_from_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def cli(*arguments: str) -> tuple[int, str]:
        code = await asyncio.to_thread(run_cli, [*arguments, "--data", str(tmp_path / "data")])
        said = capsys.readouterr()
        return code, said.out + said.err

    async with site(tmp_path) as here:
        assert await cli("plan") == (0, f"Changing runs as {tmp_path / 'plant.toml'} says; nothing would change\n")
        here.write(("holding:0", "holding:20"))
        code, said = await cli("plan", str(tmp_path))
        assert (code, said.splitlines()[:2]) == (
            0,
            ["~ tag a/d1/x  (interrupts)", "    address: holding:0 -> holding:20"],
        )
        code, said = await cli("apply")
        assert (code, "this interrupts a/d1; say --yes" in said) == (2, True)
        code, said = await cli("apply", "--yes", "--reason", "moved")
        assert (code, "applied: configuration 2 runs since" in said) == (0, True)
        code, said = await cli("apply", "--back", "--yes")
        assert (code, "configuration 1 runs" in said, "a restart would start that" in said) == (0, True, True)
        here.write(("holding:0", "holdin:20"))
        code, said = await cli("plan")
        assert (code, "nothing is applied" in said) == (2, True)
        code, said = await cli("apply", "--json")
        assert (code, '"applied":false' in said) == (2, True)


async def test_what_is_refused_changes_nothing_and_is_on_record(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        port, actor, accounts = here.client.configuration, here.client.actor, here.node.parts.accounts
        before, devices = here.connections(), dict(here.node.parts.devices.handlers)
        here.write(("hi = 50", "hi = 60"), ("holding:8", "holdin:8"))
        assert "holdin:8" in str((await port.plan(actor)).faults[0])
        with pytest.raises(RefusedError, match="holdin"):
            await port.apply(actor)
        taken = '[[device]]\nname = "sereno/node"\ndriver = "derived"\ntag = [{ name = "audit", value = "a/d1/x" }]\n'
        (tmp_path / "plant.toml").write_text(here.text + taken, encoding="utf-8")
        assert "'sereno/node/audit' is declared twice" in str((await port.plan(actor)).faults[0])
        here.write(("hi = 50", "hi = 60"))
        plan = await port.plan(actor)
        here.write(("hi = 50", "hi = 65"))
        with pytest.raises(RefusedError, match="look at it again"):
            await port.apply(actor, token=plan.token)
        with pytest.raises(RefusedError, match="is not in"):
            await port.plan(actor, plant="/etc/plant.toml")
        await accounts.add_user("olga", "correct horse battery", ["operator"], by="test")
        _, token = await accounts.tokens.issue("olga", "t", "operator", 60.0, by="test", origin="test")
        async with connect(url=here.client.node.http.url, token=token) as olga:
            with pytest.raises(DeniedError):
                await olga.configuration.apply(olga.actor)
        assert (await here.client.tags("a/d1/x"))[0].limits.hi == 50  # type: ignore[union-attr]
        assert (here.connections(), dict(here.node.parts.devices.handlers)) == (before, devices)
        assert (await port.running(actor)).number == 1
        await here.apply(("hi = 50", "hi = 60"))
        log = AuditLog(here.node.parts.store, here.node.parts.clock)
        found = await log.entries(AuditQuery(action="configuration.apply"))
        assert [one.outcome.split(":")[0] for one in found] == ["done", "accepted", "refused", "refused"]
        assert found[1].new["first"] == ["changed tag a/d1/x", "changed alarm a/d1/x.hi"]

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar
from unittest.mock import patch

import pytest

from sereno.app.cli import run_cli
from sereno.device import Driver, DriverTag, ScanColumns, Transports
from sereno.drivers.modbus.driver import ModbusDriver
from sereno.model import Clock, NoAnswerError
from sereno.testing.conformance import Subject, conformance
from sereno.testing.conformance.subjects.http import HttpSubject
from sereno.testing.conformance.subjects.modbus import ModbusSubject
from sereno.testing.conformance.subjects.udp import UdpSubject


def test_modbus_keeps_every_rule() -> None:
    score = conformance(ModbusSubject())
    assert not score.failures, str(score)
    assert (score.passed, score.counted) == (13, 13)
    assert "ModbusDriver: 13 of 13 rules kept" in str(score)


def test_udp_keeps_every_rule_that_is_about_devices_that_send() -> None:
    score = conformance(UdpSubject())
    assert not score.failures, str(score)
    assert (score.passed, score.counted) == (5, 5)


def test_http_keeps_every_rule_that_is_about_fleets() -> None:
    score = conformance(HttpSubject())
    assert not score.failures, str(score)
    assert (score.passed, score.counted) == (10, 10)


class Exempt(ModbusSubject):
    exempt: ClassVar[Mapping[str, str]] = {"can_be_watched": "this device has a wire that cannot be tapped"}


def test_an_exemption_has_its_reason_and_does_not_count() -> None:
    score = conformance(Exempt())
    assert score.counted == 12
    assert "exempt  can be watched: this device has a wire that cannot be tapped" in str(score)


def _repeats() -> Any:
    write = ModbusDriver.write

    async def stubborn(self: ModbusDriver, tag: DriverTag, value: Any, *, deadline: float | None = None) -> None:
        try:
            await write(self, tag, value, deadline=deadline)
        except NoAnswerError:
            await write(self, tag, value, deadline=deadline)

    return patch.object(ModbusDriver, "write", stubborn)


def _forgets_to_send() -> Any:
    async def lazy(self: ModbusDriver, tag: DriverTag, value: Any, *, deadline: float | None = None) -> None:
        return

    return patch.object(ModbusDriver, "write", lazy)


def _repeats_old_values() -> Any:
    scan = ModbusDriver.scan
    last: dict[int, ScanColumns] = {}

    async def glib(self: ModbusDriver, plan: Any) -> ScanColumns:
        try:
            last[id(plan)] = await scan(self, plan)
        except NoAnswerError:
            if id(plan) not in last:
                raise
        found = last[id(plan)]
        return ScanColumns(values=found.values.copy(), quality=0)

    return patch.object(ModbusDriver, "scan", glib)


@pytest.mark.parametrize(
    ("defect", "rules"),
    [
        (_repeats, {"leaves_a_lost_write_unknown"}),
        (_forgets_to_send, {"writes_and_reads_back", "sends_nothing_expired", "leaves_a_lost_write_unknown"}),
        (_repeats_old_values, {"publishes_nothing_unanswered"}),
    ],
)
def test_planted_defects_are_found(defect: Any, rules: set[str]) -> None:
    with defect():
        broken = {result.rule for result in conformance(ModbusSubject()).failures}
    assert rules & broken, broken


def test_from_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["driver", "check", "modbus", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["passed"] == 13
    assert run_cli(["driver", "check", "modbas"]) == 1
    assert "Did you mean 'modbus'?" in capsys.readouterr().err
    assert run_cli(["driver", "list"]) == 0
    assert "modbus" in capsys.readouterr().out


def test_a_subject_is_complete_or_refused() -> None:
    class Half(Subject):
        driver: type[Driver] = ModbusDriver

        @asynccontextmanager
        async def far_end(self, transports: Transports, clock: Clock) -> AsyncIterator[int]:
            yield 1

        def tags(self, device: str) -> Sequence[DriverTag]:
            return ()

    with pytest.raises(TypeError, match="abstract"):
        Half()  # type: ignore[abstract]

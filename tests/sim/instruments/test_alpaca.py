"""Our Alpaca server as the standard wants it: answers, errors, management, trouble."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sereno.device import HttpClient
from sereno.model import NoAnswerError, RefusedError
from sereno.sim.instruments.alpaca import AlpacaServer
from sereno.sim.instruments.observatory import SimObservatory
from sereno.sim.scenario import parse_scenario
from sereno.testing import JumpingClock, MemoryTransports, run_jumping

BASE = "http://127.0.0.1:80"


class Bench:
    def __init__(self, clock: JumpingClock, scenario: Any = None, *, shutter: bool = True) -> None:
        network = MemoryTransports()
        script = None if scenario is None else parse_scenario(scenario, "test")
        self.server = AlpacaServer(
            SimObservatory(clock, shutter=shutter).devices(), clock, transports=network, scenario=script
        )
        self.http = HttpClient(network, clock)

    async def ask(self, method: str, path: str, body: str = "", **headers: str) -> tuple[int, Any]:
        answer = await self.http.ask(method, f"{BASE}{path}", body=body.encode(), headers=headers, timeout=2.0)
        return answer.status, json.loads(answer.body) if answer.body[:1] == b"{" else answer.body


def served(work: Any, scenario: Any = None, **more: Any) -> None:
    async def run(clock: JumpingClock) -> None:
        bench = Bench(clock, scenario, **more)
        await bench.server.start(80)
        try:
            await work(bench, clock)
        finally:
            await bench.server.close()

    run_jumping(run)


def test_an_answer_has_its_numbers_and_errors_have_theirs() -> None:
    async def work(bench: Bench, clock: JumpingClock) -> None:
        status, answer = await bench.ask("GET", "/api/v1/dome/0/shutterstatus?ClientTransactionID=77&clientid=3")
        assert (status, answer["ErrorNumber"], answer["ClientTransactionID"]) == (200, 0x407, 77)
        assert (await bench.ask("PUT", "/api/v1/dome/0/connected", "Connected=True&ClientTransactionID=78"))[1][
            "ErrorNumber"
        ] == 0
        status, answer = await bench.ask("GET", "/api/v1/dome/0/shutterstatus?clienttransactionid=79")
        assert (answer["Value"], answer["ClientTransactionID"]) == (1, 79)
        assert answer["ServerTransactionID"] > 0
        assert (await bench.ask("GET", "/api/v1/dome/0/altitude"))[1]["ErrorNumber"] == 0x400
        assert (await bench.ask("PUT", "/api/v1/dome/0/slewtoazimuth", "Azimuth=400"))[1]["ErrorNumber"] == 0x401

    served(work)


def test_a_dome_whose_shutter_is_somebody_elses_only_turns() -> None:
    async def work(bench: Bench, clock: JumpingClock) -> None:
        await bench.ask("PUT", "/api/v1/dome/0/connected", "Connected=True")
        for method, member in (("GET", "shutterstatus"), ("PUT", "openshutter"), ("PUT", "closeshutter")):
            assert (await bench.ask(method, f"/api/v1/dome/0/{member}"))[1]["ErrorNumber"] == 0x400
        assert (await bench.ask("GET", "/api/v1/dome/0/cansetshutter"))[1]["Value"] is False
        named = (await bench.ask("GET", "/api/v1/dome/0/devicestate"))[1]["Value"]
        assert [one["Name"] for one in named] == ["Azimuth", "Slewing", "AtPark"]
        assert (await bench.ask("PUT", "/api/v1/dome/0/slewtoazimuth", "Azimuth=90"))[1]["ErrorNumber"] == 0
        assert (await bench.ask("GET", "/api/v1/dome/0/slewing"))[1]["Value"] is True

    served(work, shutter=False)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("GET", "/api/v1/dome/0/nothing", ""), ("GET", "/api/v1/dome/1/name", ""), ("GET", "/api/v2/dome/0/name", ""),
     ("GET", "/api/v1/dome/x/name", ""), ("PUT", "/api/v1/dome/0/connected", ""),
     ("PUT", "/api/v1/dome/0/connected", "connected=True"), ("PUT", "/api/v1/dome/0/connected", "Connected=maybe"),
     ("POST", "/api/v1/dome/0/name", ""), ("GET", "/other", "")],
)  # fmt: skip
def test_what_nobody_can_mean_is_status_400(method: str, path: str, body: str) -> None:
    async def work(bench: Bench, clock: JumpingClock) -> None:
        status, words = await bench.ask(method, path, body)
        assert status == 400
        assert words

    served(work)


def test_the_server_says_what_it_has() -> None:
    async def work(bench: Bench, clock: JumpingClock) -> None:
        assert (await bench.ask("GET", "/management/apiversions"))[1]["Value"] == [1]
        assert (await bench.ask("GET", "/management/v1/description"))[1]["Value"]["ServerName"]
        listed = (await bench.ask("GET", "/management/v1/configureddevices"))[1]["Value"]
        kinds = [(one["DeviceType"], one["DeviceNumber"]) for one in listed]
        assert {("camera", 0), ("camera", 1), ("filterwheel", 1), ("switch", 0), ("telescope", 0)} <= set(kinds)
        assert len({one["UniqueID"] for one in listed}) == len(listed)

    served(work)


def test_images_come_as_json_too() -> None:
    async def work(bench: Bench, clock: JumpingClock) -> None:
        await bench.ask("PUT", "/api/v1/camera/1/connected", "Connected=True")
        _, answer = await bench.ask("GET", "/api/v1/camera/1/imagearray")
        assert answer["ErrorNumber"] == 0x40B
        await bench.ask("PUT", "/api/v1/camera/1/binx", "BinX=4")
        await bench.ask("PUT", "/api/v1/camera/1/startexposure", "Duration=1&Light=False")
        await clock.sleep(5.0)
        answer = await bench.http.ask("GET", f"{BASE}/api/v1/camera/1/imagearray", most=1 << 22)
        found = json.loads(answer.body)
        assert (found["Type"], found["Rank"], len(found["Value"]), len(found["Value"][0])) == (2, 2, 160, 128)

    served(work)


def test_trouble_by_scenario_by_action_and_by_hand() -> None:
    async def work(bench: Bench, clock: JumpingClock) -> None:
        await bench.ask("PUT", "/api/v1/safetymonitor/0/connected", "Connected=True")
        await clock.sleep(3.5)
        with pytest.raises(NoAnswerError):
            await bench.ask("GET", "/api/v1/safetymonitor/0/issafe")
        await clock.sleep(10.0)
        assert (await bench.ask("GET", "/api/v1/safetymonitor/0/issafe"))[1]["Value"] is False
        action = "Action=force&Parameters=%7B%22safe%22%3Atrue%7D"
        assert (await bench.ask("PUT", "/api/v1/safetymonitor/0/action", action))[1]["Value"] == "ok"
        assert (await bench.ask("GET", "/api/v1/safetymonitor/0/issafe"))[1]["Value"] is True
        wrong = "Action=force&Parameters=%7B%22saef%22%3Atrue%7D"
        assert (
            "expected some of" in (await bench.ask("PUT", "/api/v1/safetymonitor/0/action", wrong))[1]["ErrorMessage"]
        )
        with pytest.raises(RefusedError, match="there are: telescope, dome"):
            bench.server.force("dmoe", {"jam": 1})

    served(work, [60, {"time": 3, "safetySimulator": {"broken": 5, "safe": False}}])

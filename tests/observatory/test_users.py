"""Simulated users: when they submit, what they are told, and that their ten requests are what they seem."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sereno.access.actor import ROLES, Actor
from sereno.app.cli import run_cli
from sereno.app.plant.load import load_plant
from sereno.app.serve.ports import ports_of
from sereno.app.serve.server import DeviceServer
from sereno.device import Environment, device_configs
from sereno.gateways.native.server import NativeServer
from sereno.model import ConfigurationError, DeniedError, NoAnswerError, RefusedError
from sereno.sim.instruments.observatory import INFRARED_FILTERS
from sereno.sim.instruments.small import FILTERS
from sereno.sim.scenario import parse_scenario, read_scenario
from sereno.testing import JumpingClock, jumping
from sereno_observatory.demo import OBSERVATORY
from sereno_observatory.sequences import Sequences, read_sequences
from sereno_observatory.simulators import SCENARIOS
from sereno_observatory.users import REQUESTS, Outcome, Submission, play, request_texts

FULL = SCENARIOS / "full.json"
HERE = {"latitude": 31.0439, "longitude": -115.4637}
DETECTORS = {"Visible camera": FILTERS, "Near-infrared camera": INFRARED_FILTERS}


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[list[str]]:
    """Options that reach a server with the book."""
    configs = device_configs(Sequences, "observatory/sequences", {"detectors": list(DETECTORS), **HERE})
    async with (
        DeviceServer(configs, Environment(folder=tmp_path)) as server,
        NativeServer(ports_of(server, "test")) as native,
    ):
        await server.ready(Actor("admin", (ROLES["admin"],)))
        yield ["--url", native.url, "--token", "test"]


@jumping
async def test_the_full_scenario_comes_at_its_times(clock: JumpingClock) -> None:
    script = read_scenario(FULL)
    begun, moments, told = clock.monotonic(), list[float](), list[Submission]()

    async def submit(text: str) -> list[int]:
        moments.append(clock.monotonic() - begun)
        await clock.sleep(1.5)  # a slow answer does not delay the others
        return [len(moments)]

    await play(script, request_texts(script, SCENARIOS), submit, told.append, clock=clock, period=2.0)
    assert [one.iteration for one in told] == [1, 2, 4, 5, 10, 11, 15, 16, 18, 33]
    assert moments == pytest.approx([2.0 * (one.iteration - 1) for one in told])
    assert [one.file for one in told] == [f"routine_request_{n:02}.xml" for n in range(1, 11)]
    assert {one.outcome for one in told} == {Outcome.ACCEPTED}


def test_at_the_site_they_may_ask_for_what_they_ask_for() -> None:
    plant = load_plant(OBSERVATORY.plant)
    (level,) = [one for one in plant.site["level"] if "simulator/users" in one.get("users", ())]
    texts = request_texts(read_scenario(FULL), SCENARIOS)
    asked = [sequence.priority for text in texts.values() for sequence in read_sequences(text, 0)]
    assert max(asked) <= level["priority"]


@jumping
async def test_what_became_of_each_is_told_and_the_others_follow(clock: JumpingClock) -> None:
    script = parse_scenario([9, *({"time": n, "userSimulator": "routine_request_01.xml"} for n in (1, 2, 3))], "here")
    errors = [RefusedError("no such detector"), DeniedError("denied: an operator may"), NoAnswerError("no answer")]
    told: list[Submission] = []

    async def submit(text: str) -> list[int]:
        raise errors.pop(0)

    await play(script, request_texts(script, SCENARIOS), submit, told.append, clock=clock, period=1.0)
    assert [one.outcome for one in told] == [Outcome.REFUSED, Outcome.DENIED, Outcome.UNKNOWN]
    assert str(told[0]) == "    1  routine_request_01.xml  refused: no such detector"


def test_faults_of_a_scenario_are_told_before_anything_is_submitted(tmp_path: Path) -> None:
    events = [{"time": 12, "userSimulator": "routine_request_01.xml"}, {"time": 2, "userSimulator": "none.xml"}]
    with pytest.raises(ConfigurationError) as caught:
        request_texts(parse_scenario([10, *events], "here"), tmp_path)
    found = [str(fault) for fault in caught.value.faults]
    assert len(found) == 2
    assert "event at 2: no request 'none.xml'; expected a file in" in found[0]
    assert found[1] == "event at 12: never comes; expected 1 to 10"
    (tmp_path / "none.xml").write_text("<request/>", encoding="utf-8")
    assert request_texts(parse_scenario([10, events[1]], "here"), tmp_path) == {"none.xml": "<request/>"}


def test_the_ten_requests_can_be_executed_but_for_one() -> None:
    files = sorted(REQUESTS.glob("*.xml"))
    assert len(files) == 10
    unknown = set()
    for file in files:
        for one in read_sequences(file.read_text("utf-8"), 0, file.name):
            unknown |= {file.name for album in one.albums if album.detector not in DETECTORS}
            for album in one.albums:
                known = DETECTORS.get(album.detector)
                assert known is None or {plan.filter for plan in album.plans} <= set(known), file.name
            assert one.occupies <= (one.t_end - one.t_start) / 1e9
    assert unknown == {"routine_request_07.xml"}


async def test_into_the_book_of_a_node(
    node: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run(*words: str, code: int = 0) -> str:
        assert await asyncio.to_thread(run_cli, [*words, *node]) == code
        return capsys.readouterr().out

    ready, *said = map(json.loads, (await run("sim", "users", "--period", "0.01", "--json")).splitlines())
    assert ready == {"ready": True, "requests": 10}
    assert [one["outcome"] for one in said] == ["accepted"] * 6 + ["refused"] + ["accepted"] * 3
    assert said[4]["sequences"] == [5, 6]
    assert "asks for 'Ultraviolet camera'" in said[6]["why"]
    kept = [json.loads(line) for line in (await run("observatory", "sequence", "list", "--json")).splitlines()]
    assert len(kept) == 10
    assert {one["sequence"]["observer"] for one in kept} != {""}

    own = tmp_path / "own.json"
    own.write_text('[3, {"time": 1, "userSimulator": "late.xml"}]', encoding="utf-8")
    text = (REQUESTS / "routine_request_01.xml").read_text("utf-8")
    (tmp_path / "late.xml").write_text(text.replace('"15"', '"-50"').replace('"60000"', '"-1"'), encoding="utf-8")
    words = await run("sim", "users", "--scenario", str(own))
    assert "late.xml  refused: too_late: the window of 'Sequence1 (200secs)' is over already" in words
    assert words.endswith("1 requests: 1 refused\n")

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sereno_observatory.users.play", interrupted)
    assert (await run("sim", "users")).endswith("0 requests\n")


def test_without_a_node(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SERENO_URL", raising=False)
    assert run_cli(["sim", "users", "--data", str(tmp_path)]) == 3
    assert "no node found" in capsys.readouterr().err
    assert run_cli(["sim", "users", "--scenario", ""]) == 2

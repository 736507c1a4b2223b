from __future__ import annotations

import pytest

from sereno.model import AckState, Verb

PATH = "north/plc1/setpoint"
URL = f"/api/v1/values/{PATH}"
JSON = {"content-type": "application/json"}
NOW = 1_763_640_000_000_000_000


async def test_put_sets_a_value_and_answers_with_all_acks(site) -> None:
    async with await site.signed_in("operator") as browser:
        answer = await browser.put(URL, json={"value": 2.5, "expected": 1, "comment": "tide", "key": "k1234567"})
    assert answer.status_code == 200
    body = answer.json()
    assert [ack["state"] for ack in body["acks"]] == ["accepted", "done"]
    assert (body["key"], body["state"], body["value"], body["reason"]) == ("k1234567", "done", 2.5, "")
    (command, actor), *_ = site.plant.commands
    assert (command.target, command.value, command.expected, command.comment) == (PATH, 2.5, 1, "tide")
    assert (command.actor, command.via, command.origin) == ("operator", "web", "127.0.0.1")
    assert command.expires == NOW + 10 * 10**9
    assert actor.name == "operator"


@pytest.mark.parametrize(
    ("state", "reason", "status"),
    [
        (AckState.REFUSED, "above the limit 6 m", 409),
        (AckState.REFUSED, "denied: operator may not write", 403),
        (AckState.CANCELLED, "", 409),
        (AckState.FAILED, "readback is 1 after 5 s, expected 2", 502),
        (AckState.TIMED_OUT, "", 504),
        (AckState.UNKNOWN, "no answer", 504),
    ],
)
async def test_what_did_not_work_is_a_problem_with_the_acks(site, state: AckState, reason: str, status: int) -> None:
    site.plant.outcomes[PATH] = [(AckState.REQUESTED, ""), (state, reason)]
    async with await site.signed_in("operator") as browser:
        answer = await browser.put(URL, json={"value": 2})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["state"] == state.value
    assert body["detail"] == (reason or state.value.replace("_", " "))
    assert [ack["state"] for ack in body["acks"]] == ["requested", state.value]


@pytest.mark.parametrize("path", ["north/plc1/setpiont", "north/plc1", "north"])
async def test_what_is_no_tag_is_not_found(site, path: str) -> None:
    async with await site.signed_in("operator") as browser:
        assert (await browser.put(f"/api/v1/values/{path}", json={"value": 1})).status_code == 404
        answer = await browser.post("/api/v1/commands", json={"target": path, "value": 1})
        assert answer.status_code == 404
    assert site.plant.commands == []


async def test_integers_stay_exact(site) -> None:
    async with await site.signed_in("operator") as browser:
        answer = await browser.put(URL, content=b'{"value": 18446744073709551615}', headers=JSON)
    assert answer.json()["value"] == 2**64 - 1


@pytest.mark.parametrize(
    "body",
    [
        b'{"value": NaN}',
        b'{"value": [1, -Infinity]}',
        b'{"value": {"a": NaN}}',
        b'{"value": 1e999}',
        b'{"value": 1, "timeout": 0}',
        b'{"value": 1, "timeout": 601}',
        b'{"value": 1, "timeout": "soon"}',
        b'{"value": 1, "key": "short"}',
        b'{"value": 1, "key": "white space"}',
        b'{"value": 1, "actor": "admin"}',
        b'{"value": 1, "role": "admin"}',
        b"[1]",
        b"1",
        b"",
        b"{",
        b"\xff",
        b'"\xed\xa0\x80"',
    ],
)
async def test_bodies_that_are_not_as_expected_are_problems(site, body: bytes) -> None:
    async with await site.signed_in("operator") as browser:
        answer = await browser.put(URL, content=body, headers=JSON)
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert site.plant.commands == []


async def test_a_body_that_does_not_say_that_it_is_json_is_told_how(site) -> None:
    async with await site.signed_in("operator") as browser:
        answer = await browser.put(URL, content=b'{"value": 1}')
    assert answer.status_code == 415
    assert "Content-Type: application/json" in answer.json()["detail"]


async def test_bodies_are_bounded_in_size_and_depth(site) -> None:
    async with await site.signed_in("operator") as browser:
        large = await browser.put(URL, content=b'{"value": "' + b"x" * (1 << 20) + b'"}', headers=JSON)
        deep = await browser.put(URL, content=b'{"value": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", headers=JSON)
        fine = await browser.put(URL, content=b'{"value": "' + b"[" * 1000 + b'"}', headers=JSON)
    assert (large.status_code, deep.status_code, fine.status_code) == (413, 400, 200)
    assert deep.json()["detail"] == "JSON nested more than 32 deep"


ACCEPTED = {"key": "k1234567", "state": "accepted", "reason": "", "waiting": None}


async def test_post_answers_when_the_command_is_accepted(site) -> None:
    async with await site.signed_in("operator") as browser:
        answer = await browser.post("/api/v1/commands", json={"target": PATH, "value": 3, "key": "k1234567"})
        assert (answer.status_code, answer.json()) == (202, ACCEPTED)
        while (last := (await browser.get("/api/v1/commands/k1234567")).json())["state"] != "done":
            pass
    assert last["acks"][-1]["value"] == 3


async def test_post_says_at_once_what_was_refused(site) -> None:
    site.plant.outcomes[PATH] = [(AckState.REQUESTED, ""), (AckState.REFUSED, "interlock: tank is full")]
    async with await site.signed_in("operator") as browser:
        answer = await browser.post("/api/v1/commands", json={"target": PATH, "value": 3})
    assert answer.status_code == 409
    assert answer.json()["detail"] == "interlock: tank is full"
    assert answer.json()["acks"][-1]["state"] == "refused"


async def test_who_asks_cannot_be_forged(site) -> None:
    body = {"v": 1, "target": PATH, "value": 1, "actor": "admin", "via": "hub", "origin": "10.0.0.1", "expires": 2**62}
    async with await site.signed_in("operator") as browser:
        assert (await browser.post("/api/v1/commands", json=body)).status_code == 202
    (command, actor), *_ = site.plant.commands
    assert (command.actor, command.via, command.origin, actor.name) == ("operator", "web", "127.0.0.1", "operator")
    assert command.expires == NOW + 600 * 10**9


async def test_calls_carry_name_and_arguments(site) -> None:
    body = {"target": "north/plc1", "verb": "call", "name": "reset", "arguments": [1, "two", [3.5]]}
    async with await site.signed_in("operator") as browser:
        assert (await browser.post("/api/v1/commands", json=body)).status_code == 202
    (command, _), *_ = site.plant.commands
    assert (command.verb, command.name, command.arguments) == (Verb.CALL, "reset", (1, "two", [3.5]))


async def test_a_command_that_nobody_knows_is_not_found(site) -> None:
    async with await site.signed_in("operator") as browser:
        assert (await browser.get("/api/v1/commands/unknown-key")).status_code == 404
        assert (await browser.get("/api/v1/commands/%20")).status_code == 422

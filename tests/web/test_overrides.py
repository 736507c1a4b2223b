from __future__ import annotations

LEVEL = "/api/v1/values/north/plc1/level/substitution"
MODE = "/api/v1/values/north/plc1/state/substitution"
OUT = "/api/v1/devices/north/plc1/maintenance"
PUT = {"value": 4.5, "reason": "probe removed", "seconds": 3600}


async def test_an_engineer_substitutes_and_ends_it(site) -> None:
    async with await site.signed_in("engineer") as browser:
        begun = await browser.put(LEVEL, json=PUT)
        assert begun.status_code == 200, begun.text
        (known,) = (await browser.get("/api/v1/substitutions")).json()["substitutions"]
        assert (known["path"], known["value"], known["actor"], known["reason"]) == (
            "north/plc1/level", 4.5, "engineer", "probe removed"
        )  # fmt: skip
        assert known["own"]["quality"] == "bad"
        assert known["since"] < known["expires"]
        ended = await browser.delete(LEVEL)
        assert ended.status_code == 200
        assert (await browser.get("/api/v1/substitutions")).json() == {"substitutions": []}
        assert (await browser.delete(LEVEL)).status_code == 404


async def test_operators_see_it_and_may_not_do_it(site) -> None:
    async with await site.signed_in("operator") as browser:
        assert (await browser.put(LEVEL, json=PUT)).status_code == 403
        assert (await browser.put(OUT, json={"reason": "x"})).status_code == 403
        assert (await browser.get("/api/v1/substitutions")).status_code == 200


async def test_what_is_refused_says_why(site) -> None:
    async with await site.signed_in("engineer") as browser:
        wrong = await browser.put(MODE, json={**PUT, "value": "runing"})
        assert (wrong.status_code, "did you mean 'running'" in wrong.json()["detail"]) == (409, True)
        assert (await browser.put(LEVEL, json={**PUT, "reason": ""})).status_code == 422
        assert (await browser.put(LEVEL, json={**PUT, "reason": " "})).status_code == 409
        assert (await browser.put(LEVEL, json={**PUT, "seconds": 0})).status_code == 422
        assert (await browser.put(LEVEL, json={**PUT, "actor": "admin"})).status_code == 422
        unknown = await browser.put("/api/v1/values/north/plc1/levle/substitution", json=PUT)
        assert (unknown.status_code, "north/plc1/level" in unknown.json()["detail"]) == (404, True)


async def test_maintenance(site) -> None:
    async with await site.signed_in("engineer") as browser:
        begun = (await browser.put(OUT, json={"reason": "new seals"})).json()
        assert (begun["expires"], begun["reason"]) == (None, "new seals")
        (known,) = (await browser.get("/api/v1/maintenance")).json()["maintenance"]
        assert known == begun
        assert (await browser.delete(OUT)).status_code == 200
        assert (await browser.get("/api/v1/maintenance")).json() == {"maintenance": []}


async def test_it_is_on_record_with_the_address(site) -> None:
    async with await site.signed_in("engineer") as browser:
        await browser.put(LEVEL, json=PUT)
    records = [r for r in await site.accounts.audit.entries() if r.action == "substitute"]
    assert [(r.actor, r.target, r.new, r.comment) for r in records] == [
        ("engineer", "north/plc1/level", 4.5, "probe removed")
    ]
    assert records[0].origin

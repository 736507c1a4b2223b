from __future__ import annotations

from pathlib import Path

import pytest

from tools.check import RULES
from tools.checks.entries import routes_have_entries
from tools.checks.source import Source

ROOT = Path(__file__).parents[2]


def findings(code: str, path: str = "src/sereno/web/planted.py") -> list[str]:
    return [finding.found for finding in routes_have_entries(Source(path, code))]


def test_the_rule_is_part_of_the_check() -> None:
    assert routes_have_entries in RULES


@pytest.mark.parametrize(
    "code",
    [
        'app.add_route("/planted", planted, methods=["GET"])',
        'app.add_api_route("/api/v1/values", planted, methods=["GET", "DELETE"])',
        'app.add_route("/healthz", planted, methods=["POST"])',
        'app.router.add_websocket_route("/api/v1/other", planted)',
        "app.add_route(path_of(name), planted)",
        "app.add_route(entry.path, planted)",
        'app.add_route(entry.path, planted, methods=["POST"])',
        'app.add_route("/tags", planted, methods=METHODS)',
        'app.mount("/files", StaticFiles())',
        "app.include_router(router)",
        '@app.get("/planted")\ndef planted(): ...',
    ],
)
def test_a_planted_route_without_a_policy_is_found(code: str) -> None:
    assert len(findings(code)) == 1


@pytest.mark.parametrize(
    "code",
    [
        'app.add_route("/healthz", healthz, methods=["GET"])',
        'app.add_api_route("/api/v1/values", values)',
        "app.router.add_websocket_route(LIVE, live)",
        "app.add_route(entry.path, handler, methods=[entry.kind])",
        'headers.get("/planted")',
    ],
)
def test_what_has_an_entry_passes(code: str) -> None:
    assert findings(code) == []


def test_other_rooms_are_not_looked_at() -> None:
    assert findings('app.add_route("/planted", planted)', "src/sereno/sim/planted.py") == []


def test_every_route_of_the_web_room_is_seen_by_the_rule() -> None:
    files = sorted((ROOT / "src/sereno/web").glob("*.py"))
    sources = [Source(p.relative_to(ROOT).as_posix(), p.read_text(encoding="utf-8")) for p in files]
    assert [f for s in sources for f in routes_have_entries(s)] == []

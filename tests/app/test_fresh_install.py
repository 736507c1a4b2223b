"""What a fresh installation is: secrets of its own, nothing open but the door, nobody but this machine reaches it."""

from __future__ import annotations

import re
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from sereno.access.entries import Need
from sereno.app.datafolder import DataFolder
from sereno.app.node import Node
from sereno.app.plant.load import load_plant
from sereno.app.self_watch import SPECS
from sereno.app.welcome import Ready
from sereno.device import Environment
from sereno.testing import open_sockets
from sereno.web.entries import ENTRIES

PLANT = '[[device]]\nname = "{0}/plc"\ndriver = "modbus"\nurl = "tcp://127.0.0.1:1"\n{1}'
TAG = '[[device.tag]]\nname = "level"\naddress = "holding:0"\n'
OPEN = {
    "/healthz": 200,
    "/sign-in": 200,
    "/sign-in/once": 401,
    "/sign-in/kiosk": 401,
    "/sign-in/oidc": 404,
    "/sign-in/oidc/callback": 404,
    "/static/{version}/{path:path}": 404,
    "/locale/{lang}.json": 404,
}
_SECRET = re.compile(rb"[0-9a-f]{16,}|[A-Za-z0-9_-]{32,}|[2-9a-z]{4}(?:-[2-9a-z]{4}){3}")
_PLAIN = re.compile(rb"[0-9a-f]+|[2-9a-z]{4}(?:-[2-9a-z]{4}){3}")


async def _start(stack: AsyncExitStack, folder: Path, name: str) -> Ready:
    folder.mkdir()
    (folder / "plant.toml").write_text(PLANT.format(name, TAG), encoding="utf-8")
    node = Node(load_plant(folder / "plant.toml"), DataFolder(folder / "data"), Environment())
    await stack.enter_async_context(node)
    return await node.start("127.0.0.1", 0)


def _words(folder: Path) -> set[bytes]:
    """Everything in the files that looks like a secret: hexadecimal, random text, a password of ours."""
    found = {w for path in folder.rglob("*") if path.is_file() for w in _SECRET.findall(path.read_bytes())}
    return {word for word in found if len(set(word)) > 4 and (_PLAIN.fullmatch(word) or _is_random(word))}


def _is_random(word: bytes) -> bool:
    """Not a name of the database's schema, which all installations share."""
    text = word.decode()
    return sum(c.isdigit() for c in text) > 1 and text.lower() != text != text.upper()


async def test_two_fresh_installations_share_no_secret(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        one = await _start(stack, tmp_path / "one", "mill")
        two = await _start(stack, tmp_path / "two", "well")
        secrets = [_words(tmp_path / name / "data") for name in ("one", "two")]
        keys = [next((tmp_path / name / "data" / "keys").glob("audit-*.key")).read_bytes() for name in ("one", "two")]
    assert min(len(found) for found in secrets) > 5
    assert {key.strip() in found for key, found in zip(keys, secrets, strict=True)} == {True}
    assert one.token.encode() in secrets[0]
    names = {str(spec.id).encode() for spec in SPECS}  # the stable ids of the node's own tags are the same everywhere
    assert (secrets[0] & secrets[1]) - names == set()
    shown = [{ready.password, ready.token, ready.link.rpartition("=")[2]} for ready in (one, two)]
    assert shown[0] & shown[1] == set()


async def test_the_passwords_and_tokens_that_are_shown_lie_nowhere_but_in_the_credential(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        ready = await _start(stack, tmp_path / "one", "mill")
        files = [p for p in (tmp_path / "one" / "data").rglob("*") if p.is_file() and p.name != "credential.json"]
        lying = b"".join(path.read_bytes() for path in files)
    assert ready.password is not None
    for secret in (ready.password, ready.token, ready.token.removeprefix("srn_"), ready.link.rpartition("=")[2]):
        assert secret.encode() not in lying


async def test_nothing_answers_without_sign_in_but_health_and_the_door(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        ready = await _start(stack, tmp_path / "one", "mill")
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=ready.url, timeout=60))
        answered: dict[str, int] = {}
        for entry in ENTRIES:
            if entry.kind not in ("WS", "MESSAGE"):
                answer = await client.request(entry.kind, re.sub(r"{(\w+)(?::path)?}", "x", entry.path))
                if answer.status_code not in (401, 403) or entry.need is Need.OPEN:
                    answered[f"{entry.kind} {entry.path}"] = answer.status_code
    assert answered.pop("POST /sign-in") == 401
    links = [answered.pop(f"{kind} /notice/{{token}}") for kind in ("GET", "POST")]
    assert links == [404, 404], "a link of a message is its own key, and there is none"
    assert answered == {f"GET {path}": status for path, status in OPEN.items()}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
async def test_beyond_this_machine_it_does_not_listen_without_tls(tmp_path: Path, host: str) -> None:
    (tmp_path / "plant.toml").write_text(PLANT.format("mill", TAG), encoding="utf-8")
    before = open_sockets()
    async with Node(load_plant(tmp_path / "plant.toml"), DataFolder(tmp_path / "data"), Environment()) as node:
        with pytest.raises(Exception, match="without TLS is refused"):
            await node.start(host, 0)
    assert open_sockets() - before == set()

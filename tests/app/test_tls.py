"""Who may listen where, and a node that is reached by TLS only."""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
import stat
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import structlog

from sereno.app.cli import run_cli
from sereno.app.datafolder import DataFolder
from sereno.app.node import Node
from sereno.app.plant.load import load_plant
from sereno.app.plant.schema import is_loopback
from sereno.app.welcome import Ready
from sereno.client import connect
from sereno.device import Environment
from sereno.model import ConfigurationError

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl program is not installed")
DEVICE = """
[[device]]
name = "mill/plc1"
driver = "modbus"
url = "tcp://127.0.0.1:1"
[[device.tag]]
name = "level"
address = "holding:100"
type = "float32"
"""


def plant_file(folder: Path, web: str = "") -> Path:
    path = folder / "plant.toml"
    path.write_text(f"[web]\n{web}\n{DEVICE}", encoding="utf-8")
    return path


@asynccontextmanager
async def running(path: Path, host: str = "127.0.0.1") -> AsyncIterator[Ready]:
    async with Node(load_plant(path), DataFolder(path.parent / "data"), Environment()) as node:
        yield await node.start(host, 0)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
        ("192.168.1.4", False),
        ("localhost.example", False),
    ],
)
def test_what_is_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "scada.example"])
def test_a_plant_file_that_listens_without_tls_is_refused(tmp_path: Path, host: str) -> None:
    with pytest.raises(ConfigurationError, match="in the clear"):
        load_plant(plant_file(tmp_path, f'host = "{host}"'))


@pytest.mark.parametrize("web", ['tls_key = "a.pem"', 'tls = "generate"\ntls_certificate = "c"\ntls_key = "k"'])
def test_half_or_double_tls_is_refused(tmp_path: Path, web: str) -> None:
    with pytest.raises(ConfigurationError, match="tls"):
        load_plant(plant_file(tmp_path, web))


@pytest.fixture
def logs_as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()


@pytest.mark.usefixtures("logs_as_before")
def test_run_refuses_another_address_without_tls(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    arguments = ["run", str(plant_file(tmp_path)), "--host", "0.0.0.0", "--data", str(tmp_path / "d"), "--port", "0"]
    assert run_cli([*arguments, "--for", "1"]) == 2
    assert "listening on 0.0.0.0 without TLS is refused" in capfd.readouterr().err
    assert not (tmp_path / "d").exists()


async def test_no_way_to_start_a_node_gets_round_it(tmp_path: Path) -> None:
    node = Node(load_plant(plant_file(tmp_path)), DataFolder(tmp_path / "data"), Environment())
    with pytest.raises(ConfigurationError, match="TLS"):
        await node.start("::", 0)


@needs_openssl
async def test_a_generated_certificate_is_kept_private_and_pinned_by_the_console(tmp_path: Path) -> None:
    path = plant_file(tmp_path, 'tls = "generate"')
    key, certificate = tmp_path / "data/tls/key.pem", tmp_path / "data/tls/certificate.pem"
    async with running(path) as first:
        assert first.url.startswith("https://")
        if sys.platform != "win32":
            assert stat.S_IMODE(key.stat().st_mode) == 0o600
            assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
        async with connect(data=tmp_path / "data") as client:
            assert [tag.path for tag in await client.tags("mill")] == ["mill/plc1/level"]
            subscription = await client.subscribe("*")
            await subscription.close()
        with pytest.raises(httpx.ConnectError):
            async with httpx.AsyncClient(timeout=60) as stranger:
                await stranger.get(first.url + "/healthz")
        trust = ssl.create_default_context(cafile=certificate)
        trust.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        async with httpx.AsyncClient(verify=trust, base_url=first.url, timeout=60) as browser:
            answer = await browser.get(first.link.removeprefix(first.url))
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-")
        assert {"Secure", "HttpOnly", "SameSite=lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}
        assert "strict-transport-security" in answer.headers
    async with running(path) as second:
        assert second.fingerprint == first.fingerprint
    key.unlink()
    async with running(path) as third:
        assert third.fingerprint != first.fingerprint


@needs_openssl
async def test_another_certificate_than_the_pinned_one_is_refused(tmp_path: Path) -> None:
    from sereno.app.tls import prepare_tls
    from sereno.client._http import Http
    from sereno.model import NotConnectedError

    path = plant_file(tmp_path, 'tls = "generate"')
    other = prepare_tls(load_plant(path), tmp_path / "other", "127.0.0.1")
    assert other is not None
    async with running(path) as ready:
        http = Http(ready.url, ready.token, 60.0, other.certificate)
        with pytest.raises(NotConnectedError, match="certificate"):
            await http.get("/api/v1/session")
        await http.close()


@needs_openssl
async def test_old_protocols_and_plain_http_get_no_answer(tmp_path: Path) -> None:
    async with running(plant_file(tmp_path, 'tls = "generate"')) as ready:
        async with httpx.AsyncClient(timeout=60) as client:
            with pytest.raises(httpx.TransportError):
                await client.get(ready.url.replace("https", "http") + "/healthz")
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        port = int(ready.url.rpartition(":")[2])
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=old)
        assert writer.get_extra_info("ssl_object").version() == "TLSv1.2"
        writer.close()
        await writer.wait_closed()


@needs_openssl
async def test_a_certificate_of_the_site_is_taken_with_its_key_only(tmp_path: Path) -> None:
    from sereno.app.tls import prepare_tls

    made = prepare_tls(load_plant(plant_file(tmp_path, 'tls = "generate"')), tmp_path / "own", "127.0.0.1")
    prepare_tls(load_plant(plant_file(tmp_path, 'tls = "generate"')), tmp_path / "foreign", "127.0.0.1")
    own = plant_file(tmp_path, 'tls_certificate = "own/certificate.pem"\ntls_key = "own/key.pem"')
    async with running(own) as ready:
        assert made is not None
        assert ready.fingerprint == made.fingerprint
    foreign = plant_file(tmp_path, 'tls_certificate = "own/certificate.pem"\ntls_key = "foreign/key.pem"')
    with pytest.raises(ConfigurationError, match="MISMATCH"):
        prepare_tls(load_plant(foreign), tmp_path, "127.0.0.1")
    missing = plant_file(tmp_path, 'tls_certificate = "no.pem"\ntls_key = "own/key.pem"')
    with pytest.raises(ConfigurationError, match="No such file"):
        prepare_tls(load_plant(missing), tmp_path, "127.0.0.1")
    if os.name == "posix":
        (tmp_path / "own/key.pem").chmod(0o644)
        with pytest.raises(ConfigurationError, match="read by everybody"):
            prepare_tls(load_plant(own), tmp_path, "127.0.0.1")

"""[gateway.http] of an ordinary plant: built with the other gateways, with the token and the rights of the file."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sereno.access.actor import NOBODY
from sereno.app.device_configs import device_configs_of
from sereno.app.gateways import make_gateways
from sereno.app.plant.load import load_plant
from sereno.app.serve.logged import LoggedRecord
from sereno.app.serve.server import DeviceServer
from sereno.device import NoMemory
from sereno.gateways.http.server import HttpServer
from tests.app.smallgateway.plc import run_plc

TOKEN = "0123456789abcdef0123"


async def ask(port: int, request: str) -> tuple[int, str]:
    """Status and body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{request}\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    return int(answer.split()[1]), answer.partition("\r\n\r\n")[2]


async def test_it_is_one_of_the_gateways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_TOKEN", TOKEN)
    async with run_plc((3, 0, 12)) as plc:
        file = tmp_path / "plant.toml"
        file.write_text(plc.plant.replace("insecure = true", 'token = "env:GATEWAY_TOKEN"\nport = 0'), encoding="utf-8")
        plant = load_plant(file)
        async with DeviceServer(device_configs_of(plant.linked_devices, NoMemory())) as server:
            audit: object = LoggedRecord()
            gateway = make_gateways(plant, server.client(NOBODY), server.hub, audit)["http"]  # type: ignore[arg-type]
            assert isinstance(gateway, HttpServer)
            await gateway.start()
            try:
                assert (await ask(gateway.port, "GET /compteur_bille HTTP/1.1"))[0] == 401
                asked = f"GET /compteur_bille HTTP/1.1\r\nAuthorization: Bearer {TOKEN}"
                while (found := await ask(gateway.port, asked))[0] == 503:
                    await asyncio.sleep(0.01)
                assert found == (200, "[3, 0, 12]")
                assert gateway.figures()["denied"] == 1
            finally:
                await gateway.stop()

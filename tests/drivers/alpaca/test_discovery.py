"""Discovery and browsing, over real sockets on loopback."""

from __future__ import annotations

import asyncio
import tomllib

import pytest

from sereno.device.instruments import KINDS
from sereno.drivers.alpaca.discovery import (
    Configured,
    DiscoveryAnswers,
    _Asking,
    configured,
    device_toml,
    discover,
)
from sereno.model import NoAnswerError, NotConnectedError
from sereno.sim.instruments.run import run_alpaca


async def test_servers_on_this_machine_are_found_with_what_they_have() -> None:
    loop = asyncio.get_running_loop()
    async with run_alpaca("dome") as server:
        transport, _ = await loop.create_datagram_endpoint(
            lambda: DiscoveryAnswers(server.port), local_addr=("127.0.0.1", 0)
        )
        port = transport.get_extra_info("sockname")[1]
        found: list[str] = []
        while not found:
            found = await discover(["127.0.0.1"], port=port, wait=0.1)
        transport.close()
        assert found == [f"127.0.0.1:{server.port}"]
        devices = await configured(found[0])
    assert devices == [Configured("dome", "Dome", 0, f"http://{found[0]}/0")]
    with pytest.raises(NotConnectedError):
        await configured(found[0])


async def test_what_is_no_list_of_devices_is_told() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = b'{"Value": [{"DeviceType": "Dome"}]}'
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        with pytest.raises(NoAnswerError, match="lists"):
            await configured(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")


def test_the_sections_of_a_plant_file() -> None:
    devices = [
        Configured("camera", "Main Camera", 0, "http://h/0"),
        Configured("camera", "Main camera", 1, "http://h/1"),
        Configured("rotator", "Turner", 0, "http://h/0"),
    ]
    text = device_toml(devices, "obs", list(KINDS))
    made = tomllib.loads(text)["device"]
    assert [(one["name"], one["kind"], one["url"]) for one in made] == [
        ("obs/main_camera", "camera", "http://h/0"),
        ("obs/main_camera_2", "camera", "http://h/1"),
    ]
    assert "# Turner is a rotator" in text


def test_a_server_writes_no_sections_by_the_names_of_its_devices() -> None:
    text = device_toml(
        [Configured("x\u2028y", 'Turner\n[[device]]\nname = "evil"', 0, "http://h/0")], "obs", list(KINDS)
    )
    assert tomllib.loads(text) == {}


def test_an_answer_nested_without_end_is_no_server() -> None:
    asking = _Asking()
    asking.datagram_received(b"[" * 60_000, ("127.0.0.1", 1))
    assert asking.found == {}

"""Looking at a server without a plant file, and what a plant file makes of it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from sereno.app.plant.load import load_plant
from sereno.drivers.indi.browse import Found, device_toml, look
from sereno.model import NoAnswerError, NotConnectedError
from sereno.testing import JumpingClock, MemoryTransports, run_jumping
from tests.drivers.indi.fake import PORT, FakeConnection, FakeIndi, FakeProperty


def test_devices_with_their_kinds_make_a_plant_file(tmp_path: Path) -> None:
    info = FakeProperty("Text", {"DRIVER_EXEC": "indi_fake", "DRIVER_INTERFACE": str((1 << 1) | (1 << 7))}, perm="ro")
    fake = FakeIndi({"DRIVER_INFO": info})

    async def whole(clock: JumpingClock) -> None:
        network = MemoryTransports()
        await network.listen(lambda: FakeConnection(fake), "127.0.0.1", PORT)
        found = await look("127.0.0.1", transports=network, clock=clock)
        url = "indi://127.0.0.1:7624/Fake%20%3C1%3E"
        kinds = ("camera", "observingconditions", "safetymonitor")
        assert found == [Found("Fake <1>", kinds, url, "indi_fake", connected=False)]
        text = device_toml(found, "site")
        assert [one["name"] for one in tomllib.loads(text)["device"]] == [f"site/fake_1_{kind}" for kind in kinds]
        (tmp_path / "plant.toml").write_text(f'[plant]\nname = "x"\n{text}', encoding="utf-8")
        plant = load_plant(tmp_path / "plant.toml")
        assert {tag.spec.path for device in plant.devices for tag in device.tags} >= {
            "site/fake_1_camera/exposure_left", "site/fake_1_safetymonitor/safe",
        }  # fmt: skip

    run_jumping(whole)


def test_nobody_there_and_somebody_else() -> None:
    class Other(FakeConnection):
        def data_received(self, data: bytes) -> None:
            self.transport.write(b"HTTP/1.1 400 Bad Request & more")

    async def whole(clock: JumpingClock) -> None:
        network = MemoryTransports()
        with pytest.raises(NotConnectedError, match=r"127\.0\.0\.1:7624"):
            await look("127.0.0.1", transports=network, clock=clock)
        await network.listen(lambda: Other(FakeIndi()), "127.0.0.1", PORT)
        with pytest.raises(NoAnswerError, match="no INDI"):
            await look("127.0.0.1", transports=network, clock=clock)
        with pytest.raises(ValueError, match="expected such as indi://"):
            await look("a b/c?d")

    run_jumping(whole)

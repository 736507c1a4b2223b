from __future__ import annotations

import threading

import pytest


def test_devices_of_the_fixture_end_with_the_test(pytester: pytest.Pytester) -> None:
    pytester.makeconftest('pytest_plugins = ["sereno.testing.pytest_devices"]')
    pytester.makepyfile(
        """
        from sereno import Device, setting, tag

        class Lamp(Device):
            limit: int = setting(3)
            level: int = tag(write=True)

        def test_two(device_test):
            lamp, lab = device_test(Lamp, limit=5), device_test({"lab/a": Lamp, "lab/b": Lamp}, mock=True)
            lamp.level = 2
            assert (lamp.level, lamp.device.limit) == (2, 5)
            lab["lab/b"].level = 4
            assert lab["lab/b"].mock.writes == [("level", 4)]
        """
    )
    pytester.runpytest_inprocess(
        "-p", "no:cacheprovider", "-o", "asyncio_default_fixture_loop_scope=function"
    ).assert_outcomes(passed=1)
    assert not [thread for thread in threading.enumerate() if thread.name == "sereno client" and thread.is_alive()]

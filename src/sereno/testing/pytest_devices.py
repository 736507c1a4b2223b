"""A pytest plugin with the fixture `device_test`: `pytest_plugins = ["sereno.testing.pytest_devices"]`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from sereno.testing import DeviceTest


@pytest.fixture
def device_test() -> Iterator[Callable[..., Any]]:
    """Call it as DeviceTest for what `with` would give; devices end with the test."""
    with ExitStack() as stack:
        yield lambda *classes, **options: stack.enter_context(DeviceTest(*classes, **options))

from collections.abc import Iterator

import pytest

from sereno.testing.pytest_leaks import adopt_sockets
from tests.drivers.tango.rig import TangoServer


@pytest.fixture(scope="module")
def shared(require_package) -> Iterator[TangoServer]:
    """One server for the tests of a module."""
    require_package("tango", "pytango")
    server = TangoServer()
    server.start()
    yield server
    server.kill()


@pytest.fixture(autouse=True)
def _connections_of_tango() -> Iterator[None]:
    """omniORB and ZeroMQ keep connections for the next proxy; they close them by themselves much later."""
    yield
    adopt_sockets()

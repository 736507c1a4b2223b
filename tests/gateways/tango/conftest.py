from collections.abc import Iterator

import pytest

from sereno.testing.pytest_leaks import adopt_sockets


@pytest.fixture(autouse=True)
def _connections_of_tango() -> Iterator[None]:
    """omniORB and ZeroMQ keep connections for the next proxy; they close them by themselves much later."""
    yield
    adopt_sockets()


@pytest.fixture
def pytango(require_package):
    return require_package("tango", "pytango")

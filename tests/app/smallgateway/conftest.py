from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """The command line sets up logs for its own standard error, which is another one in the next test."""
    yield
    structlog.reset_defaults()

"""The configuration of a node somewhere else: what takes long is waited for."""

from __future__ import annotations

import httpx
import pytest

from sereno.access.actor import Actor
from sereno.client._http import Http
from sereno.client._remote_configuration import RemoteConfiguration
from sereno.model import NoAnswerError


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that each request of an Http would wait for its answer, which never comes."""
    found: list[float] = []

    def never(request: httpx.Request) -> httpx.Response:
        found.append(request.extensions["timeout"]["read"])
        raise httpx.ReadTimeout("", request=request)

    pool = httpx.AsyncClient(base_url="http://node.test", transport=httpx.MockTransport(never))
    monkeypatch.setattr(Http, "_pool", pool)
    return found


async def test_what_starts_devices_has_the_time_that_they_need(waited: list[float]) -> None:
    configuration = RemoteConfiguration(Http("http://node.test", "t", 10.0))
    with pytest.raises(NoAnswerError, match="within 120 s"):
        await configuration.apply(Actor("anna"), token="t")
    with pytest.raises(NoAnswerError, match="within 10 s"):
        await configuration.running(Actor("anna"))
    patient = RemoteConfiguration(Http("http://node.test", "t", 600.0))
    with pytest.raises(NoAnswerError, match="within 600 s"):
        await patient.plan(Actor("anna"))
    assert waited == [120.0, 10.0, 600.0]

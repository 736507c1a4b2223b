"""Figures of the web room, and those that other rooms hand over, as one Prometheus registry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import Metric, UntypedMetricFamily
from prometheus_client.registry import Collector

from sereno.model import Clock

from .context import Figures

_LAG_PERIOD = 0.25


class Metrics:
    """Own registry, so that two applications in a process do not meet."""

    def __init__(self, figures: Mapping[str, Figures]) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Handed(figures))
        self.clients = Gauge("sereno_web_clients", "Open live connections", ["kind"], registry=self._registry)
        self.frames = Counter("sereno_web_frames", "Frames and events sent", ["kind"], registry=self._registry)
        self.dropped = Counter(
            "sereno_web_dropped", "Frames replaced by a fresh snapshot for slow clients", registry=self._registry
        )
        self.stalled = Counter(
            "sereno_web_stalled", "Clients closed because they took nothing", registry=self._registry
        )
        self.lag = Histogram(
            "sereno_web_loop_lag_seconds",
            "How late the event loop wakes up",
            registry=self._registry,
            buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0),
        )

    def render(self) -> tuple[bytes, str]:
        """The text and its media type."""
        return generate_latest(self._registry), CONTENT_TYPE_PLAIN_0_0_4

    async def watch_lag(self, clock: Clock) -> None:
        """Measure the event loop until cancelled."""
        while True:
            asked = clock.monotonic()
            await clock.sleep(_LAG_PERIOD)
            self.lag.observe(max(0.0, clock.monotonic() - asked - _LAG_PERIOD))


class _Handed(Collector):
    """Asks every room for its present figures when somebody asks us."""

    def __init__(self, figures: Mapping[str, Figures]) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        """See Collector."""
        for room, ask in self._figures.items():
            for name, value in ask().items():
                yield _family(f"sereno_{room}_{name}", value)

    def describe(self) -> Iterator[Metric]:
        """Nothing is known beforehand; the rooms are not asked at registration."""
        return iter(())


def _family(name: str, value: float | Mapping[str, float]) -> Metric:
    if isinstance(value, Mapping):
        labelled = UntypedMetricFamily(name, name.replace("_", " "), labels=["name"])
        for label, number in value.items():
            labelled.add_metric([label], number)
        return labelled
    return UntypedMetricFamily(name, name.replace("_", " "), value=value)

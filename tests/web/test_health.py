from __future__ import annotations

from dataclasses import replace

from prometheus_client.parser import text_string_to_metric_families

from sereno.web.app import create_app


async def test_ready_says_why_not(site) -> None:
    reasons = ["historian: reading the log"]
    site.app = create_app(replace(site.context, ready=lambda: list(reasons), warnings=lambda: ["w"]))
    async with await site.signed_in("viewer") as browser:
        answer = await browser.get("/readyz")
        assert (answer.status_code, answer.json()) == (503, {"ready": False, "reasons": reasons, "warnings": ["w"]})
        reasons.clear()
        assert (await browser.get("/readyz")).status_code == 200


async def test_metrics_hold_our_figures_and_those_of_other_rooms(site) -> None:
    figures = {"hub": lambda: {"samples": 12.0, "queued": {"historian": 1.0, 'x"y\n': 2.0}}}
    site.app = create_app(replace(site.context, figures=figures))
    async with await site.signed_in("viewer") as browser:
        answer = await browser.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert samples["sereno_hub_samples",] == 12.0
    assert samples["sereno_hub_queued", "historian"] == 1.0
    assert samples["sereno_hub_queued", 'x"y\n'] == 2.0
    assert samples["sereno_web_dropped_total",] == 0.0


async def test_a_late_loop_shows(site) -> None:
    async with site.running():
        await site.clock.advance(1.0)
        async with await site.signed_in("viewer") as browser:
            text = (await browser.get("/metrics")).text
    assert 'sereno_web_loop_lag_seconds_bucket{le="0.001"} 4.0' in text


async def test_two_applications_do_not_share_figures(site) -> None:
    other = create_app(site.context)
    other.state.metrics.stalled.inc()
    assert b"sereno_web_stalled_total 0.0" in site.app.state.metrics.render()[0]

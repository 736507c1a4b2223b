"""Jobs of a plant, joined to the plant that they act in."""

from __future__ import annotations

from collections.abc import Sequence

from sereno.agents.jobs.jobs import Jobs
from sereno.agents.jobs.rule import JobRule
from sereno.client import Client
from sereno.hub.hub import Hub
from sereno.hub.router import CommandRouter
from sereno.store.engine import Store
from sereno.store.jobs import StoredJobs


def join_jobs(rules: Sequence[JobRule], plant: Client, hub: Hub, router: CommandRouter, store: Store) -> Jobs:
    """The jobs, each with its tags and commands registered."""
    jobs = Jobs(rules, plant, hub, StoredJobs(store))
    for path, handler in jobs.handlers.items():
        router.register(path, handler)
    return jobs

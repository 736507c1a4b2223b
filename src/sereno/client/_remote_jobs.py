"""Jobs of a node somewhere else, over HTTP."""

from __future__ import annotations

from urllib.parse import quote

from sereno.access.actor import Actor

from ._http import Http
from ._jobs import JobDetail, JobStatus, parse_job, parse_job_detail

API = "/api/v1/jobs"


class RemoteJobs:
    """Implements JobPort. Who asks is decided by the token, at the node."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def jobs(self, actor: Actor) -> list[JobStatus]:  # noqa: ARG002
        """See JobPort."""
        return [parse_job(one) for one in (await self._http.get(API))["jobs"]]

    async def job(self, name: str, actor: Actor) -> JobDetail:  # noqa: ARG002
        """See JobPort."""
        return parse_job_detail(await self._http.get(f"{API}/{quote(name, safe='')}"))

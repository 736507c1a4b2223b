"""Reports of a node somewhere else, over HTTP."""

from __future__ import annotations

from dataclasses import asdict
from urllib.parse import quote

import msgspec

from sereno.access.actor import Actor

from ._http import Http
from ._reports import ReportOrder, ReportRun, ReportStatus, parse_report, parse_report_run

API = "/api/v1/reports"


class RemoteReports:
    """Implements ReportPort. Who asks is decided by the token, at the node."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def reports(self, actor: Actor) -> list[ReportStatus]:  # noqa: ARG002
        """See ReportPort."""
        return [parse_report(one) for one in (await self._http.get(API))["reports"]]

    async def runs(self, report: str, actor: Actor, *, limit: int = 100) -> list[ReportRun]:  # noqa: ARG002
        """See ReportPort."""
        found = await self._http.get(f"{API}/{quote(report, safe='')}/runs", [("limit", str(limit))])
        return [parse_report_run(one) for one in found["runs"]]

    async def order(self, order: ReportOrder, actor: Actor) -> ReportRun:  # noqa: ARG002
        """See ReportPort."""
        body = {name: value for name, value in asdict(order).items() if name != "report"}
        path = f"{API}/{quote(order.report, safe='')}/runs"
        return parse_report_run(await self._http.send("POST", path, body=msgspec.json.encode(body)))

    async def cancel(self, report: str, key: str, actor: Actor) -> None:  # noqa: ARG002
        """See ReportPort."""
        await self._http.send("DELETE", f"{API}/{quote(report, safe='')}/runs/{quote(key, safe='')}")

    async def file(self, report: str, name: str, actor: Actor) -> bytes:  # noqa: ARG002
        """See ReportPort."""
        return await self._http.content(f"{API}/{quote(report, safe='')}/files/{quote(name, safe='')}")

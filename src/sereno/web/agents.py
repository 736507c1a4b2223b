"""GET agents/.../log: what an agent, a simulator or another device has said of late."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, Path, Query
from pydantic import BaseModel
from starlette.responses import Response

from sereno.client import log_line_json

from .answers import answer, problems
from .requests import Asking, Context


class AgentLog(BaseModel):
    """Lines of an agent's log, oldest first; `after` with the last `number` gives those that came since."""

    agent: str
    lines: list[dict[str, Any]]


def add_routes(app: FastAPI) -> None:
    """The routes of this module."""
    app.add_api_route("/api/v1/agents/{path:path}/log", log, response_model=AgentLog, responses=problems(404))


async def log(
    path: Annotated[str, Path(max_length=200)],
    context: Context,
    actor: Asking,
    after: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Response:
    """The newest lines of the log of an agent, a simulator or a device, as long as the node has been running."""
    lines = await context.agents.log(path, actor, after=after, limit=limit)
    return answer({"agent": path, "lines": [log_line_json(line) for line in lines]})

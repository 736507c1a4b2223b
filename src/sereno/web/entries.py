"""Who may come in where: every route, WebSocket message and page has a line here, or it is refused."""

from __future__ import annotations

from sereno.access.actor import Right
from sereno.access.entries import Entry, EntryTable, Need

LIVE = "/api/v1/live"

ENTRIES = EntryTable(
    (
        Entry("GET", "/healthz", Need.OPEN),
        Entry("GET", "/readyz", Need.SIGNED_IN),
        Entry("GET", "/metrics", Need.SIGNED_IN),
        Entry("GET", "/static/{version}/{path:path}", Need.OPEN),
        Entry("GET", "/sign-in", Need.OPEN),
        Entry("POST", "/sign-in", Need.OPEN),
        Entry("GET", "/sign-in/once", Need.OPEN),
        Entry("POST", "/sign-out", Need.SIGNED_IN),
        Entry("GET", "/", Right.READ),
        Entry("GET", "/mimic", Right.READ),
        Entry("GET", "/tags", Right.READ),
        Entry("GET", "/trend", Right.HISTORY),
        Entry("GET", "/devices", Right.READ),
        Entry("GET", "/devices/{path:path}", Right.READ, "path"),
        Entry("GET", "/help", Need.SIGNED_IN),
        Entry("GET", "/overrides", Right.READ),
        Entry("GET", "/mimic.svg", Right.READ),
        Entry("GET", "/locale/{lang}.json", Need.OPEN),
        Entry("GET", "/api/v1/openapi.json", Need.SIGNED_IN),
        Entry("GET", "/api/v1/session", Need.SIGNED_IN),
        Entry("GET", "/api/v1/tags", Right.READ),
        Entry("GET", "/api/v1/values", Right.READ),
        Entry("PUT", "/api/v1/values/{path:path}", Right.WRITE, "path"),
        Entry("PUT", "/api/v1/values/{path:path}/substitution", Right.SUBSTITUTE, "path"),
        Entry("DELETE", "/api/v1/values/{path:path}/substitution", Right.SUBSTITUTE, "path"),
        Entry("GET", "/api/v1/substitutions", Right.READ),
        Entry("PUT", "/api/v1/devices/{path:path}/maintenance", Right.CONFIGURE, "path"),
        Entry("DELETE", "/api/v1/devices/{path:path}/maintenance", Right.CONFIGURE, "path"),
        Entry("GET", "/api/v1/maintenance", Right.READ),
        Entry("POST", "/api/v1/commands", (Right.WRITE, Right.CALL)),
        Entry("GET", "/api/v1/commands/{key}", Need.SIGNED_IN),
        Entry("GET", "/api/v1/history", Right.HISTORY),
        Entry("GET", "/api/v1/devices", Right.READ),
        Entry("GET", "/api/v1/devices/{path:path}/trace", Right.TRACE, "path"),
        Entry("GET", "/api/v1/stream", Right.READ),
        Entry("WS", LIVE, Right.READ),
        Entry("MESSAGE", f"{LIVE} subscribe", Right.READ),
        Entry("MESSAGE", f"{LIVE} unsubscribe", Right.READ),
    )
)

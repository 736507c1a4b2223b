"""Attacks that need a browser: hostile text on every page, and pages of other sites that act in somebody's name."""

from __future__ import annotations

import http.server
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from attacking.attack import Attack, example
from attacking.target import IN_PLC, SCRIPT, SETPOINT, Target
from sereno.web.entries import ENTRIES

_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
    # Menus of the address line would be pages beside each page; the last such list counts, Playwright's stands in it.
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup,AvoidUnnecessaryBeforeUnloadCheckSync,"
    "DestroyProfileOnBrowserClose,HttpsUpgrades,LensOverlay,MediaRouter,NetworkTimeServiceQuerying,OptimizationHints,"
    "PaintHolding,PreconnectToSearch,ThirdPartyStoragePartitioning",
)
_WATCH = """
window.reports = [];
document.addEventListener("securitypolicyviolation", (e) => reports.push(`${e.violatedDirective} ${e.blockedURI}`));
for (const name of ["alert", "confirm", "prompt"]) window[name] = (text) => console.error(`DIALOG ${text}`);
"""
_STREAMS = ("eventsource", "websocket")
_PICTURE = (
    "() => new Promise((done) => { const i = new Image(); i.onload = i.onerror = done; i.src = '/nothing.png'; })"
)
_NAMES = ("/usr/bin/chromium", "chromium-browser", "google-chrome")


def find_browser() -> str | None:
    """The Chromium of this machine, SERENO_CHROMIUM before others."""
    named = [os.environ["SERENO_CHROMIUM"]] if "SERENO_CHROMIUM" in os.environ else _NAMES
    return next((found for name in named if (found := shutil.which(name))), None)


@contextmanager
def _browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_browser(), args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


class _Tab:
    """A page of a browser that knows what it has asked for and not got yet."""

    def __init__(self, context: Any) -> None:
        self.page = context.new_page()
        self._open: set[Any] = set()
        self.page.on("request", lambda request: None if request.resource_type in _STREAMS else self._open.add(request))
        self._live = False
        self.page.on("websocket", lambda _: setattr(self, "_live", True))
        for end in ("requestfinished", "requestfailed"):
            self.page.on(end, self._answered)

    def _answered(self, request: Any) -> None:
        self._open.discard(request)

    def goto(self, address: str) -> None:
        """Another page, loaded."""
        self._live = False
        self.page.goto(address)

    def settle(self) -> None:
        """Until everything is there that it asks for, values come, and a picture that is asked for now has failed."""
        if self._live:
            self.page.locator("html:not([data-link=connecting])").wait_for(state="attached")
        for _ in range(2):
            while self._open:
                self.page.wait_for_timeout(10)
            self.page.evaluate(_PICTURE)

    def act(self, script: str, argument: object, *, leaves: bool) -> object:
        """What a script of this page comes to, when all that it asked for is answered; `leaves` if that is a page."""
        if leaves:
            with self.page.expect_navigation():
                self.page.evaluate(script, argument)
            return 0
        came = self.page.evaluate(script, argument)
        while self._open:
            self.page.wait_for_timeout(10)
        return came


def xss(target: Target, attack: Attack, scale: int) -> None:
    """Every page with hostile text in names, units, descriptions, PLC strings, reasons and records."""
    _leave_texts(target)
    with _browser() as browser:
        context = browser.new_context()
        context.add_init_script(_WATCH)
        _sign_in(target, context, "admin")
        tab = _Tab(context)
        page = tab.page
        told: list[str] = []
        page.on("dialog", lambda dialog: (told.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("console", lambda message: told.append(message.text) if _bad(message.text) else None)
        context.on("request", lambda request: told.append(request.url) if target.canary.url in request.url else None)
        for path in _pages():
            told.clear()
            tab.goto(target.origin + path)
            tab.settle()
            _touch_all(tab)
            page.wait_for_timeout(250 * (scale - 1))
            reports = page.evaluate("window.reports ?? []")
            ours = page.evaluate(
                "() => document.querySelectorAll('img[src=x], svg[onload], [onerror], [onmouseover]').length"
            )
            attack.check(told or reports or ours, f"{path}: {told} {reports} {ours} elements")
        shown = page.goto(f"{target.origin}/tags") and page.wait_for_selector("text=<img src=x onerror=alert(4)>")
        attack.check(shown is None, "the text of the PLC is not shown as text")
        context.close()
    attack.check(target.canary.asked, f"something was loaded from elsewhere: {target.canary.asked}")


def _bad(text: str) -> bool:
    return "DIALOG" in text or "Content Security Policy" in text or "Content-Security-Policy" in text


def _pages() -> list[str]:
    paths = [example(e.path) for e in ENTRIES if e.kind == "GET" and "/api/" not in e.path and "{" not in e.path]
    left_out = ("/healthz", "/readyz", "/metrics", "/sign-in/once", "/sign-in/kiosk", "/sign-in/oidc")
    found = [path for path in paths if not path.startswith(left_out)]
    return [
        *found,
        "/devices/rig/plc",
        "/trend?tag=rig/plc/setpoint",
        f"/nothing/{SCRIPT[:40]}",
        f"/sign-in?next={SCRIPT}",
    ]


def _touch_all(tab: _Tab) -> None:
    """Open what a page opens on demand, and look at what only shows under the mouse."""
    for selector in ("[data-open-tag]", "details > summary", "tbody tr"):
        place = tab.page.locator(selector).first
        if place.count() and place.is_visible():
            place.hover(timeout=30_000)
            place.click(timeout=30_000)
            tab.settle()


def _leave_texts(target: Target) -> None:
    """Hostile text by every way that takes free text, for the pages to show."""
    with target.signed_in("admin") as admin:
        admin.post("/api/v1/profile/tokens", json={"name": SCRIPT[:64], "role": "viewer"})
        admin.put(f"/api/v1/values/{SETPOINT}/substitution", json={"value": 3, "reason": SCRIPT, "duration": "1h"})
        admin.put("/api/v1/devices/rig/plc/maintenance", json={"reason": SCRIPT, "duration": "1h"})
        admin.delete("/api/v1/devices/rig/plc/maintenance")
        admin.put("/api/v1/roles/shown", json={"permissions": [{"right": "read", "glob": SCRIPT}]})
        admin.post("/api/v1/kiosks", json={"name": "shown", "reads": [SCRIPT]})
        admin.put(f"/api/v1/values/{SETPOINT}", json={"value": 3, "comment": SCRIPT})
    for text in (SCRIPT, IN_PLC):
        target.run(
            target.accounts.audit.record(text, text[:64], text, text, text, comment=text, old=text, new={text: text})
        )
        target.client(local="127.4.0.1").post("/sign-in", data={"user": text, "password": text})


def forgery(target: Target, attack: Attack, scale: int) -> None:
    """Forms, requests, pictures, frames and WebSockets of two other origins: one of this host, one elsewhere."""
    del scale
    with _Elsewhere() as elsewhere, _browser() as browser:
        place = {"origin": target.origin, "setpoint": SETPOINT, "ws": target.origin.replace("http", "ws", 1)}
        for host in ("127.0.0.1", "localhost"):
            context = browser.new_context()
            _sign_in(target, context, "admin")
            tab = _Tab(context)
            before = target.counts()
            for name, script in _FORGERIES.items():
                tab.goto(f"http://{host}:{elsewhere.port}/")
                came = tab.act(script, place, leaves=name.startswith("form"))
                attack.check(came, f"{name} from {host}: {came}")
                attack.check(target.counts() != before, f"{name} from {host} changed something")
                before = target.counts()
            held = context.request.get(f"{target.origin}/api/v1/session").status
            attack.check(held != 200, f"a page at {host} ended the session")
            context.close()


_FORM = """(p) => {{ const f = document.createElement("form"); f.method = "post"; f.action = p.origin + "{0}";
 f.enctype = "{1}"; f.innerHTML = `<input name='{2}' value='{3}'>`; document.body.append(f); f.submit(); }}"""
_FETCH = """async (p) => {{ try {{ const a = await fetch(p.origin + {0}, {{ method: "{1}", credentials: "include",
 mode: "{2}", headers: {{ "content-type": "{3}" }}, body: {4} }}); return a.type !== "opaque" && a.ok ? a.status : 0; }}
 catch {{ return 0; }} }}"""
_USER = """JSON.stringify({ name: "eve", roles: ["admin"] })"""
_VALUE = """JSON.stringify({ target: p.setpoint, value: 7 })"""
_FORGERIES = {
    "form, JSON in a field": _FORM.format("/api/v1/users", "text/plain", '{"name":"eve","roles":["admin"],"x":"', '"}'),
    "form, command": _FORM.format(
        "/api/v1/commands", "text/plain", '{"target":"rig/plc/setpoint","value":7,"x":"', '"}'
    ),
    "fetch, no-cors": _FETCH.format('"/api/v1/users"', "POST", "no-cors", "text/plain", _USER),
    "fetch, cors": _FETCH.format('"/api/v1/users"', "POST", "cors", "application/json", _USER),
    "fetch, cors as text": _FETCH.format('"/api/v1/commands"', "POST", "cors", "text/plain", _VALUE),
    "fetch, PUT": _FETCH.format('"/api/v1/values/" + p.setpoint', "PUT", "cors", "application/json", _VALUE),
    "fetch, DELETE": _FETCH.format('"/api/v1/roles/x"', "DELETE", "cors", "text/plain", "null"),
    "reading": """async (p) => { try { const a = await fetch(p.origin + "/api/v1/users", { credentials: "include" });
     return (await a.text()).length; } catch { return 0; } }""",
    "picture": """(p) => new Promise((done) => { const i = new Image(); i.onload = () => done("loaded");
     i.onerror = () => done(0); i.src = p.origin + "/mimic.svg"; })""",
    "frame": """(p) => new Promise((done) => { const f = document.createElement("iframe"); f.src = p.origin + "/tags";
     f.onload = () => { try { done(f.contentDocument?.body?.innerText ? "shown" : 0); } catch { done(0); } };
     document.body.append(f); setTimeout(() => done(f.contentWindow.length ? "frames" : 0), 1500); })""",
    "script": """(p) => new Promise((done) => { const s = document.createElement("script");
     s.onload = () => done("loaded"); s.onerror = () => done(0);
     s.src = p.origin + "/api/v1/values"; document.body.append(s); })""",
    "WebSocket": """(p) => new Promise((done) => { const s = new WebSocket(p.ws + "/api/v1/live");
     s.onopen = () => done("open"); s.onerror = () => done(0); s.onclose = () => done(0); })""",
    "window": """(p) => { const w = window.open(p.origin + "/tags");
     try { return w?.document?.body?.innerText ? "read" : 0; } catch { return 0; } }""",
    "form, sign-out": _FORM.format("/sign-out", "application/x-www-form-urlencoded", "a", "b"),
}


def _sign_in(target: Target, context: Any, user: str) -> None:
    ticket = target.run(target.accounts.sessions.ticket(user))
    context.request.get(f"{target.origin}/sign-in/once?ticket={ticket}", max_redirects=0)


class _Elsewhere:
    """The page of an attacker, on a port of its own."""

    def __enter__(self) -> _Elsewhere:
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Page)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Win a prize</title><body>Win a prize")

    def log_message(self, *_: object) -> None:
        """Quiet."""

"""What a starting node tells the person, or the script, in front of it."""

from __future__ import annotations

import webbrowser
from dataclasses import dataclass, field
from urllib.parse import quote

import click
import orjson

from sereno.app.platform import has_desktop


@dataclass(frozen=True, slots=True)
class Ready:
    """A node that answers: its address, and how to sign in.

    `password` is None when it was shown at an earlier start. `link` signs a browser in once.
    `fingerprint` is that of the TLS certificate, "" without TLS.
    """

    plant: str
    url: str
    user: str
    password: str | None
    token: str
    link: str
    example: str
    data: str
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Welcome:
    """Prints `Ready` for people or as one JSON line; opens a browser if asked and possible."""

    as_json: bool = False
    browser: bool = False
    look_at: tuple[str, ...] = field(default=())

    def show(self, ready: Ready) -> None:
        """Say that the node is ready."""
        if self.as_json:
            fields = {"url": ready.url, "user": ready.user, "password": ready.password, "token": ready.token}
            if ready.fingerprint:
                fields["fingerprint"] = ready.fingerprint
            click.echo(orjson.dumps({**fields, "link": ready.link}).decode())
        else:
            for name, text in self._lines(ready):
                click.echo(f"  {click.style(name.ljust(12), bold=True)}{text}")
        if self.browser and has_desktop():
            webbrowser.open(ready.link)

    def _lines(self, ready: Ready) -> list[tuple[str, str]]:
        password = ready.password or "(shown at the first start; new one: sereno user recover admin)"
        values = f"{ready.url}/api/v1/values?tag={quote(ready.example)}"
        lines = [
            ("plant", ready.plant),
            ("page", ready.url),
            ("signed in", f"{ready.link}  (once, for five minutes)"),
            ("sign-in", f"{ready.user} / {password}"),
            *([("certificate", f"SHA-256 {ready.fingerprint}")] if ready.fingerprint else []),
            ("try", f"curl -H 'Authorization: Bearer {ready.token}' '{values}'"),
            ("terminal", f"sereno monitor '{ready.example.rsplit('/', 1)[0]}/*' --data {ready.data}"),
        ]
        lines += [("look at" if i == 0 else "", text) for i, text in enumerate(self.look_at)]
        return [*lines, ("stop", "Ctrl-C")]

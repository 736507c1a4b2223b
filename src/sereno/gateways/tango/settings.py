"""How Tango is served."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class TangoSettings:
    """What [gateway.tango] says beside who may come in."""

    host: str = "127.0.0.1"
    port: int = 45450
    prefix: str = "sereno"
    names: dict[str, str] = field(default_factory=dict)
    database: str = ""
    server: str = "main"

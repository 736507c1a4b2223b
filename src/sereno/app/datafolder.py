"""What lies where in a node's data folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import orjson

from sereno.model import OperationError

from .platform import write_private

_OWN = frozenset(("keys", "reserve", "installation.json", "history", "reports", "logs", "credential.json")) | frozenset(
    ("agents", "configurations", "tls", "settings.json", "played.json")
)


@dataclass(frozen=True, slots=True)
class DataFolder:
    """One node's files: `sereno.db` (people, commands, audit), `keys/`, `history/`, `credential.json` while it runs."""

    path: Path

    @property
    def database(self) -> Path:
        """People, sessions, commands, audit."""
        return self.path / "sereno.db"

    @property
    def keys(self) -> Path:
        """Keys and anchor of the audit, readable by their owner only."""
        return self.path / "keys"

    @property
    def reserve(self) -> Path:
        """Space put by for the audit of a full disk."""
        return self.path / "reserve"

    @property
    def note(self) -> Path:
        """Which plant file and which database belong to this folder."""
        return self.path / "installation.json"

    @property
    def played(self) -> Path:
        """Until when something was played in this folder."""
        return self.path / "played.json"

    @property
    def history(self) -> Path:
        """Samples."""
        return self.path / "history"

    @property
    def reports(self) -> Path:
        """Reports, each in a folder of its own."""
        return self.path / "reports"

    @property
    def logs(self) -> Path:
        """What was logged."""
        return self.path / "logs"

    @property
    def credential(self) -> Path:
        """Address and token for the CLI on this machine, readable by its owner only."""
        return self.path / "credential.json"

    @property
    def memorised(self) -> Path:
        """What devices that are written in Python were last set to."""
        return self.path / "memorised.json"

    @property
    def agents(self) -> Path:
        """Data folders of agents with a process of their own."""
        return self.path / "agents"

    def agent(self, device: str) -> Path:
        """What an agent in a process of its own keeps."""
        return self.agents / device.replace("/", "_")

    @property
    def configurations(self) -> Path:
        """Copies of the plant files that ran, to roll back to."""
        return self.path / "configurations"

    @property
    def tls(self) -> Path:
        """The certificate that the node made for itself, with its key."""
        return self.path / "tls"

    def is_own(self, name: str) -> bool:
        """True for what the node itself keeps under this name; all else belongs to devices and applications."""
        return name in _OWN or name.startswith("sereno.db")

    def prepare(self) -> None:
        """Make the folder. Raises OperationError when that cannot be."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OperationError(
                f"cannot make the data folder {self.path}: {error.strerror}; give another --data"
            ) from None

    def publish(self, url: str, token: str, certificate: str = "", native: str = "") -> None:
        """Let clients on this machine find the running node; they trust exactly `certificate` (PEM) there."""
        fields = {"url": url, "token": token, "certificate": certificate, "native": native}
        write_private(self.credential, orjson.dumps(fields).decode())

    def withdraw(self) -> None:
        """The node has stopped."""
        self.credential.unlink(missing_ok=True)

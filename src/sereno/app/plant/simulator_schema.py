"""[[simulator]] in the plant file."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from .durations import Duration

Word = Annotated[str, Field(min_length=1, max_length=500)]
OWN_WORDS = ("--port", "--json", "--until-stdin-closes", "--scenario")
"""What the node says to a simulator by itself."""


class SimulatorTable(BaseModel):
    """[[simulator]]: `sereno sim COMMAND`, run by a node that is asked for it; `devices` take its `url` then.

    `url` and the words of `command` may hold {port}; {NAME} is the url of another simulator. `once`: it does its work
    and ends. `startup` is how long it may take until it is ready. `scenarios` are files, relative to the plant file;
    `scenario` names the one at first.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)
    command: list[Word] = Field(min_length=1)
    port: int = Field(0, ge=0, le=65535)
    url: str = Field("", max_length=300)
    devices: list[str] = []
    description: str = Field("", max_length=300)
    start: bool = True
    once: bool = False
    scenarios: list[Word] = []
    scenario: str = ""
    writes: list[str] = []
    calls: list[str] = []
    startup: Duration = 60.0
    silent: Duration = 10.0
    limit: int = Field(5, ge=0, le=1000)
    within: Duration = 300.0

    @model_validator(mode="after")
    def _whole(self) -> Self:
        own = [word for word in self.command if word.partition("=")[0] in OWN_WORDS]
        if own:
            raise ValueError(f"command has {own[0]!r}, which the node adds by itself; use port, scenario")
        if self.devices and not self.url:
            raise ValueError('devices without the url that they take, such as url = "tcp://127.0.0.1:{port}"')
        if not self.port and "{port}" in self.url:
            raise ValueError("url names {port}, and there is no port")
        return self

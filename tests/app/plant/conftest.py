"""A small driver for tests of the plant file, so that they say nothing about Modbus."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import EntryPoint
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, field_validator

from sereno.app.plant import devices
from sereno.device import Driver, DriverTag, Environment, Link, ScanColumns
from sereno.model import ValueType


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TinyConfig(Strict):
    url: str


class TinyTag(Strict):
    address: str
    raw_type: ValueType | None = None
    scale: float = 1.0
    raw: tuple[float, float] | None = None

    @property
    def scaled(self) -> bool:
        return self.raw is not None or self.scale != 1.0

    @field_validator("address")
    @classmethod
    def known(cls, value: str) -> str:
        if not value.startswith("r"):
            raise ValueError(f"address {value!r}, expected r1, r2, ...")
        return value


class TinyDriver(Driver):
    Config = TinyConfig
    TagConfig = TinyTag

    def __init__(self, config: Any, link: Link, environment: Environment) -> None:
        raise NotImplementedError

    @classmethod
    def link_key(cls, config: Any) -> str:
        return str(config.url)

    @classmethod
    def open_link(cls, config: Any, environment: Environment) -> Link:
        raise NotImplementedError

    @classmethod
    def check(cls, config: Any, tags: Sequence[DriverTag]) -> list[tuple[int, str]]:
        seen: dict[str, int] = {}
        faults = []
        for i, tag in enumerate(tags):
            if tag.config.address in seen:
                faults.append((i, f"{tag.spec.path} overlaps {tags[seen[tag.config.address]].spec.path}"))
            seen[tag.config.address] = i
        return faults

    def compile(self, rows: Sequence[DriverTag], objects: Sequence[DriverTag]) -> Any:
        raise NotImplementedError

    async def scan(self, plan: Any) -> ScanColumns:
        raise NotImplementedError

    async def write(self, tag: DriverTag, value: Any, *, deadline: float | None = None) -> None:
        raise NotImplementedError


class _Entry:
    def __init__(self, name: str) -> None:
        self.name = name
        self.value = "tests:TinyDriver"

    def load(self) -> type[Driver]:
        return TinyDriver


@pytest.fixture(autouse=True)
def tiny_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    entries: dict[str, EntryPoint] = {"tiny": _Entry("tiny")}  # type: ignore[dict-item]
    monkeypatch.setattr(devices, "driver_entries", lambda: entries)

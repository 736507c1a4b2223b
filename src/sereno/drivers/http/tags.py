"""What the plant file says about a fleet and its tags."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from sereno.model import Access, ValueType

from .protocol import LONGEST_VECTOR, AnswerError, base_of

Reduce = Literal["sum", "min", "max", "mean", "same", "count", "missing", "table", "outcome"]
FACTS = ("count", "missing", "table", "outcome")
TEXTS = ("table", "outcome")
"""These say who answered, so they are good whoever did."""
SWEEP = "sweep"
"""The command that asks everybody now."""
_PATH = re.compile(r"/[A-Za-z0-9._~/-]*\Z")
_SELECT = re.compile(r"\s*(select|with)\b", re.IGNORECASE)
_INVENTORY = re.compile(r"(http://[^\s]+|file:[^\s].*)\Z")


def _get(value: str) -> str:
    if value and _PATH.match(value) is None:
        raise ValueError(f"{value!r} is no path, expected such as /multi_possible")
    return value


def _write(value: str) -> str:
    if value and _PATH.match(value.replace("{i}", "").replace("{value}", "")) is None:
        raise ValueError(f"{value!r} is no path, expected such as /total or /compteur_bille/{{i}}/{{value}}")
    return value


class CallConfig(BaseModel):
    """A command that every member is told: by POST, unless another method is declared."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Annotated[str, AfterValidator(_get)] = Field(min_length=1)
    method: Literal["POST", "PUT", "GET"] = "POST"


def _url(value: str) -> str:
    if value.startswith("http:") and "@" in urlsplit(value).netloc:
        raise ValueError(
            "expected an inventory without a password, such as http://10.0.0.1/inventory: it would be sent nowhere"
        )
    if value and _INVENTORY.match(value) is None:
        raise ValueError(f"{value!r} is no inventory, expected such as http://10.0.0.1/inventory or file:PATH")
    if value.startswith("http:") and not (urlsplit(value).hostname and urlsplit(value).port != 0):
        raise ValueError(f"{value!r} names no host")
    return value


def _query(value: str) -> str:
    if value and not _SELECT.match(value):
        raise ValueError(f"{value[:40]!r} is no query, expected one that begins with SELECT or WITH")
    return value


def _database(value: str) -> str:
    if not value or value.startswith(("env:", "file:")):
        return value
    parts = urlsplit(value)
    if parts.scheme not in ("sqlite", "postgresql", "mariadb"):
        raise ValueError("expected env:NAME or file:PATH with the URL, or sqlite:///PATH, postgresql://, mariadb://")
    if parts.password is not None or "pass" in parts.query.lower():
        raise ValueError("a password is not in the plant file itself: put the URL into a file, and say file:PATH")
    return value


class HttpConfig(BaseModel):
    """A fleet: who belongs to it, and how its members are asked.

    `keep`: when nobody can say who belongs to it, those of the last time are asked, and what they say is uncertain.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, AfterValidator(_url)] = ""
    members: dict[str, str] = {}
    query: Annotated[str, AfterValidator(_query)] = ""
    database: Annotated[str, AfterValidator(_database)] = ""
    keep: bool | None = None
    port: int = Field(8000, ge=1, le=65535)
    timeout: float = Field(2.0, gt=0, le=600)
    in_flight: int = Field(100, ge=1, le=10_000)
    max_bytes: int = Field(65_536, ge=16, le=1 << 24)
    calls: dict[str, CallConfig] = {}

    @model_validator(mode="after")
    def _who(self) -> Self:
        if [bool(self.url), bool(self.members), bool(self.query)].count(True) != 1:
            raise ValueError(
                "one of url (of the inventory), query (to a database) and members (names and addresses) says who "
                "belongs to it"
            )
        if bool(self.query) is not bool(self.database):
            raise ValueError("query and database go together")
        for name in self.calls:
            if name == SWEEP or not name.isidentifier():
                raise ValueError(f"{name!r} is no name of a command, expected such as disconnect, and not {SWEEP}")
        for name, address in self.members.items():
            try:
                base_of(address, self.port)
            except AnswerError as error:
                raise ValueError(f"member {name!r}: {error}") from None
        return self


class HttpTagConfig(BaseModel):
    """What members are asked for, which part of their answers counts, and what is made of all of them.

    `length`: the answers are vectors, and so is the tag. `element`: only this one of a vector of `length`.
    `write`: where it is sent to every member, {value} and the number {i} of an element in the path, else as JSON with
    the value under `field`. `total`: only the present good value of this tag of the device may be written. `of`: the
    tag or the command whose last outcome it tells, member by member.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    get: Annotated[str, AfterValidator(_get)] = ""
    pick: str = Field("", pattern=r"^([^.\s]+(\.[^.\s]+)*)?$")
    reduce: Reduce | None = None
    length: int | None = Field(None, ge=1, le=LONGEST_VECTOR)
    element: int | None = Field(None, ge=0, lt=LONGEST_VECTOR)
    partial: Literal["bad", "uncertain"] = "bad"
    write: Annotated[str, AfterValidator(_write)] = ""
    method: Literal["PUT", "POST", "GET"] = "PUT"
    field: str = Field("value", max_length=60)
    total: str = ""
    of: str = ""

    @property
    def default_type(self) -> ValueType:
        """Counts are whole numbers, the table is text."""
        if self.reduce in TEXTS:
            return ValueType.STRING
        return ValueType.INT32 if self.reduce in ("count", "missing") else ValueType.FLOAT64

    @property
    def default_access(self) -> Access:
        """What is written can be read where it is asked for too."""
        if not self.write:
            return Access.READ
        return Access.READ_WRITE if self.get else Access.WRITE

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the tag's value."""
        whole = self.length is not None and self.element is None and self.reduce not in FACTS
        return (self.length,) if whole and self.length is not None else ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if bool(self.get) is not (self.reduce not in (None, "outcome")):
            raise ValueError(
                "get and reduce go together; only outcome has no get, and a tag that is only written neither"
            )
        if (self.reduce == "outcome") is not bool(self.of):
            raise ValueError('of and reduce = "outcome" go together: of names the tag or command that it tells of')
        if not self.get and not self.write and self.reduce is None:
            raise ValueError("a tag has get and reduce, or write")
        if self.write:
            self._writable()
        elif self.total:
            raise ValueError("total says what may be written, and this tag has no write")
        if self.element is not None and (self.length is None or self.element >= self.length):
            raise ValueError("element needs a length that is more than it: answers of another length do not count")
        return self

    def _writable(self) -> None:
        if self.method == "GET" and "{value}" not in self.write:
            raise ValueError("a GET carries its value in the path: write = /.../{value}")
        if "{i}" in self.write and self.length is None:
            raise ValueError("{i} is the number of an element, and this tag has no length")
        if "{value}" in self.write and self.length is not None and "{i}" not in self.write:
            raise ValueError("a vector does not fit into a path; write each element by its number {i}")
        if self.element is not None or self.reduce not in (None, "same"):
            raise ValueError('what is written is read back by reduce = "same", and whole')

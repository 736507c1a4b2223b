"""The keys that a plant file's table of a protocol without authentication must have."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from .insecure import LOOPBACK_ONLY, Insecure, Network, check_globs, network


def _network(text: str) -> str:
    return str(network(text))


def _glob(text: str) -> str:
    return check_globs((text,))[0]


NetworkText = Annotated[str, AfterValidator(_network)]
Glob = Annotated[str, AfterValidator(_glob)]


class AllowTable(BaseModel):
    """Mix-in for the tables of drivers that listen, where the protocol has no authentication.

    A subclass names its `protocol`, as people call it, and the `danger`: what whoever reaches the port can do.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    protocol: ClassVar[str]
    danger: ClassVar[str]

    insecure: bool = False
    allow: list[NetworkText] = Field(default=[str(one) for one in LOOPBACK_ONLY], min_length=1, max_length=1000)

    @model_validator(mode="after")
    def _declared(self) -> Self:
        if not self.insecure:
            raise ValueError(
                f"{self.protocol} has no authentication: whoever reaches its port from an allowed address can "
                f"{self.danger}; say insecure = true if that is meant, and list in `allow` the networks it is meant "
                "for (without it, this machine only)"
            )
        return self

    @property
    def allowed(self) -> tuple[Network, ...]:
        """The networks."""
        return tuple(network(one) for one in self.allow)


class InsecureTable(AllowTable):
    """Mix-in for the tables of gateways that are read and written by, as AllowTable.

    `insecure_as(name)` gives what its listener is built with.
    """

    danger: ClassVar[str] = "read what `reads` names and write what `writes` names"

    reads: list[Glob] = Field(default=["*"], max_length=1000)
    writes: list[Glob] = Field(default=[], max_length=1000)

    def insecure_as(self, name: str) -> Insecure:
        """As the value that the listener is given; `name` is the actor's, such as "gateway/line"."""
        return Insecure(name=name, allow=self.allowed, reads=tuple(self.reads), writes=tuple(self.writes))

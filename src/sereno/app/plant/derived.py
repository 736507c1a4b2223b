"""`driver = "derived"`: devices whose tags are computed from tags of other devices, and forward commands to them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sereno.app.serve.classes import load_named
from sereno.derive.rule import CycleError, DerivedRule, levels
from sereno.device import DriverTag
from sereno.expression.compiler import Expression
from sereno.model import Access, ConfigurationError, Fault, Subject, TagSpec

from .causes import of
from .conditions import read_expression, spec_of
from .faults import nearest
from .schema import DeviceTable

NAME = "derived"
Marked = Mapping[str, Collection[str]]
Length = Annotated[int, Field(ge=1, le=1_000_000)]


class DerivedConfig(BaseModel):
    """Keys of the device. `calls` = its commands, each with the device and command that it is handed on to."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    calls: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], str] = {}


class DerivedTagConfig(BaseModel):
    """Keys of a tag: `value` is an expression; `function` ("module:name" or "file.py:name") is given `inputs` instead.

    `forward` is the tag that a write to this one goes to.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    value: str | None = Field(None, min_length=1, max_length=4000)
    function: str | None = None
    inputs: list[str] = []
    forward: str = ""
    shape: tuple[Length, ...] = ()

    @property
    def default_access(self) -> Access:
        """What forwards may be written."""
        return Access.READ_WRITE if self.forward else Access.READ

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.value is None) is (self.function is None):
            raise ValueError("either value = an expression or function = a function in Python, one of them")
        if self.function is not None and not self.inputs:
            raise ValueError("a function without inputs; list the tags that it is given")
        if self.function is None and self.inputs:
            raise ValueError("inputs go with a function; an expression names its tags itself")
        return self


class DerivedFamily:
    """What stands where a driver does, for the loader of plant files."""

    Config = DerivedConfig
    TagConfig = DerivedTagConfig

    @classmethod
    def check(cls, config: Any, tags: Sequence[DriverTag]) -> list[tuple[int, str]]:
        """Nothing shows without the other devices; see `derived_rules`."""
        del config, tags
        return []


def derived_rules(
    derived: Sequence[tuple[DriverTag, str]], tags: Mapping[str, TagSpec], folder: Path, faults: list[Fault]
) -> tuple[DerivedRule, ...]:
    """The rules of the derived tags, each given with where it stands. What is wrong with them is added to `faults`."""
    rules: list[DerivedRule] = []
    for tag, where in derived:
        found: list[Fault] = []
        rule = _Maker(tag, where, tags, folder, found).rule()
        rules += [rule] if rule is not None else []
        faults += of(Subject("tag", tag.spec.path), found)
    where_of = {tag.spec.path: where for tag, where in derived}
    try:
        levels({rule.spec.path: rule.inputs for rule in rules})
    except CycleError as error:
        faults.append(Fault(where_of[error.cycle[0]], str(error), "a value that does not need itself"))
    return tuple(rules)


class _Maker:
    """One tag on its way to a rule."""

    def __init__(
        self, tag: DriverTag, where: str, tags: Mapping[str, TagSpec], folder: Path, faults: list[Fault]
    ) -> None:
        self._spec, self._config = tag.spec, tag.config
        self._where, self._tags, self._folder, self._faults = where, tags, folder, faults
        self._label = f"derived tag {tag.spec.path!r}"

    def rule(self) -> DerivedRule | None:
        """The rule, None if it has a fault."""
        before = len(self._faults)
        self._check_forward()
        function = expression = None
        if self._config.function is not None:
            function = self._function(self._config.function)
            inputs = tuple(self._config.inputs)
            for path in inputs:
                self._known(path, "input")
        else:
            expression = self._expression(self._config.value)
            inputs = expression.paths if expression else ()
        if len(self._faults) > before:
            return None
        forward = self._config.forward
        return DerivedRule(spec=self._spec, inputs=inputs, expression=expression, function=function, forward=forward)

    def _expression(self, text: str) -> Expression[TagSpec] | None:
        found = read_expression(text, self._where, f"value of {self._label}", self._tags, self._faults)
        if found is None:
            return None
        if not found.paths:
            self._fault(f"the value of {self._label} names no tag")
        if found.needs_age:
            self._fault(f"age() in the value of {self._label}", fix="Use good(tag): silence turns it bad")
        if not self._spec.is_row:
            self._check_same(found)
        elif odd := [spec.path for spec in found.tags if not spec.is_row]:
            text = f"{odd[0]!r} in the value of {self._label} is a text or an array"
            self._faults.append(Fault(self._where, text, "numbers, or a function", misses=spec_of(odd[0])))
        return found

    def _check_same(self, found: Expression[TagSpec]) -> None:
        """A text or an array can only be another one as it is."""
        if found.text.strip() != found.paths[0]:
            self._fault(f"{self._label} is a text or an array with a formula", "the path of one tag, or a function")
        source = found.tags[0]
        if (source.type, source.shape) != (self._spec.type, self._spec.shape):
            text = f"{self._label} is not of the type and shape of {source.path!r}"
            self._faults.append(Fault(self._where, text, f"type {source.type}", misses=spec_of(source.path)))

    def _function(self, name: str) -> Callable[..., Any] | None:
        try:
            found = load_named(name, where=self._where, folder=self._folder)
        except ConfigurationError as error:
            self._faults += error.faults
            return None
        if not callable(found):
            self._fault(f"{name!r} of {self._label} is no function")
            return None
        return found

    def _check_forward(self) -> None:
        path = self._config.forward
        if not path:
            if self._spec.access.writable:
                self._fault(f"{self._label} is writable and forwards to nothing", "forward = the tag behind it")
            return
        behind = self._known(path, "forward")
        if behind is None:
            return
        if not behind.access.writable:
            found, expected = f"forward {path!r} of {self._label} is read only", 'access = "read_write" or "write"'
            self._faults.append(Fault(self._where, found, expected, misses=spec_of(path)))
        if behind.setpoint.marked:
            found = f"forward {path!r} of {self._label} waits for people (select, approval or sign)"
            self._fault(found, "those keys on the derived tag instead")

    def _known(self, path: str, what: str) -> TagSpec | None:
        spec = self._tags.get(path)
        if spec is None:
            found, missed = f"{what} {path!r} of {self._label} is no tag", Subject("tag", path)
            self._faults.append(Fault(self._where, found, fix=nearest(path, self._tags), misses=missed))
        return spec

    def _fault(self, found: str, expected: str = "", fix: str = "") -> None:
        self._faults.append(Fault(self._where, found, expected, fix))


def check_calls(device: DeviceTable, config: DerivedConfig, where: str, marked: Marked, faults: list[Fault]) -> None:
    """Add a fault for each command that is handed on to no device, or to one where it would wait for people.

    Nothing would heed marks or an interlock of its own either. `marked`: of each device of the plant which of its
    commands wait for people.
    """
    for name, behind in config.calls.items():
        target, _, command = behind.rpartition("/")
        found = f"command {name!r} of {device.name!r} is handed on to {behind!r}, "
        if target not in marked:
            words = f"{found}and there is no device {target!r}"
            expected, missed = "such as area/device/command", Subject("device", target)
            faults.append(Fault(where, words, expected, nearest(target, [*marked]), misses=missed))
        elif command.casefold() in {one.casefold() for one in marked[target]}:
            faults.append(Fault(where, f"{found}where it waits for people", "a command that waits for nobody"))
    for name in device.commands:
        words = f"'commands' marks {name!r} of {device.name!r}: a derived device hands its commands on"
        faults.append(Fault(where, words, "marks at the device behind it, whose command people then call"))


def function_files(function: Callable[..., Any]) -> list[Path]:
    """The source file of a function, where it has one that is not Python's own or an installed package's."""
    code = getattr(function, "__code__", None)
    file = Path(code.co_filename) if code is not None else None
    return [file] if file is not None and file.is_file() and "site-packages" not in file.parts else []

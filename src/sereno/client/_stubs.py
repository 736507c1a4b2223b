"""Typed stubs of devices (.pyi): what an editor and a type checker are told of a proxy's names."""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sereno.model import TagSpec, ValueType, match_paths

from ._described import CommandSpec, ParameterSpec

if TYPE_CHECKING:
    from ._client import Client

_HEAD = '''"""Devices as they were when these stubs were written: `ps: {example} = await client["..."]`."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sereno.client import CommandProxy, DeviceProxy, TagProxy
'''
_PYTHON = {ValueType.BOOL: "bool", ValueType.STRING: "str", ValueType.FLOAT32: "float", ValueType.FLOAT64: "float"}


def stubs(devices: Iterable[tuple[str, Sequence[TagSpec], Sequence[CommandSpec]]]) -> str:
    """The text of a .pyi for devices: path, tags, and commands as devices declare them."""
    classes = [(class_name(path), path, tags, commands) for path, tags, commands in devices]
    parts = [_HEAD.format(example=classes[0][0] if classes else "Device")]
    parts += [_class(*one) for one in classes]
    return "\n\n".join(parts)


def class_name(path: str) -> str:
    """lab/ps/1 -> LabPs1."""
    words = "".join(word.capitalize() for word in path.replace("/", "_").split("_"))
    return words if words.isidentifier() else f"Device{words}"


def _class(name: str, path: str, tags: Sequence[TagSpec], commands: Sequence[CommandSpec]) -> str:
    lines = [f"class {name}(DeviceProxy):", f'    """{path}"""', ""]
    for spec in tags:
        own = spec.path.removeprefix(f"{path}/")
        if _usable(own):
            doc = _doc(f"{spec.type}, {spec.access}", spec.unit, spec.description)
            lines += [f"    {own}: TagProxy", f'    """{doc}; its value: {_value_type(spec)}"""']
    for command in commands:
        if _usable(command.name):
            lines += ["    @property", f"    def {command.name}(self) -> _{name}_{command.name}: ..."]
    body = "\n".join(lines if len(lines) > 3 else lines[:2]) + "\n"
    return body + "".join(f"\n\n{_command(name, command)}" for command in commands if _usable(command.name))


def _command(owner: str, command: CommandSpec) -> str:
    """A class of its own, so that the arguments of a call are checked."""
    given = [_parameter(p) for p in command.parameters]
    result = _value_type(command.result) if command.result is not None else "None"
    signature = ", ".join(["self", *given, "*", "timeout: float = ...", "comment: str = ..."])
    doc = f'\n        """{_doc(command.description)}"""' if command.description else ""
    tail = f"{doc}\n" if doc else " ...\n"
    return f"class _{owner}_{command.name}(CommandProxy):\n    async def __call__({signature}) -> {result}:{tail}"


def _parameter(parameter: ParameterSpec) -> str:
    return f"{parameter.name}: {_value_type(parameter)}" + (" = ..." if parameter.optional else "")


def _value_type(spec: TagSpec | ParameterSpec) -> str:
    kind: ValueType = spec.type
    if kind is ValueType.ENUM:
        plain = f"Literal[{', '.join(map(repr, spec.labels))}]" if spec.labels else "str"
    else:
        plain = _PYTHON.get(kind, "int")
    if not spec.shape:
        return plain
    return f"list[{plain}]" if kind in (ValueType.STRING, ValueType.ENUM) else f"NDArray[np.{_numpy(kind)}]"


def _numpy(kind: ValueType) -> str:
    return "bool_" if kind is ValueType.BOOL else str(kind)


def _doc(*parts: str) -> str:
    text = ", ".join(part for part in parts if part)
    return text.replace("\\", "\\\\").replace('"', "'").replace("\n", " ")


def _usable(name: str) -> bool:
    return name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("_")


async def device_stubs(client: Client, globs: Sequence[str]) -> tuple[str, list[str]]:
    """The text of a .pyi for the devices that globs name, and their paths."""
    status = {one.path: one for one in await client.devices()}
    paths = [path for path in sorted(status) if any(match_paths(glob, [path]) for glob in globs)]
    described = []
    for path in paths:
        tags = [spec for spec in await client.tags(path) if spec.device == path]
        described.append((path, tags, status[path].commands))
    return stubs(described), paths

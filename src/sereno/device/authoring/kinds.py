"""What a type hint declares, and how values of it become columns and come back."""

from __future__ import annotations

import builtins
import types
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache, lru_cache
from typing import Annotated, Any, Union

import numpy as np
from numpy.typing import NDArray

from sereno.model import ValueType

ANY_LENGTH = 0
"""In a shape: as long as the value is."""

_SCALARS: dict[Any, ValueType] = {
    bool: ValueType.BOOL,
    int: ValueType.INT64,
    float: ValueType.FLOAT64,
    str: ValueType.STRING,
    np.bool_: ValueType.BOOL,
    **{np.dtype(kind.value).type: kind for kind in ValueType if kind.value[-1].isdigit()},
}
_LISTS = (list, tuple, Sequence)
EXPECTED = "bool, int, float, str, a numpy scalar, an Enum class, list[...] or NDArray[...] of these"


@dataclass(frozen=True, slots=True)
class Kind:
    """A value's type: `enum` is its Python class; `array`: code sees numpy arrays, else lists."""

    type: ValueType
    shape: tuple[int, ...] = ()
    enum: builtins.type[Enum] | None = None
    array: bool = False

    @property
    def labels(self) -> tuple[str, ...]:
        """Words of an enum's members in their order: text values as they are, names in lower case otherwise."""
        return tuple(_label(member) for member in self.enum) if self.enum else ()

    @property
    def words(self) -> str:
        """As in messages: float, enum Mode, array of int32."""
        name = f"enum {self.enum.__name__}" if self.enum else str(self.type)
        return f"array of {name}, {len(self.shape)}-dimensional" if self.shape else name

    def coded(self, value: Any) -> Any:
        """As columns carry it: bool, int, float, enum code, text, read-only array, tuple of texts.

        Raises TypeError or ValueError that say what was expected.
        """
        if self.shape:
            return self._array(value)
        coder: Callable[[Kind, Any], Any] = _CODERS.get(self.type, _number)
        return coder(self, value)

    def opened(self, coded: Any) -> Any:
        """What code sees of a coded value; a tuple (as commands bring arrays) is taken for any array."""
        if not self.shape:
            return list(self.enum)[coded] if self.enum else coded
        if self.type is ValueType.STRING:
            return _nested(coded, list)
        array = np.asarray(coded, self.dtype)
        if ANY_LENGTH not in self.shape:
            array = array.reshape(self.shape)
        if self.enum:
            members = list(self.enum)
            return _nested(array.tolist(), list, lambda code: members[code])
        return array if self.array else array.tolist()

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of an array's elements."""
        return np.dtype(np.int32 if self.type is ValueType.ENUM else self.type.value)

    @property
    def zero(self) -> Any:
        """The value, coded, that something of this kind starts with."""
        if not self.shape:
            known: dict[ValueType, Any] = {ValueType.STRING: "", ValueType.BOOL: False}
            return known.get(self.type, 0.0 if self.type.is_float else 0)
        if self.type is ValueType.STRING:
            return ()
        return _frozen(np.zeros(self.shape, self.dtype))

    def _array(self, value: Any) -> Any:
        if isinstance(value, str | bytes) or not isinstance(value, Sequence | np.ndarray):
            raise TypeError(f"{_shown(value)} is not an {self.words}")
        element = Kind(self.type, (), self.enum)
        if self.type is ValueType.STRING:
            found: Any = _nested(value, tuple, element.coded)
            self._check_shape(np.shape(found))
            return found
        if isinstance(value, np.ndarray) and value.dtype.kind in "biuf" and self.enum is None:
            array = self._converted(value)
        else:
            array = np.array(_nested(value, list, element.coded), self.dtype)
            if array.ndim < len(self.shape) and array.size == 0:
                array = array.reshape((0,) * len(self.shape))
        self._check_shape(array.shape)
        return _frozen(array)

    def _converted(self, value: NDArray[Any]) -> NDArray[Any]:
        """A copy: the caller may go on writing into its own."""
        wanted = self.dtype
        if value.dtype.kind == "f" and wanted.kind != "f":
            raise TypeError(f"an array of {value.dtype} is not an {self.words}")
        if value.dtype.kind != "b" and wanted.kind == "b":
            raise TypeError(f"an array of {value.dtype} is not an {self.words}")
        if wanted.kind in "iu" and value.size:
            bounds = np.iinfo(wanted)
            low, high = int(value.min()), int(value.max())
            if low < bounds.min or high > bounds.max:
                raise ValueError(f"an array from {low} to {high} does not fit {wanted}")
        return np.array(value, wanted)

    def _check_shape(self, found: tuple[int, ...]) -> None:
        fits = len(found) == len(self.shape) and all(
            want in (ANY_LENGTH, have) for want, have in zip(self.shape, found, strict=True)
        )
        if not fits:
            raise ValueError(f"an array of shape {found}, expected {self.shape}".replace(str(ANY_LENGTH) + ",", "any,"))


def kind_of(hint: Any, *, type_: str = "", shape: Sequence[int] | None = None) -> Kind:
    """The kind that a hint declares; `type_` narrows int or float, `shape` fixes lengths. Raises TypeError."""
    hint = plain_hint(hint)
    found = _scalar_kind(hint) or _array_kind(hint)
    if found is None:
        raise TypeError(f"{hint_words(hint)} is no type for a value")
    if type_:
        found = _narrowed(found, type_)
    if shape is not None:
        fits = len(shape) in (1, 2) if found.array else len(shape) == len(found.shape)
        if not fits or any(n < 0 for n in shape):
            raise TypeError(f"shape {tuple(shape)} for {hint_words(hint)}, which has {len(found.shape)} dimension(s)")
        found = Kind(found.type, tuple(shape), found.enum, found.array)
    return found


def plain_hint(hint: Any) -> Any:
    """The hint without what stands beside it in Annotated."""
    return typing.get_args(hint)[0] if typing.get_origin(hint) is Annotated else hint


def hint_words(hint: Any) -> str:
    """A hint as it was written, as far as can be told."""
    return hint.__name__ if isinstance(hint, type) and not typing.get_args(hint) else str(hint)


def _scalar_kind(hint: Any) -> Kind | None:
    if not isinstance(hint, type):
        return None
    if hint in _SCALARS:
        return Kind(_SCALARS[hint])
    if issubclass(hint, Enum) and len(hint):
        return Kind(ValueType.ENUM, (), hint)
    return None


def _array_kind(hint: Any) -> Kind | None:
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if origin is np.ndarray:
        element = _scalar_kind(typing.get_args(inside[1])[0]) if typing.get_args(inside[1]) else None
        return Kind(element.type, (ANY_LENGTH,), None, True) if element else None
    if origin not in _LISTS or not inside or (origin is tuple and inside[1:] != (...,)):
        return None
    element = _scalar_kind(inside[0]) or _array_kind(inside[0])
    if element is None or len(element.shape) > 1 or element.array:
        return None
    return Kind(element.type, (ANY_LENGTH, *element.shape), element.enum)


def _narrowed(kind: Kind, name: str) -> Kind:
    try:
        wanted = ValueType(name)
    except ValueError:
        raise TypeError(f"type {name!r} is none of {', '.join(ValueType)}") from None
    integers = kind.type is ValueType.INT64 and np.dtype(_dtype_name(wanted)).kind in "iu"
    if not (integers or (kind.type is ValueType.FLOAT64 and wanted.is_float)):
        raise TypeError(f"type {name!r} for a value that is declared as {kind.type}")
    return Kind(wanted, kind.shape, None, kind.array)


def _dtype_name(kind: ValueType) -> str:
    return kind.value if kind.value[-1].isdigit() else "object"


def _label(member: Enum) -> str:
    return member.value if isinstance(member.value, str) else member.name.lower()


def _nested(value: Any, kind: type, each: Callable[[Any], Any] = lambda v: v) -> Any:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return kind(_nested(v, kind, each) for v in value)
    return each(value)


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array.setflags(write=False)
    return array


def _shown(value: Any) -> str:
    return f"{value!r:.60} ({type(value).__name__})"


def _bool(kind: Kind, value: Any) -> bool:
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise TypeError(f"{_shown(value)} is not a {kind.words}")


def _text(kind: Kind, value: Any) -> str:
    if isinstance(value, str):
        return str(value)
    raise TypeError(f"{_shown(value)} is not a {kind.words}")


def _enum(kind: Kind, value: Any) -> int:
    assert kind.enum is not None
    if isinstance(value, kind.enum):
        return _members(kind.enum).index(value)
    if isinstance(value, str) and value in kind.labels:
        return kind.labels.index(value)
    raise TypeError(f"{_shown(value)} is none of {', '.join(kind.labels)}")


@lru_cache(maxsize=256)
def _members(enum: type[Enum]) -> tuple[Enum, ...]:
    return tuple(enum)


@cache
def _bounds(type_: ValueType) -> tuple[int, int]:
    """The least and the greatest number of an integer type."""
    found = np.iinfo(type_.value)
    return int(found.min), int(found.max)


def _number(kind: Kind, value: Any) -> int | float:
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{_shown(value)} is not a {kind.words}")
    if kind.type.is_float:
        return float(value)
    if not isinstance(value, int) and not float(value).is_integer():
        raise TypeError(f"{_shown(value)} is not a {kind.words}")
    number = int(value)
    low, high = _bounds(kind.type)
    if not low <= number <= high:
        raise ValueError(f"{number} does not fit {kind.type}, {low} to {high}")
    return number


_CODERS: dict[ValueType, Callable[[Kind, Any], Any]] = {
    ValueType.BOOL: _bool,
    ValueType.STRING: _text,
    ValueType.ENUM: _enum,
}


def optional_words(hint: Any) -> str:
    """Why a union is no type for a value; empty if the hint is none."""
    if typing.get_origin(hint) not in (Union, types.UnionType):
        return ""
    if type(None) in typing.get_args(hint):
        return "a missing value is said with its quality, not with None"
    return "a value has one type"

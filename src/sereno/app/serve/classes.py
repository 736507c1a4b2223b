"""Classes by name: MODULE:CLASS or FILE.py:CLASS, with near spellings and the line of what is wrong."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import linecache
import sys
import traceback
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any
from zlib import crc32

from sereno.device import Device
from sereno.model import ConfigurationError, Fault


def load_class(name: str, *, where: str = "", folder: Path | None = None) -> type[Device]:
    """The device class of that name. `folder` is where modules and files are looked for first, else the present one.

    Raises ConfigurationError, located `where`, or in the module if it is the module that is wrong.
    """
    module, source, attribute = _split(name, "Class", where, folder)
    found = _attribute(module, attribute)
    if isinstance(found, type) and issubclass(found, Device) and found is not Device:
        return found
    known = [n for n, v in vars(module).items() if _is_device(v)]
    near = get_close_matches(attribute, known, 1) or known
    what = (
        f"{attribute} of {source} is no subclass of sereno.Device"
        if found is not None
        else f"{source} has no {attribute!r}"
    )
    raise _fault(where or name, what, fix=f"There is {', '.join(near)}." if near else "")


def load_named(name: str, *, where: str = "", folder: Path | None = None) -> object:
    """Whatever has that name, "module:name" or "file.py:name". Raises as `load_class`."""
    module, source, attribute = _split(name, "name", where, folder)
    found = _attribute(module, attribute)
    if found is None:
        near = get_close_matches(attribute, vars(module), 1)
        raise _fault(where or name, f"{source} has no {attribute!r}", fix=f"There is {near[0]}." if near else "")
    return found


def _split(name: str, kind: str, where: str, folder: Path | None) -> tuple[ModuleType, str, str]:
    source, colon, attribute = name.rpartition(":")
    if not colon or not source or not attribute:
        raise _fault(
            where or name,
            f"{name!r} names no {kind.lower()}",
            f"module:{kind} or file.py:{kind}",
        )
    return _module(source, where or name, folder or Path()), source, attribute


def _attribute(module: ModuleType, attribute: str) -> object:
    found: object = module
    for part in attribute.split("."):
        found = getattr(found, part, None)
    return found


def module_files(cls: type[Device]) -> list[Path]:
    """The source files that the class and those it inherits are written in, without Sereno's own."""
    files = []
    for one in cls.__mro__:
        if issubclass(one, Device) and not one.__module__.startswith("sereno."):
            file = inspect.getsourcefile(one)
            if file is not None:
                files.append(Path(file))
    return list(dict.fromkeys(files))


def class_again(cls: type[Device]) -> type[Device]:
    """The class as its source is now. Raises ConfigurationError, and the old module stays, if that cannot be.

    Only the module that the class is written in is looked at again.
    """
    module = sys.modules[cls.__module__]
    file = inspect.getsourcefile(cls) or ""
    fresh = ModuleType(module.__name__)
    vars(fresh).update(
        {k: vars(module)[k] for k in ("__file__", "__loader__", "__package__", "__spec__") if k in vars(module)}
    )
    try:
        source = Path(file).read_text("utf-8")
        sys.modules[module.__name__] = fresh
        exec(compile(source, file, "exec"), vars(fresh))  # noqa: S102 - the module that runs already, as it is now
    except BaseException as error:
        sys.modules[module.__name__] = module
        raise _broken(error, file) from error
    linecache.checkcache(file)
    found: Any = getattr(fresh, cls.__qualname__, None)
    if not _is_device(found):
        sys.modules[module.__name__] = module
        raise _fault(file, f"there is no class {cls.__qualname__} any more")
    again: type[Device] = found
    return again


def _broken(error: BaseException, file: str) -> ConfigurationError:
    if isinstance(error, SyntaxError):
        return _fault(f"{error.filename}:{error.lineno}", f"{error.msg}: {(error.text or '').strip()}")
    return _fault(_line_of(error) or file, f"{type(error).__name__}: {error}")


def _is_device(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Device) and value is not Device


def _module(source: str, where: str, folder: Path) -> ModuleType:
    if source in sys.modules:
        return sys.modules[source]
    is_file = source.endswith(".py") or "/" in source
    try:
        return _from_file(folder / source, where) if is_file else _imported(source, folder)
    except ConfigurationError:
        raise
    except SyntaxError as error:
        raise _broken(error, source) from error
    except Exception as error:
        line = _line_of(error)
        missing = isinstance(error, ModuleNotFoundError) and error.name == source.partition(".")[0]
        hint = f"Is it installed, or in {folder.resolve()}? A file is given with its ending: {source}.py:Class"
        words = f"{source} cannot be imported: {type(error).__name__}: {error}"
        raise _fault(where if missing or not line else line, words, fix=hint if missing else "") from error


def _imported(source: str, folder: Path) -> ModuleType:
    path = str(folder.resolve())
    if path not in sys.path:
        sys.path.insert(0, path)
    importlib.invalidate_caches()
    return importlib.import_module(source)


def _from_file(file: Path, where: str) -> ModuleType:
    if not file.is_file():
        near = sorted(p.name for p in file.parent.glob("*.py"))[:5] if file.parent.is_dir() else []
        raise _fault(where, f"no file {file}", fix=f"There are {', '.join(near)}." if near else "")
    free = file.stem.isidentifier() and file.stem not in sys.modules
    name = file.stem if free else f"served_{crc32(str(file.resolve()).encode()):08x}"
    spec = importlib.util.spec_from_file_location(name, file.resolve())
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _line_of(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if "importlib" not in f.filename and "/sereno/app/" not in f.filename.replace("\\", "/")]
    return f"{own[-1].filename}:{own[-1].lineno}" if own else ""


def _fault(where: str, found: str, expected: str = "", fix: str = "") -> ConfigurationError:
    return ConfigurationError([Fault(where, found, expected, fix)])

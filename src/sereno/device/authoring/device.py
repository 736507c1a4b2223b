"""Device: what people write. A class with typed tags, commands and settings; the framework does the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import structlog
from pydantic import ValidationError

from sereno.client import Client
from sereno.device._driver import Environment
from sereno.model import ConfigurationError, Fault, NotConnectedError, NotFoundError, OperationalState, Quality

from .extra import Extra
from .plan import ClassPlan, PlannedCommand, PlannedTag, plan_of
from .turn import Turn
from .values import Values


class Device:
    """A device. Declare tags with `tag`, commands with `command`, periodic work with `scan`, settings with `setting`.

    `startup` is called when it shall connect, and again after each loss; while it raises, it is tried again.
    Calls to one device come one after another; methods that are not async run in a thread of the device's own.
    """

    def __init__(self, **settings: Any) -> None:
        plan = plan_of(type(self))
        self._plan: ClassPlan = plan
        self._tags: dict[str, PlannedTag] = dict(plan.tags)
        self._commands: dict[str, PlannedCommand] = dict(plan.commands)
        self._settings = vars(checked_settings(plan, settings))
        self._path = ""
        self._values = Values(type(self).__name__, plan.tags.values())
        self._children: dict[str, Device] = {}
        self._parent: Device | None = None
        self._turn = Turn(type(self).__name__)
        self._status = ""
        self._remarks: tuple[str, ...] = ()
        self._runtime: Any = None
        self._extra = Extra(self._values, self._tags, self._commands)

    def startup(self) -> Any:
        """Connect: open ports, ask who is there. May be async. Raising means: not now, try again later."""

    def shutdown(self) -> Any:
        """Disconnect what `startup` has connected. May be async."""

    @property
    def path(self) -> str:
        """The device's path in the plant."""
        return self._path

    @property
    def parent(self) -> Device | None:
        """The device that this one is a child of."""
        return self._parent

    @property
    def log(self) -> Any:
        """A structlog logger that names the device."""
        return structlog.get_logger(f"{type(self).__module__}.{type(self).__name__}").bind(device=self._path)

    @property
    def client(self) -> Client:
        """The plant as this device may see and command it: for agents, in the loop, from `startup` on.

        Raises RefusedError for a device that is not declared as an agent, NotConnectedError before it runs.
        """
        if self._runtime is None:
            raise NotConnectedError(f"{type(self).__name__} does not run yet")
        found: Client = self._runtime.client
        return found

    @property
    def folder(self) -> Path:
        """The data folder of the node, for files of its own; from `startup` on. Raises NotConnectedError."""
        if self._runtime is None:
            raise NotConnectedError(f"{type(self).__name__} does not run yet")
        found: Path = self._runtime.folder
        return found

    @property
    def surroundings(self) -> Environment:
        """Clock, connections and randomness, as tests may replace them: from `startup` on.

        Raises NotConnectedError before it runs.
        """
        if self._runtime is None:
            raise NotConnectedError(f"{type(self).__name__} does not run yet")
        found: Environment = self._runtime.environment
        return found

    @property
    def state(self) -> OperationalState:
        """The operational state."""
        return OperationalState.OFFLINE if self._runtime is None else self._runtime.state

    @property
    def status(self) -> str:
        """What the device says of itself, in words."""
        return self._status

    def set_state(self, state: str | OperationalState, status: str = "") -> None:
        """Say that the device is in standby, disabled or in fault although it answers; "enabled" takes that back.

        What is allowed follows from the state. Any thread. Raises ValueError for "offline": that is the framework's.
        """
        wanted = OperationalState(state)
        if wanted is OperationalState.OFFLINE:
            raise ValueError("a device is offline when it is not started, it cannot say so itself")
        self._status = status
        if self._runtime is not None:
            self._runtime.hold(wanted, status)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What was found out about the device, in words."""
        return self._remarks

    def remark(self, *lines: str) -> None:
        """Say what was found out about the device, such as versions: shown beside it, in place of what was before."""
        self._remarks = lines

    def push(self, name: str, value: Any, *, quality: int = int(Quality.GOOD), t_source: int = 0) -> None:
        """Publish a value of a tag with a quality and a time (ns UTC) of its own. Any thread.

        Raises TypeError or ValueError for a value of another kind.
        """
        self._values.set(name, value, quality=quality, t_source=t_source)

    def data_ready(self, name: str, count: int = 0) -> None:
        """Tell who waits for it that new data can be read in a tag; `count` numbers it. Any thread.

        Raises NotFoundError for a tag that there is not.
        """
        if name not in self._tags:
            raise NotFoundError(f"{self._path or type(self).__name__} has no tag {name!r}")
        if self._runtime is not None:
            self._runtime.ready(name, count)

    def value(self, name: str) -> Any:
        """The present value of a tag, as its attribute. Raises DeviceError while there is none, NotFoundError."""
        return self._values.get(name)

    def add_tag(
        self,
        name: str,
        hint: Any,
        *,
        read: Callable[[], Any] | None = None,
        on_write: Callable[[Any], Any] | None = None,
        **options: Any,
    ) -> None:
        """One more tag of the type `hint`, with the options of `tag`. Any thread; in `startup` or later.

        `read` gives its value once per period, `on_write` takes what is written; without `read`, `push` sets it.
        What is there already with the same declaration stays. Raises ConfigurationError.
        """
        from .dynamic import dynamic_tag, not_declared_twice

        not_declared_twice(self, name, self._plan.tags)
        made, period = dynamic_tag(name, hint, read, on_write, options)
        self._change(lambda: self._extra.add_tag(made, period))

    def remove_tag(self, name: str) -> None:
        """Take a tag away that was added. Any thread. Raises NotFoundError."""
        self._require_added(name, self._tags, self._plan.tags)
        self._change(lambda: self._extra.remove_tag(name))

    def add_command(self, name: str, method: Callable[..., Any], **options: Any) -> None:
        """One more command, with the options of `command`; the hints of `method` say what it takes. Any thread."""
        from .dynamic import dynamic_command, not_declared_twice

        not_declared_twice(self, name, self._plan.commands)
        made = dynamic_command(name, method, options)
        self._change(lambda: self._extra.add_command(made))

    def remove_command(self, name: str) -> None:
        """Take a command away that was added. Any thread. Raises NotFoundError."""
        self._require_added(name, self._commands, self._plan.commands)
        self._change(lambda: self._extra.remove_command(name))

    def _require_added(self, name: str, present: Mapping[str, Any], declared: Mapping[str, Any]) -> None:
        if name not in present or name in declared:
            raise NotFoundError(f"nothing was added to {self._path or type(self).__name__} as {name!r}")

    def _change(self, change: Callable[[], None]) -> None:
        change()
        if self._runtime is not None:
            self._runtime.changed()

    def reconnect(self, reason: str) -> None:
        """The connection is lost: tags turn stale, and `startup` is tried until it succeeds. Any thread."""
        if self._runtime is not None:
            self._runtime.lost(reason)

    @classmethod
    def run(cls, *arguments: str) -> int:
        """Serve devices of this class until told to stop, as `sereno serve`; the last line of a script.

        Without `arguments` those of the command line. Returns the exit code.
        """
        import sereno

        return sereno.run(cls, *arguments)


def checked_settings(plan: ClassPlan, given: dict[str, Any]) -> Any:
    """The settings of a device, validated. Raises ConfigurationError with every fault."""
    try:
        return plan.settings(**given)
    except ValidationError as error:
        name = plan.cls.__name__
        known = ", ".join(plan.settings.model_fields) or "none"
        faults = []
        for found in error.errors():
            key = ".".join(map(str, found["loc"]))
            if found["type"] == "extra_forbidden":
                faults.append(Fault(name, f"unknown setting {key!r}", f"one of: {known}"))
            else:
                faults.append(
                    Fault(
                        name,
                        f"setting {key!r}: {found['msg'].lower()}",
                        f"see the class; given: {found['input']!r:.60}",
                    )
                )
        raise ConfigurationError(faults) from None

"""A plant built beside the running one and thrown away, so that what cannot be built is known before anything stops."""

from __future__ import annotations

from collections.abc import Iterator

from sereno.agents.jobs.job import specs_of
from sereno.agents.jobs.jobs import job_alarms
from sereno.agents.supervised import supervision_specs
from sereno.agents.supervisor import agent_alarms
from sereno.alarms.alarms import evaluator_of
from sereno.app.agents import agent_rules
from sereno.app.device_configs import device_configs_of
from sereno.app.plant.counters import counter_groups
from sereno.app.plant.load import Plant, live_alarms
from sereno.app.self_watch import ALARMS as SELF_ALARMS
from sereno.app.self_watch import SPECS as SELF_SPECS
from sereno.derive.derivation import Derivation
from sereno.derive.totals import Totals
from sereno.device import DeviceSet, Environment, NoMemory
from sereno.hub.hub import Hub
from sereno.model import ConfigurationError, Fault, SerenoError


def rehearse(plant: Plant, environment: Environment) -> list[Fault]:
    """What is in the way of running this plant, beyond what its file shows. Opens no link; may run in any thread."""
    try:
        return list(_built(plant, environment))
    except ConfigurationError as error:
        return error.faults
    except (SerenoError, ValueError, KeyError) as error:
        return [Fault(str(plant.path), str(error))]


def _built(plant: Plant, environment: Environment) -> Iterator[Fault]:
    hub = Hub(environment.clock)
    devices = DeviceSet(device_configs_of(plant.linked_devices, NoMemory()), hub, environment)
    Totals(counter_groups(plant.linked_devices), hub, hub.table.paths.get)
    hub.register_tags(SELF_SPECS)
    for rule in plant.jobs:
        hub.register_tags(specs_of(rule))
    agents = agent_rules(plant.agents, devices)
    for agent in agents:
        hub.register_tags(supervision_specs(agent.path))
    known = {spec.path: (int(handle), spec) for handle, spec in hub.directory().items()}
    Derivation(plant.derived, hub, environment.clock, known)
    evaluator_of([*live_alarms(plant), *agent_alarms(agents), *job_alarms(plant.jobs), *SELF_ALARMS], hub)
    where = {device.table.name: device.where for device in plant.devices}
    for path, device in devices.handlers.items():
        if device.fault:
            yield Fault(where.get(path, str(plant.path)), f"device {path!r} cannot run: {device.fault}")

"""The plant file's JSON Schema, for editors: the house's tables and those of every installed driver."""

from __future__ import annotations

from typing import Any

from sereno.app.registry import driver_entries, load_driver, load_notifier, notifier_entries
from sereno.device import plan_of
from sereno.device.instruments import InstrumentFamily

from .alarm_schema import OtherAlarmTable
from .derived import DerivedFamily
from .devices import Family
from .gateway_schema import GatewayTable
from .job_schema import JobTable
from .log_schema import LogTable
from .notice_schema import NoticesTable
from .report_schema import ReportTable
from .schema import (
    AgentTable,
    DatabaseTable,
    DeviceTable,
    GuardTable,
    HistoryTable,
    NativeTable,
    OidcTable,
    PlantTable,
    SessionsTable,
    TagTable,
    TemplateTable,
    UseTable,
    WebTable,
)
from .simulator_schema import SimulatorTable
from .site import SiteTable


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a plant file."""
    drivers = {name: load_driver(entry) for name, entry in sorted(driver_entries().items())}
    definitions: dict[str, Any] = {}
    instruments = [one for one in drivers.values() if isinstance(one, InstrumentFamily)]
    families: list[Family] = [*(d for d in drivers.values() if not isinstance(d, InstrumentFamily)), DerivedFamily]
    settings = [plan_of(cls).settings for family in instruments for cls in family.kinds.values()]
    device = _merged(DeviceTable, [*settings, *(d.Config for d in families)], definitions)
    device["properties"]["kind"] = {"type": "string", "description": "What an instrument is"}
    tag = _merged(TagTable, [d.TagConfig for d in families], definitions)
    use = _merged(UseTable, [], definitions)
    template = _merged(TemplateTable, [], definitions)
    csv_lists: dict[str, Any] = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
    alarm = _merged(OtherAlarmTable, [], definitions)
    device["properties"] |= {"tag": _list(tag), "alarm": _list(alarm), "use": _list(use), "tags_csv": csv_lists}
    device = _device(device)
    template["properties"] |= {"tag": _list(tag), "device": _list(device), "alarm": _list(alarm)}
    properties = {
        "plant": _merged(PlantTable, [], definitions),
        "site": {**_merged(SiteTable, [], definitions), "additionalProperties": True},
        "web": _merged(WebTable, [], definitions),
        "oidc": _merged(OidcTable, [], definitions),
        "sessions": _merged(SessionsTable, [], definitions),
        "native": _merged(NativeTable, [], definitions),
        "gateway": _merged(GatewayTable, [], definitions),
        "history": _merged(HistoryTable, [], definitions),
        "database": _merged(DatabaseTable, [], definitions),
        "log": _merged(LogTable, [], definitions),
        "template": _list(template),
        "use": _list(use),
        "device": _list(device),
        "agent": _list(_merged(AgentTable, [], definitions)),
        "simulator": _list(_merged(SimulatorTable, [], definitions)),
        "guard": _list(_merged(GuardTable, [], definitions)),
        "job": _list(_merged(JobTable, [], definitions)),
        "alarm": _list(alarm),
        "notices": _notices(definitions),
        "report": _list(_merged(ReportTable, [], definitions)),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Sereno plant file",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "$defs": definitions,
    }


def _notices(definitions: dict[str, Any]) -> dict[str, Any]:
    """With the keys of each kind of way that is installed."""
    made = _merged(NoticesTable, [], definitions)
    kinds = []
    for kind, entry in sorted(notifier_entries().items()):
        way = _merged(load_notifier(entry).Config, [], definitions)
        way["properties"]["kind"] = {"const": kind}
        kinds.append({**way, "required": [*way.get("required", []), "kind"]})
    made["properties"]["way"] = {"type": "object", "additionalProperties": {"anyOf": kinds}}
    return made


def _merged(house: Any, others: list[Any], definitions: dict[str, Any]) -> dict[str, Any]:
    merged: dict[str, Any] = house.model_json_schema(ref_template="#/$defs/{model}")
    definitions |= merged.pop("$defs", {})
    for other in others:
        schema = other.model_json_schema(ref_template="#/$defs/{model}")
        definitions |= schema.pop("$defs", {})
        merged["properties"] |= schema.get("properties", {})
    return merged


def _device(schema: dict[str, Any]) -> dict[str, Any]:
    """With the keys of a driver and no others, or with a class, whose settings are known only when it is loaded."""
    known = {key: True for key in schema["properties"] if key != "class"}
    by_driver = {"required": ["driver"], "properties": known, "additionalProperties": False}
    del schema["additionalProperties"]
    return {**schema, "anyOf": [by_driver, {"required": ["class"]}]}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}

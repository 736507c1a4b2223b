/** The page of one device: state, groups, counters, raw frames of its link. */

import { el, setText } from "../dom.js";
import { t } from "../i18n.js";
import "../shell.js";
import { counterList, deviceFacts, groupTable, stateChips } from "./parts.js";
import { pollDevices } from "./poll.js";
import { TraceView } from "./trace.js";

const byId = (id) => document.getElementById(id);
const path = document.documentElement.dataset.device;

function show(devices) {
  const device = devices.find((one) => one.path === path);
  setText(byId("device-note"), device ? "" : t("device.unknown", { device: path }));
  if (!device) return;
  setText(byId("device-description"), device.description);
  byId("device-state").replaceChildren(stateChips(device));
  byId("device-facts").replaceChildren(deviceFacts(device));
  byId("device-groups").replaceChildren(groupTable(device.groups));
  const counters = counterList(device.counters ?? {});
  byId("device-counters").replaceChildren(counters ?? el("p", { className: "page-sub" }, t("device.no_counters")));
}

new TraceView(byId("trace"), path);
pollDevices(show, (reason) => setText(byId("device-note"), reason));

/** The page of one device: state, groups, counters, raw frames of its link. */

import { askTagOut, attempt, overrideText } from "../components/override.js";
import { el, setText } from "../dom.js";
import { t } from "../i18n.js";
import { rights, tagIn } from "../overrides.js";
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
  showMaintenance(device);
  byId("device-facts").replaceChildren(deviceFacts(device));
  byId("device-groups").replaceChildren(groupTable(device.groups));
  const counters = counterList(device.counters ?? {});
  byId("device-counters").replaceChildren(counters ?? el("p", { className: "page-sub" }, t("device.no_counters")));
}

let shown;

/** What keeps commands from the device, and the button for it; redrawn only when it changes, so that focus stays. */
async function showMaintenance(device) {
  const out = device.maintenance;
  const now = JSON.stringify(out);
  if (now === shown) return;
  shown = now;
  const may = (await rights()).has("configure");
  const mine = out?.path === device.path;
  const act = () => (mine ? attempt(() => tagIn(path)) : askTagOut(path));
  const button = may && (mine || !out)
    ? el("button", { type: "button", className: "button", dataset: { maintenance: mine ? "in" : "out" }, on: { click: act } }, t(mine ? "override.in" : "override.out"))
    : null;
  const note = out ? el("p", { className: "note" }, el("strong", {}, t("override.is_out")), ` ${overrideText(out)}`) : null;
  byId("device-maintenance").replaceChildren(...[note, button].filter(Boolean));
}

new TraceView(byId("trace"), path);
pollDevices(show, (reason) => setText(byId("device-note"), reason));

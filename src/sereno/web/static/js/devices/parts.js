/** Pieces that the list of devices and the page of one device share. */

import { el } from "../dom.js";
import { formatDuration } from "../format.js";
import { lang, t } from "../i18n.js";
import { siteTime } from "../present.js";

/** Operational state and link state of a device as chips: only what needs attention has a colour. */
export function stateChips(device) {
  const state = device.state === "fault" ? "chip chip-crit" : "chip";
  const link = { up: "chip", connecting: "chip chip-warn", down: "chip chip-crit" }[device.link] ?? "chip";
  const sign = { up: "", connecting: "… ", down: "✕ " }[device.link] ?? "";
  return el("span", { className: "chips" },
    el("span", { className: link }, `${sign}${t("device.link")}: ${t(`device.link_${device.link}`)}`),
    el("span", { className: state }, t(`device.state_${device.state}`)),
    device.maintenance ? el("span", { className: "chip chip-warn", title: device.maintenance.reason }, t("override.maintenance")) : null);
}

/** The scan groups of a device. */
export function groupTable(groups) {
  const head = ["group", "period", "tags", "scans", "overruns", "incomplete", "last_duration", "worst_duration", "last_scan"];
  return el("div", { className: "table-scroll table-plain" }, el("table", { className: "table" },
    el("caption", { className: "unseen" }, t("device.groups")),
    el("thead", {}, el("tr", {}, ...head.map((name, i) => el("th", { scope: "col", className: i ? "number" : "" }, t(`device.${name}`))))),
    el("tbody", {}, ...groups.map(groupRow))));
}

function groupRow(group) {
  const late = group.overruns > 0;
  const cells = [
    formatDuration(group.period, lang), String(group.tags), String(group.scans), null, String(group.incomplete),
    formatDuration(group.last_duration, lang), formatDuration(group.worst_duration, lang), siteTime(group.last_scan / 1e6),
  ];
  const name = el("th", { scope: "row" }, group.name, group.stale ? el("span", { className: "chip chip-warn" }, `? ${t("quality.stale")}`) : null);
  const overruns = el("td", { className: "number" }, late ? el("strong", {}, String(group.overruns)) : "0");
  return el("tr", {}, name, ...cells.map((text) => (text === null ? overruns : el("td", { className: "number" }, text))));
}

/** What is known about a device besides its groups. */
export function deviceFacts(device) {
  const rows = [["device.driver", device.driver], ["device.url", device.url], ["device.since", siteTime(device.since / 1e6)],
    ["device.stale_after", formatDuration(device.stale_after, lang)], ["device.last_error", device.last_error || t("device.no_error")],
    ...(device.remarks ?? []).map((text) => ["device.remark", text])];
  return el("dl", { className: "facts" }, ...rows.flatMap(([key, text]) => [el("dt", {}, t(key)), el("dd", {}, text)]));
}

/** The counters of a device, by name. */
export function counterList(counters) {
  const names = Object.keys(counters).sort();
  if (!names.length) return null;
  return el("dl", { className: "counters" }, ...names.map((name) => el("div", { className: "counter" },
    el("dt", {}, name.replaceAll("_", " ")), el("dd", {}, String(counters[name])))));
}

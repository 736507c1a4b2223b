/** Alarms and rows of the journal as tables. Everything in them is text of others: it is shown, never interpreted. */

import { el } from "../dom.js";
import { formatUnit } from "../format.js";
import { lang, t } from "../i18n.js";
import { siteTime, zoneName } from "../present.js";
import { priorityMark } from "./banner.js";
import { HIDDEN, UNACKNOWLEDGED } from "./store.js";

/** Colour is kept for what waits for somebody: all else is calm. */
export function calm(alarm) {
  return HIDDEN.has(alarm.state) || alarm.state === "acknowledged" || alarm.state === "latched_acknowledged" || alarm.state === "normal";
}

export function valueText(alarm) {
  if (alarm.value === null) return "—";
  const number = Number(alarm.value).toLocaleString(lang, { maximumSignificantDigits: 6 });
  return `${number} ${formatUnit(alarm.unit ?? "")}`.trim();
}

export function stateText(alarm) {
  const until = alarm.state === "shelved" && alarm.shelved_until ? ` ${t("override.until", { time: siteTime(Date.parse(alarm.shelved_until)) })}` : "";
  return t(`alarms.state_${alarm.state}`) + until;
}

function row(alarm, selected, current, actions) {
  const box = el("input", {
    type: "checkbox", checked: selected, tabIndex: -1, "aria-label": t("alarms.select", { alarm: alarm.id }),
    on: { click: (event) => actions.tick(alarm.id, event) },
  });
  const classes = [calm(alarm) ? "is-calm" : "", UNACKNOWLEDGED.has(alarm.state) ? "alarm-waits" : ""].filter(Boolean).join(" ");
  const line = el("tr", {
    dataset: { alarm: alarm.id }, tabIndex: current ? 0 : -1, className: classes,
    on: { click: (event) => { if (event.target !== box) actions.show(alarm.id); }, focus: () => actions.show(alarm.id) },
  },
  el("td", {}, box), el("td", {}, priorityMark(alarm.priority)), el("td", { className: "alarm-id mono" }, alarm.id),
  el("td", {}, stateText(alarm)), el("td", { className: "number" }, valueText(alarm)),
  el("td", { className: "alarm-time" }, siteTime(Date.parse(alarm.since ?? 0))), el("td", {}, alarm.response || "—"));
  line.setAttribute("aria-selected", String(selected));
  return line;
}

/**
 * @param {any[]} found
 * @param {{selected: Set<string>, current: string, actions: {tick: Function, show: Function, all: Function}}} state
 */
export function alarmTable(found, { selected, current, actions }) {
  if (!found.length) return el("p", { className: "empty" }, t("alarms.none"));
  const all = el("input", {
    type: "checkbox", checked: found.every((one) => selected.has(one.id)), "aria-label": t("alarms.select_all"), on: { click: () => actions.all() },
  });
  return el("table", { className: "table alarm-table" },
    el("caption", { className: "unseen" }, t("nav.alarms")),
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, all),
      ...["priority", "alarm", "state", "value", "since", "response"].map((name) => el("th", { scope: "col", className: name === "value" ? "number" : "" }, t(`alarms.${name}`))))),
    el("tbody", {}, ...found.map((one) => row(one, selected.has(one.id), one.id === current, actions))));
}

/** @param {any[]} events */
export function journalTable(events) {
  if (!events.length) return el("p", { className: "empty" }, t("alarms.none"));
  return el("table", { className: "table alarm-table" },
    el("caption", { className: "unseen" }, t("alarms.view_history")),
    el("thead", {}, el("tr", {}, ...["time", "priority", "alarm", "event", "state", "value", "who"].map((name) => el("th", { scope: "col" }, t(`alarms.${name}`, { zone: zoneName }))))),
    el("tbody", {}, ...events.map((one) => el("tr", { className: "is-calm" },
      el("td", { className: "alarm-time" }, siteTime(Date.parse(one.t))), el("td", {}, priorityMark(one.priority)), el("td", { className: "alarm-id mono" }, one.alarm),
      el("td", {}, t(`alarms.event_${one.event}`)), el("td", {}, t(`alarms.state_${one.state}`)), el("td", { className: "number" }, valueText(one)),
      el("td", {}, one.actor, one.note ? ` “${one.note}”` : null)))));
}

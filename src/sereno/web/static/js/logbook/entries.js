/** Entries of the logbook as people read them. All in them is text of others: it is shown, never interpreted. */

import { request, toJson } from "../api.js";
import { el } from "../dom.js";
import { t } from "../i18n.js";
import { siteTime } from "../present.js";

/** @param {Record<string, any>} query */
export function entries(query) {
  return request(`logbook?${new URLSearchParams(Object.entries(query).filter(([, value]) => value))}`);
}

/** @param {{kind?: string, text?: string, subject?: string, refers?: number}} body */
export function add(body) {
  return request("logbook", { method: "POST", body: toJson(body) });
}

function facts(found) {
  const parts = [["alarms", (found.alarms ?? []).map((one) => `${one.alarm} (${t(`alarms.state_${one.state}`)})`)],
    ["substituted", (found.substituted ?? []).map((one) => one.path)], ["maintenance", (found.maintenance ?? []).map((one) => one.path)]];
  const rows = parts.filter(([, list]) => list.length).flatMap(([name, list]) => [el("dt", {}, t(`logbook.${name}`)), el("dd", { className: "mono" }, list.join(", "))]);
  return rows.length ? el("dl", { className: "facts" }, ...rows) : null;
}

/** @param {any} one @param {HTMLElement[]} [buttons] */
export function entryElement(one, buttons = []) {
  const head = [siteTime(Date.parse(one.t)), one.actor, one.subject, one.refers ? t("logbook.refers", { entry: one.refers }) : ""].filter(Boolean).join(" · ");
  return el("article", { className: "card log-entry", id: `entry-${one.id}`, dataset: { entry: String(one.id) } },
    el("p", { className: "page-sub" }, `${one.id} · ${head} `, one.kind === "entry" ? null : el("span", { className: "chip" }, t(`logbook.kind_${one.kind}`))),
    el("p", { className: "log-words" }, one.text), facts(one.facts), buttons.length ? el("p", {}, ...buttons) : null);
}

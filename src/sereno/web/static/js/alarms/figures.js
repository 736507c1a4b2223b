/** The figures of ISA-18.2 as tables: nothing here has a colour but what is beyond the recommendation. */

import { request } from "../api.js";
import { el } from "../dom.js";
import { lang, t } from "../i18n.js";

/** What the standard calls manageable: per operator and ten minutes, share of periods above ten, share of time in flood. */
const GOALS = { per_10_min: 2, over_10_share: 0.01, flood_share: 0.01 };

const number = (value, digits = 2) => value.toLocaleString(lang, { maximumFractionDigits: digits });
const percent = (value) => value.toLocaleString(lang, { style: "percent", maximumFractionDigits: 1 });
const seconds = (value) => (value === null ? "—" : `${number(value, 0)} s`);

function fact(name, text, beyond = false) {
  return el("tr", {}, el("th", { scope: "row" }, t(`alarms.figure_${name}`)), el("td", { className: "number" }, beyond ? el("span", { className: "chip chip-warn" }, text) : text));
}

function list(title, rows) {
  if (!rows.length) return null;
  return el("section", { className: "card" }, el("h2", {}, t(`alarms.figure_${title}`)),
    el("table", { className: "table" }, el("tbody", {}, ...rows.map(([name, ...rest]) => el("tr", {}, el("th", { scope: "row", className: "mono alarm-id" }, name), ...rest.map((text) => el("td", { className: "number" }, text)))))));
}

/** @param {string} from @param {number} operators */
export async function figures(from, operators) {
  const found = await request(`alarms/figures?${new URLSearchParams({ from, operators: String(operators) })}`);
  const share = (count) => percent(count / Math.max(1, found.annunciated));
  return el("div", { className: "alarm-figures" },
    el("section", { className: "card" }, el("table", { className: "table" }, el("tbody", {},
      fact("annunciated", number(found.annunciated)), fact("per_10_min", number(found.per_10_min), found.per_10_min > GOALS.per_10_min),
      fact("worst_10_min", number(found.worst_10_min)), fact("over_10_share", percent(found.over_10_share), found.over_10_share > GOALS.over_10_share),
      fact("floods", number(found.floods)), fact("flood_share", percent(found.flood_share), found.flood_share > GOALS.flood_share),
      fact("acknowledged_median", seconds(found.acknowledged_median)), fact("acknowledged_p95", seconds(found.acknowledged_p95))))),
    list("priorities", Object.entries(found.priorities).map(([priority, count]) => [t(`alarms.priority_${priority === "0" ? "draft" : priority}`), number(count), share(count)])),
    list("top", found.top.map((one) => [one.alarm, number(one.count), percent(one.share)])),
    list("chattering", found.chattering.map((one) => [one.alarm, number(one.count)])),
    list("stale", found.stale.map((one) => [one.alarm, t("override.hours", { hours: number(one.seconds / 3600, 0) })])));
}

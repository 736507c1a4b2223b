/** The table of a fleet: a row for each member, a column for each thing that was asked, and the totals. */

import { el, setText } from "../dom.js";
import { formatUnit } from "../format.js";
import { lang, t } from "../i18n.js";
import { siteTime } from "../present.js";

/**
 * @param {HTMLElement} place
 * @param {HTMLElement} note says when, and who is missing
 * @param {any[]} columns
 */
export function membersTable(place, note, columns) {
  const names = [...new Set(columns.flatMap((column) => Object.keys(column.by_member)))].sort(new Intl.Collator(lang, { numeric: true }).compare);
  const missing = names.filter((name) => columns.some((column) => column.by_member[name] === null));
  const at = columns.map((column) => column.t).filter(Boolean).sort().at(-1);
  const told = missing.length ? t("jobs.missing", { names: missing.join(", ") }) : t("jobs.complete", { count: names.length.toLocaleString(lang) });
  setText(note, `${at ? `${siteTime(Date.parse(at))}: ` : ""}${told}`);
  const heads = columns.map((column) => el("th", { scope: "col", className: "number", title: column.members }, column.title));
  const totals = columns.map((column) => el("td", { className: "number", title: column.reason || column.total }, ...total(column)));
  const rows = names.map((name) => el("tr", { dataset: { member: name } }, el("th", { scope: "row", className: "mono" }, name), ...columns.map((column) => cell(column.by_member[name]))));
  place.replaceChildren(el("table", { className: "table" },
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, t("jobs.member")), ...heads)),
    el("tbody", {}, el("tr", { className: "job-all" }, el("th", { scope: "row" }, t("jobs.all")), ...totals), ...rows)));
}

function total(column) {
  if (!column.total) return [""];
  if (column.value === null) return [el("span", { className: "chip chip-warn", title: column.reason }, t("jobs.no_total"))];
  const unit = column.unit ? ` ${formatUnit(column.unit)}` : "";
  const value = `${text(column.value)}${unit}`;
  return column.quality === "good" ? [value] : [`${value} `, el("span", { className: "chip chip-warn", title: column.reason }, t(`jobs.quality_${column.quality}`))];
}

function cell(value) {
  if (value === undefined) return el("td", { className: "number job-missing" }, "—");
  if (value === null) return el("td", { className: "number job-missing" }, t("jobs.no_answer"));
  const fault = typeof value === "string" && value !== "ok";
  return el("td", { className: "number" }, fault ? el("span", { className: "chip chip-warn" }, value) : text(value));
}

function text(value) {
  if (Array.isArray(value)) return value.map(text).join(" · ");
  if (value === "ok") return t("jobs.ok");
  return typeof value === "number" ? value.toLocaleString(lang, { maximumFractionDigits: 3 }) : String(value);
}

/** Pieces of the system page: figures as text, lists of facts, tables. */

import { el } from "../dom.js";
import { formatNumber } from "../format.js";
import { lang, t } from "../i18n.js";

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** A whole number with the separators of the language. */
export function count(value) {
  return typeof value === "number" ? new Intl.NumberFormat(lang, { maximumFractionDigits: 2 }).format(value) : "–";
}

/** A size in the unit that keeps it short. */
export function bytes(value) {
  if (typeof value !== "number") return "–";
  let unit = 0;
  let rest = value;
  while (rest >= 1000 && unit < UNITS.length - 1) [rest, unit] = [rest / 1000, unit + 1];
  return `${formatNumber(rest, unit && rest < 100 ? 1 : 0, lang)} ${UNITS[unit]}`;
}

/** A share of one as percent. */
export function share(value) {
  return typeof value === "number" ? `${formatNumber(value * 100, 1, lang)} %` : "–";
}

/** Names and what they are; `plain`: the names are no keys of the catalogue. */
export function facts(rows, { plain = false } = {}) {
  return el("dl", { className: "facts" }, ...rows.flatMap(([name, text]) => [el("dt", {}, plain ? name : t(name)), el("dd", {}, text)]));
}

/**
 * A table of `found`, a row each.
 * @param {string} kind prefix of the headings in the catalogue
 * @param {any[]} found
 * @param {[string, (one: any) => any][]} columns
 */
export function table(kind, found, columns, { first = "" } = {}) {
  if (!found.length) return el("p", { className: "page-sub" }, t("system.none"));
  const words = new Set(["path", "link", "actor", "kind", "origin"]);
  const look = (name, i) => (words.has(name) || (i === 0 && !first) ? "" : "number");
  return el("div", { className: "table-scroll table-plain", tabindex: "0", role: "region", "aria-label": t(`system.${kind}s`) },
    el("table", { className: "table" },
      el("thead", {}, el("tr", {}, ...columns.map(([name], i) => el("th", { scope: "col", className: look(name, i) }, t(`system.${kind}_${name}`))))),
      el("tbody", {}, ...found.map((one) => el("tr", {}, ...columns.map(([name, of], i) => el("td", { className: look(name, i) }, of(one))))))));
}

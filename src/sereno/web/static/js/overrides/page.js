/** The page of all overrides: what is substituted, what is out for maintenance, and ending it. */

import { attempt, overrideText } from "../components/override.js";
import { el, setText } from "../dom.js";
import { t } from "../i18n.js";
import { endSubstitution, maintenance, rights, substitutions, tagIn } from "../overrides.js";
import "../components/value.js";
import "../shell.js";

const EVERY = 2000;
const byId = (id) => document.getElementById(id);
let shown = "";

async function refresh() {
  if (document.hidden) return;
  try {
    const [allowed, forced, out] = await Promise.all([rights(), substitutions(), maintenance()]);
    setText(byId("override-note"), "");
    const now = JSON.stringify([forced, out], (key, value) => (key === "age_s" ? undefined : value));
    if (now === shown) return;
    shown = now;
    show(byId("substitutions"), forced, allowed.has("substitute"), forcedRow, endSubstitution);
    show(byId("maintenance"), out, allowed.has("configure"), outRow, tagIn);
  } catch (error) {
    setText(byId("override-note"), error.message);
  }
}

function show(place, found, may, row, end) {
  if (!found.length) return place.replaceChildren(el("p", { className: "page-sub" }, t("override.none")));
  const button = (one) => el("button", {
    type: "button", className: "button", dataset: { end: one.path }, on: { click: () => attempt(() => end(one.path)).then(refresh) },
  }, t("override.end"));
  place.replaceChildren(el("div", { className: "table-scroll table-plain" }, el("table", { className: "table" }, el("tbody", {},
    ...found.map((one) => el("tr", {}, ...row(one), el("td", {}, overrideText(one)), el("td", {}, may ? button(one) : null)))))));
}

function forcedRow(one) {
  const value = el("sr-value", {});
  value.setAttribute("tag", one.path);
  const own = one.own.value === null ? "—" : `${one.own.value} ${one.own.unit}`.trim();
  return [el("th", { scope: "row", className: "mono" }, one.path), el("td", { className: "number" }, value), el("td", {}, t("override.own", { value: own }))];
}

function outRow(one) {
  return [el("th", { scope: "row", className: "mono" }, el("a", { href: `/devices/${one.path}` }, one.path))];
}

setInterval(refresh, EVERY);
refresh();

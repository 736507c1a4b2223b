/** The page of all overrides: what is substituted, what is out for maintenance, and ending it. */

import { attempt, overrideText } from "../components/override.js";
import { el, setText } from "../dom.js";
import { t } from "../i18n.js";
import { endSubstitution, guards, maintenance, rights, substitutions, tagIn } from "../overrides.js";
import { siteTime } from "../present.js";
import "../components/value.js";
import "../shell.js";

const EVERY = 2000;
const byId = (id) => document.getElementById(id);
let shown = "";

async function refresh() {
  if (document.hidden) return;
  try {
    const [allowed, forced, out, watching] = await Promise.all([rights(), substitutions(), maintenance(), guards()]);
    setText(byId("override-note"), "");
    const now = JSON.stringify([forced, out, watching], (key, value) => (key === "age_s" ? undefined : value));
    if (now === shown) return;
    shown = now;
    show(byId("substitutions"), forced, allowed.has("substitute"), forcedRow, endSubstitution);
    show(byId("maintenance"), out, allowed.has("configure"), outRow, tagIn);
    showGuards(byId("guards"), watching);
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

function showGuards(place, found) {
  if (!found.length) return place.replaceChildren(el("p", { className: "page-sub" }, t("override.none")));
  const last = (one) => t("guard.acted", { count: one.acted, time: siteTime(Date.parse(one.last)), outcome: one.outcome });
  const failed = (one) => (one.failed ? [" ", el("span", { className: "chip chip-warn" }, t(one.retry ? "guard.failed" : "guard.failed_once", { count: one.failed }))] : []);
  const acted = (one) => (one.acted ? [last(one), ...failed(one)] : [t("guard.never")]);
  place.replaceChildren(el("div", { className: "table-scroll table-plain" }, el("table", { className: "table" }, el("tbody", {},
    ...found.map((one) => el("tr", {}, el("th", { scope: "row", className: "mono" }, one.name),
      el("td", {}, el("span", { className: one.state === "armed" ? "chip" : "chip chip-warn" }, t(`guard.state_${one.state}`))),
      el("td", { className: "mono" }, one.when), el("td", { className: "mono" }, one.call ? `${one.target} ${one.call}(${one.arguments.join(", ")})` : `${one.target} = ${one.value}`), el("td", {}, ...acted(one))))))));
}

setInterval(refresh, EVERY);
refresh();

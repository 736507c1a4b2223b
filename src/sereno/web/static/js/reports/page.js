/** The page of reports: what is declared and due, what was made and where it went, and making one now. */

import { request, toJson } from "../api.js";
import { el, icon, setText } from "../dom.js";
import { lang, t } from "../i18n.js";
import { siteTime } from "../present.js";
import "../shell.js";

const EVERY = 3000;
const SOON = 300;
const byId = (id) => document.getElementById(id);
const moment = (text) => (text ? siteTime(Date.parse(text)) : "—");
const UNDER_WAY = new Set(["due", "making"]);
let declared = [];
let chosen = new URLSearchParams(location.search).get("report") ?? "";
let shown = "";
let timer = 0;

async function refresh() {
  clearTimeout(timer);
  let runs = [];
  try {
    declared = (await request("reports")).reports;
    if (!declared.some((one) => one.name === chosen)) chosen = declared[0]?.name ?? "";
    if (chosen) runs = (await request(`${path(chosen)}/runs`)).runs;
    setText(byId("report-note"), declared.length ? "" : t("reports.undeclared"));
    render(runs);
  } catch (error) {
    setText(byId("report-note"), error.message);
  }
  timer = setTimeout(refresh, runs.some((run) => UNDER_WAY.has(run.state)) ? SOON : EVERY);
}

const path = (name) => `reports/${encodeURIComponent(name)}`;
const head = (...children) => el("th", { scope: "row" }, ...children);

function render(runs) {
  const now = JSON.stringify([declared, runs, chosen]);
  if (now === shown) return;
  shown = now;
  const heads = ["title", "period", "next", "latest", "goes"].map((name) => t(`reports.${name}`));
  table("declared", heads, declared, declaredRow);
  const one = declared.find((report) => report.name === chosen);
  byId("report").hidden = !one;
  if (!one) return;
  setText(byId("report-title"), one.title);
  form(one);
  table("runs", ["of_period", "made", "state", "files", "where"].map((name) => t(`reports.${name}`)), runs, (run) => runRow(one, run));
}

function table(id, heads, found, row) {
  if (!found.length) return byId(id).replaceChildren(el("p", { className: "page-sub" }, t("override.none")));
  byId(id).replaceChildren(el("table", { className: "table" },
    el("thead", {}, el("tr", {}, ...heads.map((text) => el("th", { scope: "col" }, text)))),
    el("tbody", {}, ...found.map((one) => el("tr", {}, ...row(one).map((cell) => (cell instanceof HTMLTableCellElement ? cell : el("td", {}, cell))))))));
}

function declaredRow(one) {
  const button = el("button", {
    type: "button", className: "button button-quiet", dataset: { report: one.name }, "aria-pressed": String(one.name === chosen), on: { click: () => choose(one.name) },
  }, one.title);
  const period = one.at ? t("reports.at", { period: periodName(one.period), time: one.at }) : periodName(one.period);
  const problem = one.problem ? el("span", { className: "chip chip-warn", title: one.problem }, t("reports.problem")) : null;
  const last = one.last ? el("span", {}, `${label(one.last, one)} `, chip(one.last.state)) : "—";
  const goes = [one.folder, ...one.to].filter(Boolean).join(", ") || "—";
  return [head(button), period, el("span", { title: t("reports.of_time", span(one.next_start, one.next_end)) }, moment(one.next_due)), el("td", {}, last, " ", problem), goes];
}

const span = (start, end) => ({ start: moment(start), end: moment(end) });
const NAMED = new Set(["day", "week", "month", "shift"]);
const periodName = (period) => (NAMED.has(period) ? t(`reports.period_${period}`) : t("reports.hours", { hours: Number.parseInt(period, 10).toLocaleString(lang) }));
const chip = (state) => el("span", { className: state === "failed" ? "chip chip-warn" : "chip" }, t(`reports.state_${state}`));

/** A period as people call it: its key, without what tells runs of the same one apart. */
function label(run) {
  return run.key.replace(/-made-.*$/, "").replace(/T(\d\d)(\d\d)[+-]\d{4}$/, " $1:$2");
}

function runRow(one, run) {
  const notes = [run.late ? t("reports.late") : "", run.skipped ? t("reports.skipped", { count: run.skipped }) : "", run.error];
  const progress = run.state === "making" ? el("progress", { max: 1, value: run.progress, "aria-label": t("reports.state_making") }) : null;
  const state = el("td", {}, chip(run.state), " ", progress, ...notes.filter(Boolean).map((note) => el("div", { className: "page-sub" }, note)));
  const made = el("td", {}, moment(run.made), run.actor ? el("div", { className: "page-sub" }, t("reports.by", { person: run.actor })) : null);
  const stopping = stop(one, run);
  const where = el("td", {}, ...(run.deliveries.length || stopping ? [...run.deliveries.map(delivery), stopping] : ["—"]).filter(Boolean));
  const of = run.so_far ? `${label(run)} (${t("reports.cut")})` : label(run);
  return [head(el("span", { title: t("reports.of_time", span(run.start, run.end)) }, of)), made, state, el("td", {}, ...run.files.flatMap((file) => [link(one, file), " "])), where];
}

/** Pages open beside this one; tables are saved. */
function link(one, file) {
  const href = `/api/v1/${path(one.name)}/files/${encodeURIComponent(file)}`;
  const part = /-(alarms|logbook)\.csv$/.exec(file)?.[1];
  if (file.endsWith(".html")) return el("a", { href, target: "_blank", rel: "noopener", className: "button", dataset: { file } }, icon("eye"), t("reports.open"));
  return el("a", { href, download: file, className: "button button-quiet", dataset: { file } }, icon("download"), `CSV${part ? ` ${t(`nav.${part}`)}` : ""}`);
}

function delivery(one) {
  const words = `${one.way === "folder" ? t("reports.folder") : `${one.person} (${one.way})`}: `;
  return el("div", { title: one.outcome }, words, el("span", { className: one.state === "failed" ? "chip chip-warn" : "chip" }, t(`reports.sent_${one.state}`)),
    one.state === "sent" ? null : el("div", { className: "page-sub" }, one.outcome));
}

function stop(one, run) {
  const open = UNDER_WAY.has(run.state) || run.deliveries.some((parcel) => parcel.state === "waiting");
  if (!open || !(run.actor ? one.may_make : one.may_send)) return null;
  return el("button", { type: "button", className: "button", dataset: { cancel: run.key }, on: { click: () => act(`${path(one.name)}/runs/${encodeURIComponent(run.key)}`, { method: "DELETE" }) } }, t("confirm.cancel"));
}

function choose(name) {
  chosen = name;
  history.replaceState(null, "", `?report=${encodeURIComponent(name)}`);
  refresh();
}

function form(one) {
  byId("order").hidden = !one.may_make;
  byId("order-day").type = ["day", "week", "month"].includes(one.period) ? "date" : "datetime-local";
  byId("order-to").hidden = !(one.may_send && one.to.length);
  setText(byId("order-people"), t("reports.send_to", { people: one.to.join(", ") }));
  byId("order-of").hidden = byId("order-period").value !== "of";
}

async function act(where, options) {
  try {
    await request(where, options);
    setText(byId("report-note"), "");
    refresh();
  } catch (error) {
    setText(byId("report-note"), error.message);
  }
}

byId("order-period").addEventListener("change", () => {
  byId("order-of").hidden = byId("order-period").value !== "of";
});
byId("order").addEventListener("submit", (event) => {
  event.preventDefault();
  const period = byId("order-period").value === "of" ? byId("order-day").value : byId("order-period").value;
  act(`${path(chosen)}/runs`, { method: "POST", body: toJson({ period, send: byId("order-send").checked && !byId("order-to").hidden }) });
});
document.addEventListener("visibilitychange", () => !document.hidden && refresh());
refresh();

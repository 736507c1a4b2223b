/** The page of notices: ways and their trials, who is on duty, pipelines, and what was sent to whom. */

import { request, toJson } from "../api.js";
import { toast } from "../components/toast.js";
import { el, setText } from "../dom.js";
import { lang, t } from "../i18n.js";
import { rights } from "../overrides.js";
import { siteTime } from "../present.js";
import "../shell.js";

const EVERY = 3000;
const byId = (id) => document.getElementById(id);
const moment = (text) => (text ? siteTime(Date.parse(text)) : "—");
let shown = "";

async function refresh() {
  if (document.hidden) return;
  try {
    const [found, { sent }, allowed] = await Promise.all([request("notices"), request("notices/sent?limit=200"), rights()]);
    setText(byId("notice-note"), found.ways.length ? "" : t("notices.undeclared"));
    const now = JSON.stringify([found, sent]);
    if (now === shown) return;
    shown = now;
    place("ways", found.ways, (one) => wayRow(one, allowed.has("configure")));
    place("duty", found.duty, (one) => dutyRow(one, found.changes));
    place("pipelines", found.pipelines, pipelineRow);
    place("heartbeats", found.heartbeats, (one) => [head(one.name), one.way, one.every ? t("notices.every", { seconds: one.every.toLocaleString(lang) }) : one.at.join(", "), moment(one.last), one.outcome]);
    place("sent", sent, sentRow);
  } catch (error) {
    setText(byId("notice-note"), error.message);
  }
}

const head = (text) => el("th", { scope: "row" }, text);

function place(id, found, row) {
  if (!found.length) return byId(id).replaceChildren(el("p", { className: "page-sub" }, t("override.none")));
  byId(id).replaceChildren(el("table", { className: "table" }, el("tbody", {},
    ...found.map((one) => el("tr", {}, ...row(one).map((cell) => (cell instanceof HTMLTableCellElement ? cell : el("td", {}, cell))))))));
}

function wayRow(way, may) {
  const state = way.problem ? el("span", { className: "chip chip-warn", title: way.problem }, t("notices.failing")) : el("span", { className: "chip" }, t("notices.well"));
  const goals = way.addressed ? way.people : ["", ...way.people];
  const buttons = may ? goals.map((person) => el("button", {
    type: "button", className: "button", dataset: { test: `${way.name} ${person}`.trim() }, on: { click: () => trial(way.name, person) },
  }, person ? t("notices.test_to", { person }) : t("notices.test"))) : [];
  const cell = el("td", {}, ...buttons.flatMap((button) => [button, " "]));
  return [head(way.name), way.kind, state, way.problem, t("notices.counts", { sent: way.sent, failed: way.failed }), cell];
}

async function trial(way, person) {
  try {
    toast((await request("notices/test", { method: "POST", body: toJson({ way, person }) })).outcome);
  } catch (error) {
    setText(byId("notice-note"), error.message);
  }
  refresh();
}

function dutyRow(one, changes) {
  const swaps = changes.filter((change) => change.roster === one.roster).map((change) =>
    `${moment(change.start)} – ${moment(change.end)}: ${change.leaves || "•"} → ${change.takes || "•"} (${change.actor})`);
  return [head(one.roster), one.people.join(", ") || t("notices.nobody"), one.timezone, swaps.join("; ")];
}

function pipelineRow(one) {
  const steps = one.steps.map((step) => `${step.after ? `+${step.after.toLocaleString(lang)} s ` : ""}${step.by.join(", ")} → ${step.to.join(", ") || "•"}`);
  return [head(one.name), `${t("alarms.priority")} ${one.priorities.join(", ")}`, one.alarms.join(" "), one.digest.join(", ") || steps.join("; "), t("notices.cases", { count: one.cases })];
}

function sentRow(one) {
  const state = el("span", { className: one.state === "failed" ? "chip chip-warn" : "chip" }, t(`notices.state_${one.state}`));
  return [moment(one.t), one.pipeline, one.subject || one.alarms.join(", "), `${one.person} ${one.way}`.trim() || "—", state, one.outcome,
    one.acknowledged ? t("notices.acknowledged", { time: moment(one.acknowledged) }) : ""];
}

setInterval(refresh, EVERY);
refresh();

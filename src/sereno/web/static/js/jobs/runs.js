/** Runs of a job: step by step, and the ones before. */

import { el } from "../dom.js";
import { formatDuration } from "../format.js";
import { lang, t } from "../i18n.js";
import { siteTime } from "../present.js";

const FINE = new Set(["done", "ok"]);
const BAD = new Set(["failed", "timed_out"]);
const moment = (text) => (text ? siteTime(Date.parse(text)) : "—");

const why = (run) => (run.by ? t("jobs.asked_by", { actor: run.by }) : t(`jobs.why_${run.why}`));

/** What a job does now. */
export function stateChip(job) {
  const step = job.state === "running" ? ` ${t("jobs.step_of", { step: job.under_way, steps: job.steps })}` : "";
  return el("span", { className: job.state === "paused" ? "chip chip-warn" : "chip" }, `${t(`jobs.state_${job.state}`)}${step}`);
}

/** How a run or a step ended. */
export function outcomeChip(outcome) {
  const kind = FINE.has(outcome) ? "chip" : BAD.has(outcome) ? "chip chip-crit" : "chip chip-warn";
  return el("span", { className: kind }, t(`jobs.outcome_${outcome}`));
}

/** The last run step by step; what has not been done yet, as declared. */
export function runTable(job) {
  const run = job.last;
  const heads = ["step", "outcome", "took", "words"];
  const done = run ? run.steps : [];
  const rows = job.declared.map((text, at) => stepRow(at, text, done[at]));
  const said = run
    ? el("p", {}, `${t("jobs.run_of", { number: run.number.toLocaleString(lang), time: moment(run.began) })} `, outcomeChip(run.outcome), ` ${why(run)}, ${formatDuration(run.seconds, lang)}`)
    : el("p", {}, t("jobs.never"));
  const table = el("table", { className: "table" },
    el("thead", {}, el("tr", {}, ...heads.map((name) => el("th", { scope: "col", className: name === "took" ? "number" : "" }, t(`jobs.${name}`))))), el("tbody", {}, ...rows));
  return el("div", { className: "job-run" }, said, el("div", { className: "table-scroll table-plain" }, table));
}

function stepRow(at, text, done) {
  return el("tr", {}, el("th", { scope: "row" }, `${at + 1}. ${text}`), el("td", {}, done ? outcomeChip(done.state) : "—"),
    el("td", { className: "number" }, done ? formatDuration(done.seconds, lang) : "—"), el("td", {}, el("div", { className: "job-words" }, done ? done.words : "")));
}

/** Earlier runs. */
export function historyTable(runs) {
  return el("table", { className: "table" }, el("tbody", {}, ...runs.map((run) => el("tr", {},
    el("th", { scope: "row", className: "number" }, run.number.toLocaleString(lang)), el("td", {}, moment(run.began)), el("td", {}, why(run)),
    el("td", { className: "number" }, formatDuration(run.seconds, lang)), el("td", {}, outcomeChip(run.outcome)), el("td", {}, el("div", { className: "job-words" }, run.reason))))));
}

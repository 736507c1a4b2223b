/** The page of jobs: what runs by itself, its runs step by step, and who of the fleet said what. */

import { request } from "../api.js";
import { toast } from "../components/toast.js";
import { el, setText } from "../dom.js";
import { formatDuration } from "../format.js";
import { lang, t } from "../i18n.js";
import { rights } from "../overrides.js";
import { siteTime } from "../present.js";
import "../shell.js";
import { membersTable } from "./members.js";
import { historyTable, outcomeChip, runTable, stateChip } from "./runs.js";

const EVERY = 1000;
const byId = (id) => document.getElementById(id);
const moment = (text) => (text ? siteTime(Date.parse(text)) : "—");
let shown = "";
let busy = false;

async function refresh() {
  if (document.hidden || busy) return;
  busy = true;
  try {
    const [{ jobs }, allowed] = await Promise.all([request("jobs"), rights()]);
    setText(byId("job-note"), jobs.length ? "" : t("jobs.none"));
    const wanted = decodeURIComponent(location.hash.slice(1));
    const chosen = jobs.find((job) => job.name === wanted) ?? jobs[0];
    const detail = chosen ? await request(`jobs/${encodeURIComponent(chosen.name)}`) : null;
    const now = JSON.stringify([jobs, detail]);
    if (now === shown) return;
    shown = now;
    byId("jobs").hidden = !jobs.length;
    byId("jobs").replaceChildren(listTable(jobs, chosen));
    if (detail) show(detail, allowed.has("call"));
  } catch (error) {
    setText(byId("job-note"), error.message);
  } finally {
    busy = false;
  }
}

function listTable(jobs, chosen) {
  const heads = ["job", "state", "when", "next", "runs", "failed", "last", "took", "outcome"];
  return el("table", { className: "table" },
    el("thead", {}, el("tr", {}, ...heads.map((name) => el("th", { scope: "col", className: NUMBERS.has(name) ? "number" : "" }, t(`jobs.${name}`))))),
    el("tbody", {}, ...jobs.map((job) => listRow(job, job === chosen))));
}

const NUMBERS = new Set(["runs", "failed", "took"]);

function listRow(job, current) {
  const link = el("button", { type: "button", className: "job-link mono", dataset: { job: job.name }, on: { click: () => choose(job.name) } }, job.name);
  if (current) link.setAttribute("aria-current", "true");
  const number = (text) => el("td", { className: "number" }, text);
  return el("tr", {},
    el("th", { scope: "row" }, link), el("td", {}, stateChip(job)), el("td", {}, job.when), el("td", {}, job.state === "running" ? "—" : moment(job.next)),
    number(job.runs.toLocaleString(lang)), number(job.failed.toLocaleString(lang)), el("td", {}, moment(job.last?.began)),
    number(job.last ? formatDuration(job.last.seconds, lang) : "—"), el("td", {}, job.last ? outcomeChip(job.last.outcome) : t("jobs.never")));
}

function choose(name) {
  history.replaceState(null, "", `#${encodeURIComponent(name)}`);
  shown = "";
  refresh();
}

function show(job, may) {
  byId("job").hidden = false;
  setText(byId("job-name"), job.name);
  byId("job-state").replaceChildren(stateChip(job));
  const since = t("jobs.since", { time: moment(job.since), actor: job.actor });
  const skipped = job.skipped ? ` ${t("jobs.skipped", { count: job.skipped.toLocaleString(lang) })}` : "";
  setText(byId("job-about"), `${job.description ? `${job.description}. ` : ""}${since}${skipped}`);
  byId("job-acts").replaceChildren(...(may ? acts(job) : []));
  byId("job-run").replaceChildren(runTable(job));
  byId("job-table-card").hidden = !job.table.length;
  if (job.table.length) membersTable(byId("job-table"), byId("job-table-note"), job.table);
  byId("job-history-card").hidden = job.history.length < 2;
  byId("job-history").replaceChildren(historyTable(job.history.slice(1)));
}

function acts(job) {
  const running = job.state === "running";
  const wanted = [running ? "stop" : "run", job.state === "paused" ? "resume" : "pause"];
  return wanted.map((act) => el("button", {
    type: "button", className: act === "run" ? "button button-main" : "button", dataset: { act }, on: { click: () => order(job.name, act) },
  }, t(`jobs.act_${act}`)));
}

async function order(name, act) {
  try {
    await request(`jobs/${encodeURIComponent(name)}/${act}`, { method: "POST" });
    toast(t(`jobs.did_${act}`, { name }));
  } catch (error) {
    setText(byId("job-note"), error.message);
  }
  shown = "";
  refresh();
}

addEventListener("hashchange", () => {
  shown = "";
  refresh();
});
setInterval(refresh, EVERY);
refresh();

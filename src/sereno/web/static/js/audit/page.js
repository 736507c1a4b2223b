/** The audit: records by filters, page by page, and whether they are whole. */

import { request } from "../api.js";
import { setText } from "../dom.js";
import { t } from "../i18n.js";
import "../shell.js";
import { recordTable } from "./table.js";

const AT_ONCE = 100;
const PATIENCE = 250;
const FIELDS = ["who", "action", "target", "since"];
const place = document.getElementById("audit-table");
const note = document.getElementById("audit-note");
const more = document.getElementById("audit-more");
const verdict = document.getElementById("audit-verdict");
const field = (name) => document.getElementById(`audit-${name}`);

let records = [];
let next = null;
let asked = 0;

/** What the filters ask for: a text is looked for anywhere, unless it says where itself. */
function query() {
  const given = new URLSearchParams();
  for (const name of FIELDS) {
    const text = field(name).value.trim();
    if (text) given.set(name, name === "since" || text.includes("*") ? text : `*${text}*`);
  }
  return given;
}

function remember(given) {
  const kept = new URLSearchParams(FIELDS.map((name) => [name, field(name).value]).filter(([name, value]) => value || name === "since"));
  history.replaceState(null, "", `?${kept}`);
  field("export").href = `/api/v1/audit/export?${given}`;
}

async function load({ further = false } = {}) {
  const given = query();
  const mine = (asked += 1);
  remember(given);
  given.set("limit", AT_ONCE);
  if (further) given.set("before", next);
  try {
    const answer = await request(`audit?${given}`);
    if (mine !== asked) return;
    records = further ? [...records, ...answer.records] : answer.records;
    next = answer.next;
    show();
  } catch (error) {
    if (mine === asked) setText(note, error.message);
  }
}

function show() {
  place.replaceChildren(recordTable(records));
  more.hidden = next === null;
  setText(note, t(next === null ? "audit.count" : "audit.count_more", { count: records.length }));
  for (const [name, column] of [["who", "actor"], ["action", "action"], ["target", "target"]]) suggest(name, column);
}

function suggest(name, column) {
  const values = [...new Set(records.map((record) => record[column]).filter(Boolean))].sort().slice(0, 50);
  document.getElementById(`audit-${name}-list`).replaceChildren(...values.map((value) => Object.assign(document.createElement("option"), { value })));
}

async function verify(event) {
  const button = event.currentTarget;
  button.disabled = true;
  say("note", t("audit.verifying"));
  try {
    const found = await request("audit/verify", { method: "POST" });
    if (found.whole) say("note", t("audit.whole", { count: found.count, last: found.last }));
    else say("note note-crit", t("audit.broken", { record: found.record, text: found.findings[0].text }));
  } catch (error) {
    say("note note-crit", error.message);
  } finally {
    button.disabled = false;
  }
}

function say(className, text) {
  verdict.hidden = false;
  verdict.className = `${className} audit-verdict`;
  setText(verdict, text);
}

let waiting = 0;

function changed() {
  clearTimeout(waiting);
  waiting = setTimeout(load, PATIENCE);
}

function start() {
  const given = new URLSearchParams(location.search);
  for (const name of FIELDS) if (given.has(name)) field(name).value = given.get(name);
  const form = document.getElementById("audit-filter");
  form.addEventListener("input", changed);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    load();
  });
  more.addEventListener("click", () => load({ further: true }));
  field("verify").addEventListener("click", verify);
  load();
}

start();

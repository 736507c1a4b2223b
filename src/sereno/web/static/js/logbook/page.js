/** The logbook of the shift: write, correct, hand over, take over, search. */

import { el, setText } from "../dom.js";
import { t } from "../i18n.js";
import { rights } from "../overrides.js";
import "../shell.js";
import { add, entries, entryElement } from "./entries.js";

const PAGE = 50;
const PATIENCE = 250;
const byId = (id) => document.getElementById(id);
/** @type {any[]} */
let found = [];
let next = null;
let corrected = 0;
let may = false;
let waiting = 0;

async function load(more) {
  try {
    const page = await entries({ text: byId("log-search").value.trim(), before: more ? next : null, limit: PAGE });
    found = more ? [...found, ...page.entries] : page.entries;
    next = page.next;
    setText(byId("log-note"), "");
    render();
  } catch (error) {
    setText(byId("log-note"), error.message);
  }
}

function render() {
  const taken = new Set(found.filter((one) => one.kind === "take_over").map((one) => one.refers));
  byId("log-entries").replaceChildren(...(found.length ? found.map((one) => entryElement(one, may ? buttons(one, taken) : [])) : [el("p", { className: "empty" }, t("override.none"))]));
  byId("log-more").hidden = next === null;
}

function buttons(one, taken) {
  const made = [el("button", { type: "button", className: "button button-quiet", dataset: { correct: String(one.id) }, on: { click: () => correct(one) } }, t("logbook.correct"))];
  if (one.kind === "hand_over" && !taken.has(one.id)) {
    made.unshift(el("button", { type: "button", className: "button", dataset: { take: String(one.id) }, on: { click: () => send({ kind: "take_over", refers: one.id }) } }, t("logbook.take_over")));
  }
  return made;
}

function correct(one) {
  corrected = one?.id ?? 0;
  setText(byId("log-label"), corrected ? t("logbook.correction_of", { entry: corrected }) : t("logbook.entry"));
  byId("log-cancel").hidden = !corrected;
  byId("log-hand-over").hidden = Boolean(corrected);
  if (one) byId("log-text").value = one.text;
  byId("log-text").focus();
}

async function send(body) {
  try {
    await add(body);
    byId("log-text").value = "";
    correct(null);
    await load(false);
  } catch (error) {
    setText(byId("log-note"), error.message);
  }
}

function submitted(event) {
  event.preventDefault();
  const text = byId("log-text").value;
  if (corrected) send({ kind: "correction", refers: corrected, text });
  else send({ kind: event.submitter?.value ?? "entry", text });
}

async function start() {
  may = (await rights()).has("acknowledge");
  byId("log-form").hidden = !may;
  byId("log-form").addEventListener("submit", submitted);
  byId("log-cancel").addEventListener("click", () => {
    byId("log-text").value = "";
    correct(null);
  });
  byId("log-more").addEventListener("click", () => load(true));
  byId("log-search").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => load(false), PATIENCE);
  });
  await load(false);
}

start();

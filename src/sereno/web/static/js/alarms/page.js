/** The page of alarms: a table to walk through with keys, what is done with the ticked ones, and one in detail. */

import { request } from "../api.js";
import { el, setText } from "../dom.js";
import { t } from "../i18n.js";
import { keyListener } from "../keys.js";
import { rights } from "../overrides.js";
import "../shell.js";
import { ACTS, perform } from "./acts.js";
import { AlarmDetail } from "./detail.js";
import { figures } from "./figures.js";
import { arm, armed } from "./sound.js";
import { HIDDEN, alarms as known, compare } from "./store.js";
import { alarmTable, journalTable } from "./table.js";

const PATIENCE = 100;
const byId = (id) => document.getElementById(id);
const place = byId("alarm-table");
const detail = new AlarmDetail(byId("alarm-detail"));
/** @type {Map<string, any>} */
const all = new Map();
const selected = new Set();
let current = "";
let anchor = "";
let allowed = new Set();
let waiting = 0;

const VIEWS = {
  open: (one) => one.state !== "normal" && !HIDDEN.has(one.state),
  hidden: (one) => HIDDEN.has(one.state),
  all: () => true,
};

function inView() {
  const text = byId("alarm-filter").value.trim().toLowerCase();
  const fits = VIEWS[byId("alarm-view").value];
  return [...all.values()].filter((one) => fits(one) && (!text || `${one.id} ${one.response} ${one.class}`.toLowerCase().includes(text))).sort(compare);
}

function tick(id, event) {
  const names = inView().map((one) => one.id);
  const from = names.indexOf(anchor);
  const to = names.indexOf(id);
  const wanted = !selected.has(id);
  const range = event.shiftKey && from >= 0 ? names.slice(Math.min(from, to), Math.max(from, to) + 1) : [id];
  for (const name of range) wanted ? selected.add(name) : selected.delete(name);
  anchor = id;
  render();
}

function showOne(id) {
  if (!all.has(id)) return;
  current = id;
  for (const line of place.querySelectorAll("tbody tr")) line.tabIndex = line.dataset.alarm === id ? 0 : -1;
  detail.show(all.get(id));
  acts();
}

function tickAll() {
  const names = inView().map((one) => one.id);
  const wanted = !names.every((name) => selected.has(name));
  for (const name of names) wanted ? selected.add(name) : selected.delete(name);
  render();
}

/** What an act would be done to: the ticked ones, else the one shown. */
function targets(what) {
  const ids = selected.size ? [...selected] : current ? [current] : [];
  return ids.filter((id) => what.states.includes(all.get(id)?.state));
}

function acts() {
  byId("alarm-acts").replaceChildren(...ACTS.filter((what) => allowed.has(what.right)).map((what) => el("button", {
    type: "button", className: what.act === "ack" ? "button button-main" : "button", dataset: { act: what.act },
    disabled: !targets(what).length, title: t("alarms.key", { key: what.key }), on: { click: () => act(what) },
  }, t(`alarms.act_${what.act}`))));
}

async function act(what) {
  const ids = targets(what);
  if (!ids.length || !allowed.has(what.right)) return;
  const done = await perform(what, ids);
  for (const one of done ?? []) all.set(one.id, one);
  if (done) selected.clear();
  render();
  place.querySelector(`tr[data-alarm="${CSS.escape(current)}"]`)?.focus();
}

async function render() {
  const view = byId("alarm-view").value;
  byId("alarm-time").hidden = view !== "figures";
  byId("alarm-filter").disabled = view === "figures";
  if (view === "history") return renderJournal();
  if (view === "figures") return renderFigures();
  const focused = document.activeElement?.closest?.("#alarm-table tr")?.dataset.alarm;
  const found = inView();
  for (const id of selected) if (!found.some((one) => one.id === id)) selected.delete(id);
  if (!found.some((one) => one.id === current)) current = found[0]?.id ?? "";
  place.replaceChildren(alarmTable(found, { selected, current, actions: { tick, show: showOne, all: tickAll } }));
  if (focused) place.querySelector(`tr[data-alarm="${CSS.escape(focused)}"]`)?.focus();
  if (detail.id && all.has(detail.id)) detail.show(all.get(detail.id));
  setText(byId("alarm-note"), t("alarms.shown", { count: found.length }));
  acts();
}

async function renderJournal() {
  detail.close();
  byId("alarm-acts").replaceChildren(el("a", { className: "button", href: "/api/v1/alarms/export", download: "" }, t("audit.export")));
  const text = byId("alarm-filter").value.trim();
  const query = new URLSearchParams({ limit: "200", ...(text ? { alarm: text.includes("*") ? text : `*${text}*` } : {}) });
  try {
    const { events } = await request(`alarms/journal?${query}`);
    if (byId("alarm-view").value !== "history") return;
    place.replaceChildren(journalTable(events));
    setText(byId("alarm-note"), t("alarms.shown", { count: events.length }));
  } catch (error) {
    failed("history", error);
  }
}

async function renderFigures() {
  detail.close();
  byId("alarm-acts").replaceChildren();
  try {
    const shown = await figures(byId("alarm-from").value, Math.max(1, Number(byId("alarm-operators").value) || 1));
    if (byId("alarm-view").value !== "figures") return;
    place.replaceChildren(shown);
    setText(byId("alarm-note"), "");
  } catch (error) {
    failed("figures", error);
  }
}

/** What the view before showed must not stay under the name of this one. */
function failed(view, error) {
  if (byId("alarm-view").value !== view) return;
  place.replaceChildren();
  setText(byId("alarm-note"), error.message);
}

function move(step) {
  const names = inView().map((one) => one.id);
  const inside = place.contains(document.activeElement) && document.activeElement !== place;
  const next = names[Math.min(names.length - 1, Math.max(0, names.indexOf(current) + (inside ? step : 0)))];
  if (next) place.querySelector(`tr[data-alarm="${CSS.escape(next)}"]`)?.focus();
}

function soundButton() {
  const button = byId("alarm-sound");
  button.setAttribute("aria-pressed", String(armed()));
  setText(button, t(armed() ? "alarms.sound_on" : "alarms.arm_sound"));
}

function changed({ detail: { alarms } }) {
  for (const one of alarms) if (all.has(one.id)) all.set(one.id, { ...all.get(one.id), ...one });
  later();
}

function later() {
  if (byId("alarm-view").value === "figures") return;
  waiting ||= setTimeout(() => {
    waiting = 0;
    render();
  }, PATIENCE);
}

async function start() {
  byId("alarm-sound").addEventListener("click", () => arm(!armed()).then(soundButton));
  byId("alarm-view").addEventListener("change", render);
  byId("alarm-time").addEventListener("change", render);
  byId("alarm-filter").addEventListener("input", later);
  soundButton();
  const keys = Object.fromEntries(ACTS.map((what) => [what.key, () => act(what)]));
  document.addEventListener("keydown", keyListener({
    ...keys, ArrowDown: () => move(1), ArrowUp: () => move(-1), j: () => move(1), k: () => move(-1),
    x: (event) => current && tick(current, event), X: (event) => current && tick(current, event), A: tickAll,
  }));
  allowed = await rights();
  try {
    const found = (await request("alarms")).alarms;
    for (const one of found) all.set(one.id, { ...one, ...known.open.get(one.id) });
  } catch (error) {
    setText(byId("alarm-note"), error.message);
  }
  known.addEventListener("change", changed);
  const wanted = new URLSearchParams(location.search).get("show");
  render();
  if (wanted) showOne(wanted);
}

start();

/** The majordome: its mode, what it does and why, what people have it do by hand, and the sequences. */

import { bindings, confirmAct, el, formatDayTime, labelOf, setText, siteZone, t } from "../../js/public.js";
import { ackList, send } from "./acts.js";
import { commandForms, devices } from "./forms.js";
import "./log.js";
import { site } from "./site.js";
import { inWords } from "./words.js";

const BY_HAND = ["make_safe", "close_dome", "open_dome", "park", "stop_telescope", "cancel", "light", "power", "slew"];
const FACTS = ["last_order", "night", "sun_altitude", "moon_altitude"];
const WAITING = new Set(["TOBEPLANNED", "PLANNED", "EXECUTING"]);
const place = (id) => document.getElementById(id);

/** The mode as two buttons, for who may set it; the present one is pressed. */
function modes(tag) {
  const acks = ackList();
  const group = el("span", { className: "segments", role: "group", "aria-label": t("observatory.mode") });
  bindings.bind(tag, (state) => {
    if (!state.spec) return;
    const now = labelOf(state.spec, state.value);
    group.replaceChildren(...state.spec.labels.map((label) => el("button", {
      type: "button", className: "button", "aria-pressed": String(label === now), on: { click: () => setMode(tag, label, acks) },
    }, inWords(label))));
  });
  return [group, acks];
}

async function setMode(tag, value, acks) {
  const title = t("observatory.mode.set", { mode: inWords(value) });
  const answer = await confirmAct({ title, action: title, text: t(`observatory.mode.${value.toLowerCase()}`), subject: tag });
  if (answer) await send({ target: tag, value, comment: answer.comment }, acks);
}

function state() {
  const at = (name) => `${site.majordome}/${name}`;
  const mode = site.modes.includes(at("mode")) ? modes(at("mode")) : [el("ob-words", { tag: at("mode") })];
  const words = (name) => el(name === "last_order" ? "ob-words" : "sr-value", { tag: at(name) });
  place("state").append(el("p", { className: "ob-word" }, el("ob-words", { tag: at("activity") })), el("p", {}, el("ob-words", { tag: at("decision") })),
    el("p", { className: "ob-mode" }, el("span", { className: "field-label" }, t("observatory.mode")), mode[0]), ...mode.slice(1),
    el("dl", { className: "facts" }, ...FACTS.flatMap((name) => [el("dt", {}, t(`observatory.${name}`)), el("dd", {}, words(name))])));
}

function when(ns) {
  return formatDayTime(ns / 1e6, siteZone).slice(0, 16);
}

function row(one, acts) {
  const cells = [String(one.id), one.name, one.target || "–", String(one.priority), `${when(one.t_start)} – ${when(one.t_end)}`, `${one.taken} / ${one.images}`];
  const grade = { EXECUTING: "chip chip-main", FAILED: "chip chip-crit", ABORTED: "chip chip-warn" }[one.status] ?? "chip";
  return el("tr", { dataset: { sequence: String(one.id) } }, ...cells.map((text, i) => el(i ? "td" : "th", i ? {} : { scope: "row" }, text)),
    el("td", {}, el("span", { className: grade, title: one.why }, inWords(one.status))), el("td", {}, acts && WAITING.has(one.status) ? acts(one) : null));
}

function cancelButton(acks) {
  return (one) => el("button", { type: "button", className: "button", on: { click: async () => {
    const title = t("observatory.sequences.cancel");
    const answer = await confirmAct({ title, action: title, text: `${one.id}: ${one.name}`, subject: site.sequences });
    if (answer) await send({ target: site.sequences, name: "cancel", arguments: [one.id, answer.comment], comment: answer.comment }, acks);
  } } }, t("observatory.sequences.cancel"));
}

function addForm(acks) {
  const text = el("textarea", { className: "input ob-text", id: "sequence-text", rows: 8, spellcheck: false });
  const button = el("button", { type: "submit", className: "button button-main" }, t("observatory.sequences.add"));
  const form = el("form", { className: "field", on: { submit: async (event) => {
    event.preventDefault();
    if (!text.value.trim()) return;
    const final = await send({ target: site.sequences, name: "add", arguments: [text.value], comment: "" }, acks);
    if (final.state === "done") text.value = "";
  } } }, el("label", { className: "field-label", for: "sequence-text" }, t("observatory.sequences.text")), text, el("div", { className: "ob-acts" }, button));
  return el("details", { className: "ob-more" }, el("summary", {}, t("observatory.sequences.new")), form);
}

function sequences() {
  if (!site.sequences) return;
  place("sequences").hidden = false;
  const may = site.called.includes("sequences");
  const acks = ackList();
  if (may) place("sequence-acts").append(acks, addForm(acks));
  const acts = may ? cancelButton(acks) : null;
  const heads = ["number", "name", "target", "priority", "window", "images", "status"];
  const body = el("tbody");
  place("sequence-table").append(el("table", { className: "table ob-rows" }, el("caption", { className: "unseen" }, t("observatory.sequences")),
    el("thead", {}, el("tr", {}, ...heads.map((name) => el("th", { scope: "col" }, t(`observatory.column.${name}`))), el("th", {}, el("span", { className: "unseen" }, t("observatory.sequences.cancel"))))), body));
  bindings.bind(`${site.sequences}/present`, (present) => {
    const found = (present.value ?? []).map((text) => JSON.parse(text));
    setText(place("sequences-note"), found.length ? "" : t("observatory.sequences.none"));
    body.replaceChildren(...found.map((one) => row(one, acts)));
  });
}

async function start() {
  sequences();
  if (!site.majordome) return place("state").append(el("p", { className: "page-sub" }, t("observatory.no_majordome")));
  state();
  place("log").append(el("ob-log", { agent: site.majordome }));
  place("log").hidden = false;
  if (!site.called.includes("majordome")) return null;
  const device = (await devices()).get(site.majordome);
  if (!device?.commands.length) return null;
  place("manual").append(el("p", { className: "page-sub" }, t("observatory.manual.note")), commandForms(device, BY_HAND));
  place("manual").hidden = false;
  return null;
}

start();

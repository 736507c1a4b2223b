/** The majordome: its mode, what it does and why, what people have it do by hand, and the sequences. */

import { bindings, confirmAct, el, formatAge, formatDayTime, labelOf, lang, setText, siteZone, t, zoneName } from "../../js/public.js";
import { ackList, send } from "./acts.js";
import { formatTarget } from "./angles.js";
import { replaceRows } from "./focus.js";
import { commandForms, devices } from "./forms.js";
import "./log.js";
import { nameOf } from "./sequence.js";
import { site } from "./site.js";
import { inWords } from "./words.js";

const BY_HAND = ["make_safe", "close_dome", "open_dome", "park", "stop_telescope", "cancel", "light", "power", "slew"];
const ALWAYS = new Set(["make_safe", "close_dome", "cancel"]);
const FACTS = ["last_order", "night", "sun_altitude", "moon_altitude"];
const EXAMPLE = `[[sequence]]
name = "M31"
target = "00:42:44.3 +41:16:09"
start = 0
end = 7200

[[sequence.album]]
detector = "Visible camera"
[[sequence.album.plan]]
filter = "r"
exposure = 30
images = 3`;
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

/** Month, day, hour, minute in the site's zone; of the second moment the day only if it is another. */
function between(from, to) {
  const [a, b] = [from, to].map((ns) => formatDayTime(ns / 1e6, siteZone).slice(0, 16));
  return [a, a.slice(0, 10) === b.slice(0, 10) ? b.slice(11) : b].map((text) => el("span", { className: "ob-moment" }, text));
}

function row(one, acts) {
  const cells = [String(one.id), nameOf(one), formatTarget(one.target) || "–", String(one.priority), between(one.t_start, one.t_end), `${one.taken} / ${one.images}`];
  const grade = { EXECUTING: "chip chip-main", FAILED: "chip chip-crit", ABORTED: "chip chip-warn" }[one.status] ?? "chip";
  return el("tr", { dataset: { sequence: String(one.id) } }, ...cells.map((content, i) => el(i ? "td" : "th", i ? {} : { scope: "row" }, ...(Array.isArray(content) ? [content[0], " – ", content[1]] : [content]))),
    el("td", {}, el("span", { className: grade, title: inWords(one.why) }, inWords(one.status))), el("td", {}, acts && WAITING.has(one.status) ? acts(one) : null));
}

function cancelButton(acks) {
  return (one) => el("button", { type: "button", className: "button", "aria-label": `${t("observatory.sequences.cancel")}: ${one.id} ${one.name}`, on: { click: async () => {
    const title = t("observatory.sequences.cancel");
    const answer = await confirmAct({ title, action: title, text: `${one.id}: ${one.name}`, subject: site.sequences });
    if (answer) await send({ target: site.sequences, name: "cancel", arguments: [one.id, answer.comment], comment: answer.comment }, acks);
  } } }, t("observatory.sequences.cancel"));
}

function addForm(acks) {
  const text = el("textarea", { className: "input ob-text", id: "sequence-text", rows: 12, spellcheck: false, placeholder: EXAMPLE });
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
    el("thead", {}, el("tr", {}, ...heads.map((name) => el("th", { scope: "col" }, t(`observatory.column.${name}`, { zone: zoneName }))), el("th", {}, el("span", { className: "unseen" }, t("observatory.sequences.cancel"))))), body));
  bindings.bind(`${site.sequences}/present`, (present) => {
    const found = (present.value ?? []).map((text) => JSON.parse(text));
    setText(place("sequences-note"), found.length ? "" : t("observatory.sequences.none"));
    replaceRows(body, found.map((one) => row(one, acts)), "sequence");
  });
}

/** Who has used how much of which quota; hidden while nobody has. */
function usage() {
  if (!site.sequences) return;
  const heads = ["account", "level", "taken", "waiting", "quota"];
  const body = el("tbody");
  place("usage-table").append(el("table", { className: "table ob-rows" }, el("caption", { className: "unseen" }, t("observatory.usage")),
    el("thead", {}, el("tr", {}, ...heads.map((name) => el("th", { scope: "col" }, t(`observatory.column.${name}`))))), body));
  const quota = (one) => one.quota === null ? t("observatory.usage.unlimited") : t(one.nights === 1 ? "observatory.usage.night" : "observatory.usage.nights", { time: formatAge(one.quota, lang), nights: one.nights });
  const full = (one) => one.quota !== null && one.taken + one.waiting >= one.quota;
  bindings.bind(`${site.sequences}/usage`, (state) => {
    const found = (state.value ?? []).map((text) => JSON.parse(text));
    place("usage").hidden = !found.length;
    body.replaceChildren(...found.map((one) => el("tr", {}, el("th", { scope: "row" }, one.account),
      ...[one.level, formatAge(one.taken, lang), formatAge(one.waiting, lang)].map((text) => el("td", {}, text)), el("td", {}, full(one) ? el("span", { className: "chip chip-warn" }, quota(one)) : quota(one)))));
  });
}

async function start() {
  usage();
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
  bindings.bind(`${site.majordome}/mode`, (mode) => onlyBy(mode.spec ? labelOf(mode.spec, mode.value) : "MANUAL"));
  return null;
}

/** What is for MANUAL cannot be pressed in AUTO, and says why. */
function onlyBy(mode) {
  for (const form of place("manual").querySelectorAll("[data-command]")) {
    const off = mode === "AUTO" && !ALWAYS.has(form.dataset.command);
    form.classList.toggle("is-off", off);
    for (const control of form.elements) {
      control.disabled = off;
      control.title = off ? t("observatory.manual.only") : "";
    }
  }
}

start();

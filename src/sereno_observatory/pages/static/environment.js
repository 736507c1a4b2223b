/** Weather and site together: what the sensors say, what it means, whether to act; its past; and what may be done about it. */

import { bindings, el, labelOf, severity, t, tags as allTags } from "../../js/public.js";
import { ackList, actButton } from "./acts.js";
import "./log.js";
import { NO_SENSOR, showPlots } from "./plots.js";
import { site } from "./site.js";
import { inWords } from "./words.js";

const OUTSIDE = ["rain", "wind", "wind_dir", "humidity", "temperature", "pressure", "cloud", "lightning", "monitor"];
const INSIDE = ["doors", "motion", "dome", "shutter", "lights", "temperature", "pressure", "humidity"];
/** Their number is a code; the meaning beside it says all. */
const CODED = new Set(["doors", "motion", "dome", "shutter", "lights", "cloud", "monitor"]);
const SECONDS = 60;
/** What is set first stands first; all else behind it, by name. */
const SETS = ["dome_open", "dome_close", "dome_light", "telescope_power", "cameras_power"];
const place = (id) => document.getElementById(id);

function row(group, name) {
  const tag = `${site.environment}/${group}_${name}`;
  const line = el("tr", {},
    el("th", { scope: "row" }, el("button", { type: "button", className: "link-button", dataset: { openTag: tag } }, t(`observatory.element.${name}`))),
    el("td", { className: "number" }, CODED.has(name) ? null : el("sr-value", { tag })),
    el("td", {}, el("ob-words", { tag: `${tag}_means` })),
    el("td", { className: "ob-flag-cell" }, el("ob-flag", { tag: `${tag}_make_safe`, says: t("observatory.act") })));
  hideWithoutSensor(line, tag);
  return line;
}

/** A site without such a sensor has no row for it, unless that is what makes it unsafe. */
function hideWithoutSensor(line, tag) {
  const told = {};
  for (const name of ["means", "make_safe"]) {
    bindings.bind(`${tag}_${name}`, ({ value }) => {
      told[name] = value;
      line.hidden = told.means === NO_SENSOR && !told.make_safe;
    });
  }
}

function table(group, names) {
  const head = ["element", "value", "means"].map((key) => el("th", { scope: "col", className: key === "value" ? "number" : "" }, t(`observatory.column.${key}`)));
  return el("section", { className: "card", "aria-label": t(`observatory.${group}`) },
    el("div", { className: "card-head" }, el("h2", {}, t(`observatory.${group}`)), el("ob-words", { className: "ob-status", tag: `${site.environment}/${group}_status` })),
    el("div", { className: "ob-table-scroll" }, el("table", { className: "table ob-rows ob-elements" },
      el("thead", {}, el("tr", {}, ...head, el("th", { scope: "col" }, el("span", { className: "unseen" }, t("observatory.act"))))),
      el("tbody", {}, ...names.map((name) => row(group, name))))));
}

/** In one line, beside the heading: safe or not. */
function summary() {
  bindings.bind(`${site.environment}/make_safe`, (state) => {
    const known = severity(state.quality) === "good" && state.value !== null;
    const text = known ? t(state.value ? "observatory.unsafe" : "observatory.safe") : t("observatory.unknown");
    place("summary").replaceChildren(el("span", { className: known && !state.value ? "chip" : "chip chip-warn" }, text));
  });
}

/** Buttons for what the PLC lets this person set: one for each value that is allowed. */
async function commands() {
  const rank = (spec) => [...SETS, spec.tag.split("/").at(-1)].indexOf(spec.tag.split("/").at(-1));
  const specs = (await allTags()).filter((spec) => site.writable.includes(spec.tag)).sort((a, b) => rank(a) - rank(b));
  if (!specs.length) return;
  const acks = ackList();
  const rows = specs.map((spec) => {
    const name = spec.tag.split("/").at(-1);
    const label = t(`observatory.set.${name}`);
    const known = label === `observatory.set.${name}` ? spec.description || name : label;
    return el("li", {}, el("span", { className: "ob-set-name" }, values(spec).length === 1 ? "" : known), spec.access === "write" ? null : el("ob-words", { tag: spec.tag }),
      el("span", { className: "ob-acts" }, ...values(spec).map((value, _, all) => {
        const words = spec.type === "bool" ? t(value ? "observatory.turn.on" : "observatory.turn.off") : inWords(labelOf(spec, value) ?? String(value));
        return actButton({ label: all.length === 1 ? known : words, text: `${known}: ${words}`, command: () => ({ target: spec.tag, value: sent(spec, value) }) }, acks);
      })));
  });
  place("commands").append(el("ul", { className: "ob-set" }, ...rows), acks);
  place("commands").hidden = false;
}

/** A code as the set-point takes it. */
function sent(spec, code) {
  return spec.type === "enum" ? labelOf(spec, code) : Boolean(code);
}

function values(spec) {
  const codes = spec.type === "bool" ? [1, 0] : spec.labels.map((_, code) => code);
  return codes.filter((code) => code >= (spec.setpoint?.low ?? 0) && code <= (spec.setpoint?.high ?? codes.length));
}

/** Events that are made up for a minute: the agent adds them to what is there, and says whose they are. */
function events() {
  if (!site.events.length) return;
  const acks = ackList();
  const buttons = site.events.map((event) => actButton({
    label: t(`observatory.event.${event}`),
    action: t("observatory.events.play"),
    text: t("observatory.events.ask", { seconds: SECONDS }),
    command: () => ({ target: site.environment, name: "fake", arguments: [event, SECONDS] }),
  }, acks));
  const end = actButton({ label: t("observatory.events.end"), asks: false, command: () => ({ target: site.environment, name: "end_fakes" }) }, acks);
  const list = el("ul", { className: "ob-played" });
  bindings.bind(`${site.environment}/fakes`, (state) => {
    const known = severity(state.quality) === "good" && typeof state.value === "string";
    const made = known ? state.value.split(", ").filter(Boolean) : [];
    list.replaceChildren(...made.map((one) => el("li", {}, madeUp(one))));
    end.hidden = !made.length;
  });
  place("events").append(el("p", { className: "page-sub" }, t("observatory.events.note", { seconds: SECONDS })), el("div", { className: "ob-acts" }, ...buttons), list, el("div", { className: "ob-acts" }, end), acks);
  place("events").hidden = false;
}

/** "rain by vera", in the page's language. */
function madeUp(words) {
  const [event, ...who] = words.split(" by ");
  return t("observatory.events.by", { event: t(`observatory.event.${event}`), who: who.join(" by ") });
}

function start() {
  if (!site.environment) {
    place("elements").append(el("p", { className: "card empty" }, t("observatory.no_environment")));
    return;
  }
  place("elements").append(table("weather", OUTSIDE), table("site", INSIDE));
  summary();
  showPlots(site.environment);
  commands();
  events();
  if (site.agents.some((one) => one.path === site.environment)) {
    place("log").append(el("ob-log", { agent: site.environment }));
    place("log").hidden = false;
  }
}

start();

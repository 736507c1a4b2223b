/** Each instrument: what it is at, all that it tells, and its commands. */

import { el, icon, t, tags as allTags } from "../../js/public.js";
import "./angles.js";
import { commandForms, devices } from "./forms.js";
import { site } from "./site.js";
import { logOf } from "./supervised.js";
import "./words.js";

const ORDER = ["telescope", "dome", "camera", "filterwheel", "focuser", "observingconditions", "safetymonitor", "switch"];
/** Where a PLC has the shutter, a dome only turns. */
const OF_THE_PLC = new Set(site.plc ? ["shutter", "watchdog"] : []);
const WORDS = new Set(["state", "shutter", "image", "trouble"]);
const STATE = { telescope: "state", dome: site.plc ? null : "shutter", camera: "state", filterwheel: "state", safetymonitor: "safe" };

/** What matters first; all else behind it, by name. */
const FIRST = ["state", "shutter", "safe", "right_ascension", "declination", "altitude", "azimuth", "tracking", "parked", "exposure_left", "progress", "temperature", "target_temperature", "cooler", "cooler_power", "filter", "position", "filters", "image", "images"];
const ANGLES = new Set(["right_ascension", "declination"]);

const SETTABLE = new Set(site.instruments.flatMap((one) => one.writable));

/** A value, and for those who may set it the door to where that is done. */
function valueOf(spec, name) {
  const kind = ANGLES.has(name) ? "ob-angle" : WORDS.has(name) ? "ob-words" : "sr-value";
  const value = el(kind, { tag: spec.tag, ...(name === "right_ascension" ? { hours: "" } : {}) });
  const set = SETTABLE.has(spec.tag) ? el("button", { type: "button", className: "link-button ob-set", dataset: { openTag: spec.tag } }, t("setpoint.set")) : null;
  return el("dd", {}, value, set);
}

function rank(name) {
  return FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length;
}

function facts(one, specs) {
  const named = specs.map((spec) => ({ spec, name: spec.tag.split("/").at(-1) })).sort((a, b) => rank(a.name) - rank(b.name));
  const shown = one.kind === "dome" ? named.filter(({ name }) => !OF_THE_PLC.has(name)) : named;
  return shown.flatMap(({ spec, name }) => {
    const label = t(`observatory.tag.${name}`);
    const known = label === `observatory.tag.${name}` ? name.replaceAll("_", " ") : label;
    return [el("dt", {}, el("button", { type: "button", className: "link-button", title: spec.description, dataset: { openTag: spec.tag } }, known)),
      valueOf(spec, name)];
  });
}

/** A device without the commands for a shutter that it does not have. */
function turning(device) {
  return { ...device, commands: device.commands.filter((command) => !["open", "close"].includes(command.name)) };
}

function card(one, device, specs) {
  const state = STATE[one.kind];
  return el("section", { className: "card", dataset: { instrument: one.path }, "aria-label": one.path },
    el("div", { className: "card-head" }, el("h2", {}, one.path.split("/").at(-1)), el("span", { className: "page-sub" }, t(`observatory.kind.${one.kind}`)),
      state ? el("ob-words", { className: "ob-status", tag: `${one.path}/${state}` }) : el("span", {})),
    one.kind === "camera" ? el("div", { className: "ob-progress" }, el("ob-progress", { tag: `${one.path}/progress` })) : null,
    el("dl", { className: "facts ob-facts" }, ...facts(one, specs)),
    one.may && device ? commandForms(one.kind === "dome" && site.plc ? turning(device) : device) : null,
    logOf(one.path, false),
    el("p", { className: "page-sub" }, icon("devices"), " ", el("a", { href: `/devices/${one.path}` }, one.path), ` · ${one.driver}`));
}

async function start() {
  const [known, specs] = await Promise.all([devices(), allTags()]);
  const ordered = [...site.instruments].sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
  document.getElementById("cards").append(...ordered.map((one) => card(one, known.get(one.path), specs.filter((spec) => spec.tag.startsWith(`${one.path}/`)))));
  document.getElementById("none").hidden = site.instruments.length > 0;
}

start();

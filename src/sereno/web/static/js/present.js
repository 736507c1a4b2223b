/** How a tag's state is shown: text, mark, classes and words. One answer for tables, faceplates and mimics. */

import { formatDayTime, formatUnit, formatValue } from "./format.js";
import { lang, t } from "./i18n.js";
import { SUBSTITUTED, WAITING, reasonKey, severity } from "./quality.js";

/**
 * Which limit a value is beyond; null if none. This compares with the declared limits, it is not an alarm.
 * @param {import("./format.js").TagSpec} spec
 * @param {any} value
 * @returns {"lolo" | "lo" | "hi" | "hihi" | null}
 */
export function limitBeyond(spec, value) {
  const limits = spec.limits;
  if (!limits || value === null || typeof value === "string" || Array.isArray(value)) return null;
  const number = Number(value);
  if (limits.hihi != null && number > limits.hihi) return "hihi";
  if (limits.lolo != null && number < limits.lolo) return "lolo";
  if (limits.hi != null && number > limits.hi) return "hi";
  if (limits.lo != null && number < limits.lo) return "lo";
  return null;
}

const MARKS = { hihi: "▲▲", hi: "▲", lo: "▼", lolo: "▼▼" };
export const STATE_CLASSES = ["is-good", "is-uncertain", "is-bad", "is-waiting", "is-warn", "is-crit", "is-substituted"];

/**
 * @typedef {object} Look
 * @property {string} text the value
 * @property {string} unit
 * @property {string} mark sign beside the value, "" if nothing is abnormal
 * @property {string[]} classes out of STATE_CLASSES
 * @property {import("./quality.js").Severity} severity
 * @property {string} kind the quality in a word or three
 * @property {string} reason why it is not good, in words; "" if there is nothing to say
 * @property {string} spoken everything in one sentence, for a tooltip and a screen reader
 */

/**
 * @param {import("./bindings.js").TagState} state
 * @returns {Look}
 */
export function look(state) {
  if (state.unknown || !state.spec) return strange(state);
  const { spec, value, quality } = state;
  if (value === null && spec.access === "write") return commandOnly(spec);
  const grade = severity(quality);
  const text = formatValue(spec, value, lang, t);
  const unit = value === null ? "" : formatUnit(spec.unit);
  const beyond = grade === "bad" ? null : limitBeyond(spec, value);
  const classes = [`is-${grade}`];
  if (value === null || quality === WAITING) classes.push("is-waiting");
  if (beyond) classes.push(beyond === "hi" || beyond === "lo" ? "is-warn" : "is-crit");
  const forced = quality === SUBSTITUTED;
  if (forced) classes.push("is-substituted");
  const mark = forced ? `S${(beyond && MARKS[beyond]) || ""}` : grade === "bad" ? "?" : (beyond && MARKS[beyond]) || (grade === "uncertain" ? "~" : "");
  const kind = t(reasonKey(quality) || "quality.good");
  const reason = grade === "good" && !forced ? "" : state.reason || kind;
  const parts = [`${spec.tag}: ${text}${unit ? ` ${unit}` : ""}`];
  if (beyond) parts.push(t(`limit.beyond_${beyond}`));
  if (reason) parts.push(`${t(`quality.${grade}`)}: ${reason}`);
  return { text, unit, mark, classes, severity: grade, kind, reason, spoken: parts.join(" · ") };
}

/** A tag that can only be written never has a value: that is nothing abnormal. */
function commandOnly(spec) {
  const kind = t("access.write");
  return { text: "—", unit: "", mark: "", classes: ["is-good", "is-waiting"], severity: "good", kind, reason: "", spoken: `${spec.tag}: ${kind}` };
}

function strange(state) {
  const reason = state.unknown ? t("quality.no_such_tag") : t("quality.waiting");
  return {
    text: "—", unit: "", mark: state.unknown ? "?" : "", classes: state.unknown ? ["is-bad", "is-waiting"] : ["is-waiting"],
    severity: "bad", kind: reason, reason, spoken: `${state.tag}: ${reason}`,
  };
}

/** Puts the classes of a look on an element, only where they differ. */
export function setLook(element, classes) {
  for (const name of STATE_CLASSES) {
    const wanted = classes.includes(name);
    if (element.classList.contains(name) !== wanted) element.classList.toggle(name, wanted);
  }
}

/** The zone of the plant's site. */
export const siteZone = document.documentElement.dataset.timezone || "UTC";

/** That zone as a heading of times says it: its place. */
export const zoneName = siteZone.split("/").at(-1).replaceAll("_", " ");

/** A time in the site's zone; a dash if there is none. */
export function siteTime(ms) {
  return ms > 0 ? formatDayTime(ms, siteZone) : "—";
}

/** Entry of a new value, by the tag's type: number, choice or text. */

import { el } from "../dom.js";
import { formatNumber, formatUnit, formatValue, decimalsOf, isInteger, isNumeric, parseInteger, parseNumber } from "../format.js";
import { lang, t } from "../i18n.js";

/**
 * What was typed: `value` as it is sent (undefined = nothing valid yet) and `text` as it is echoed, or an error in words.
 * @typedef {{value: any, text: string, error: string}} Entry
 */

/**
 * @param {import("../format.js").TagSpec} spec
 * @param {any} present value now
 * @param {(entry: Entry) => void} onEntry called at each change
 * @returns {HTMLElement}
 */
export function editor(spec, present, onEntry) {
  if (spec.type === "bool" || (spec.type === "enum" && allowed(spec).length <= 3)) return choice(spec, onEntry);
  if (spec.type === "enum") return list(spec, onEntry);
  const numeric = isNumeric(spec);
  return el("input", {
    className: "input editor-input", id: "editor", autocomplete: "off", spellcheck: false, inputMode: numeric ? "decimal" : "text",
    placeholder: formatValue(spec, present, lang, t), "aria-describedby": "editor-hint",
    on: { input: (event) => onEntry(numeric ? readNumber(spec, event.target.value) : readText(spec, event.target.value)) },
  });
}

/** The labels within the bounds of the set-point: a command that only closes offers nothing else. */
function allowed(spec) {
  const [low, high] = bounds(spec);
  return spec.labels.filter((_, code) => code >= (low ?? 0) && code <= (high ?? code));
}

/** Values that may be chosen: [value as sent, text]. */
function options(spec) {
  if (spec.type === "enum") return allowed(spec).map((label) => [label, label]);
  return [false, true].map((value) => [value, formatValue(spec, value, lang, t)]);
}

function choice(spec, onEntry) {
  const buttons = options(spec).map(([value, text]) => el("button", {
    type: "button", className: "button", "aria-pressed": "false",
    on: { click: (event) => {
      for (const button of buttons) button.setAttribute("aria-pressed", String(button === event.currentTarget));
      onEntry({ value, text, error: "" });
    } },
  }, text));
  return el("div", { className: "segments", role: "group", id: "editor", "aria-label": t("setpoint.new") }, ...buttons);
}

function list(spec, onEntry) {
  const none = el("option", { value: "", disabled: true, selected: true }, t("setpoint.choose"));
  return el("select", {
    className: "input editor-input", id: "editor",
    on: { change: (event) => onEntry({ value: event.target.value, text: event.target.value, error: "" }) },
  }, none, ...allowed(spec).map((label) => el("option", { value: label }, label)));
}

/**
 * @param {import("../format.js").TagSpec} spec
 * @param {string} text
 * @returns {Entry}
 */
export function readNumber(spec, text) {
  if (!text.trim()) return { value: undefined, text: "", error: "" };
  const value = isInteger(spec) && !isScaled(spec) ? parseInteger(text) : parseNumber(text);
  if (value === null) return { value: undefined, text: "", error: t(isInteger(spec) ? "setpoint.not_integer" : "setpoint.not_number") };
  const [low, high] = bounds(spec);
  const decimals = Math.max(decimalsOf(spec), decimalsTyped(text));
  const echo = `${formatNumber(value, decimals, lang)} ${formatUnit(spec.unit)}`.trim();
  if ((low != null && value < low) || (high != null && value > high)) {
    return { value: undefined, text: echo, error: t("setpoint.out_of_range", { range: rangeText(spec) }) };
  }
  return { value, text: echo, error: "" };
}

/** An integer register that is scaled to a unit takes fractions. */
function isScaled(spec) {
  return (spec.decimals ?? 0) > 0;
}

function decimalsTyped(text) {
  return Math.min(9, /[.,](\d+)/.exec(text)?.[1].length ?? 0);
}

function readText(spec, text) {
  return { value: text === "" ? undefined : text, text, error: "" };
}

/** What may be written: the set-point's own bounds, else the tag's range. */
export function bounds(spec) {
  return [spec.setpoint?.low ?? spec.low ?? null, spec.setpoint?.high ?? spec.high ?? null];
}

/** "0.00 … 5.00 mg/L", "" if there are no bounds. */
export function rangeText(spec) {
  const [low, high] = bounds(spec);
  if (spec.type === "enum" || (low == null && high == null)) return "";
  const text = (bound) => (bound == null ? "" : formatNumber(bound, decimalsOf(spec), lang));
  return `${text(low)} … ${text(high)} ${formatUnit(spec.unit)}`.trim();
}

/** Binds the shapes of a mimic to tags by their data- attributes. One small painter per attribute. */

import { setAttribute, setText, svgEl } from "../dom.js";
import { labelOf } from "../format.js";
import { look, setLook } from "../present.js";

/** @typedef {import("../bindings.js").TagState} TagState */
/** @typedef {(state: TagState) => void} Painter */

/** Between a box and the text in it; and a letter's width at most: what fits for sure is not measured. */
const [MARGIN, WIDEST] = [8, 12];
/** Attributes that name a tag. */
const TAGGED = ["tag", "level", "running", "state", "rotate", "visible", "flow"];

/**
 * Whether an element is a command alone, a button with its own words: it shows no tag, or one that another command of
 * the drawing would show too. A state is shown once; two buttons beside it say which way each goes.
 * @param {SVGElement} element @returns {boolean}
 */
export function isCommand(element) {
  const { write, tag } = element.dataset;
  if (!write || !tag) return Boolean(write);
  const same = element.ownerSVGElement?.querySelectorAll(`[data-write][data-tag="${CSS.escape(tag)}"]`) ?? [];
  return [...same].some((other) => other.dataset.write !== write);
}

/** The words of a command: those of the drawing, else the only value that it sets, else what its tag is called. */
export function commandWords(element, spec) {
  const drawn = element.dataset.words ?? "";
  if (drawn || !spec) return drawn;
  const only = spec.setpoint && spec.setpoint.low !== null && spec.setpoint.low === spec.setpoint.high ? labelOf(spec, spec.setpoint.low) : null;
  return only ?? spec.tag.split("/").at(-1).replaceAll("_", " ");
}

/** The tags that an element is bound to. @param {SVGElement} element @returns {string[]} */
export function tagsOf(element) {
  return TAGGED.map((name) => element.dataset[name]).filter(Boolean);
}

/**
 * The tags that an element is bound to, each with what paints it.
 * @param {SVGElement} element
 * @returns {Array<{tag: string, paint: Painter}>}
 */
export function painters(element) {
  const make = { tag: textPainter, level: levelPainter, running: runningPainter, state: statePainter, rotate: rotatePainter, visible: visiblePainter, flow: flowPainter };
  const shown = TAGGED.filter((name) => element.dataset[name] && !(name === "tag" && isCommand(element)));
  return shown.map((name) => ({ tag: element.dataset[name], paint: make[name](element) }));
}

/** data-tag: the value as text, in the element itself or, in a group, in its `.readout-value`. */
function textPainter(element) {
  const text = element.matches("text") ? element : element.querySelector(".readout-value");
  const [mark, value, unit] = ["value-sign", "value-text", "value-unit"].map((name) => svgEl("tspan", { class: name }));
  text?.replaceChildren(mark, value, unit);
  const room = Number(element.querySelector(".readout-box")?.getAttribute("width") ?? 0) - 2 * MARGIN;
  return (state) => {
    const shown = look(state);
    setLook(element, shown.classes);
    if (!text) return;
    setText(mark, shown.mark ? `${shown.mark} ` : "");
    setText(value, shown.text);
    setText(unit, shown.unit ? ` ${shown.unit}` : "");
    if (room > 0 && shown.text.length * WIDEST > room) shorten(value, shown.text, text, room);
  };
}

/** Leaves off the end of what is wider than its box; the whole stands in its title. */
function shorten(value, whole, text, room) {
  const wide = text.getComputedTextLength();
  if (wide <= room) return;
  const fits = Math.max(1, Math.floor((whole.length * room) / wide) - 1);
  setText(value, `${whole.slice(0, fits).trimEnd()}…`);
}

/** data-level: the height of a rectangle between data-low and data-high (or the tag's range). */
function levelPainter(element) {
  const full = { y: Number(element.getAttribute("y")), height: Number(element.getAttribute("height")) };
  return (state) => {
    setLook(element, look(state).classes);
    const share = shareOf(element, state);
    const height = (share ?? 0) * full.height;
    setAttribute(element, "height", height.toFixed(1));
    setAttribute(element, "y", (full.y + full.height - height).toFixed(1));
  };
}

/** data-running: the class is-running while the value is true or above zero. */
function runningPainter(element) {
  return (state) => {
    setLook(element, look(state).classes);
    element.classList.toggle("is-running", isOn(state));
  };
}

/** data-state: the class state-<label> of an enum. */
function statePainter(element) {
  let shown = "";
  return (state) => {
    setLook(element, look(state).classes);
    const label = state.spec && state.value !== null ? (labelOf(state.spec, state.value) ?? String(state.value)) : "";
    const name = label ? `state-${label.toLowerCase().replace(/[^a-z0-9]+/g, "-")}` : "";
    if (name === shown) return;
    if (shown) element.classList.remove(shown);
    if (name) element.classList.add(name);
    shown = name;
  };
}

/** data-rotate: turned by 0 to data-to degrees (default 90) about its own middle, over its range. */
function rotatePainter(element) {
  element.classList.add("turns");
  const most = Number(element.dataset.to ?? 90);
  return (state) => {
    const share = shareOf(element, state);
    if (share !== null) element.style.rotate = `${(share * most).toFixed(1)}deg`;
  };
}

/** data-visible: shown while the value is true or above zero. */
function visiblePainter(element) {
  return (state) => setAttribute(element, "visibility", isOn(state) ? "visible" : "hidden");
}

/** data-flow: the class is-flowing while more than a hundredth of the range flows. */
function flowPainter(element) {
  return (state) => {
    const least = state.spec?.high ? state.spec.high / 100 : 0;
    const flows = state.value !== null && look(state).severity !== "bad" && Number(state.value) > least;
    element.classList.toggle("is-flowing", flows);
  };
}

function isOn(state) {
  return look(state).severity !== "bad" && state.value !== null && Number(state.value) > 0;
}

/** Where a value lies between the bounds of its element, 0 to 1; null without a value or bounds. */
function shareOf(element, state) {
  const low = Number(element.dataset.low ?? state.spec?.low ?? NaN);
  const high = Number(element.dataset.high ?? state.spec?.high ?? NaN);
  if (state.value === null || !(high > low)) return null;
  return Math.min(1, Math.max(0, (Number(state.value) - low) / (high - low)));
}

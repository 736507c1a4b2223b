/** A moving pointer on a scale with the limits marked: one look says whether a value is where it should be. */

import { setAttribute, svgEl } from "../dom.js";
import { decimalsOf, formatNumber, isNumeric } from "../format.js";
import { lang } from "../i18n.js";

const WIDTH = 360;
const TOP = 14;
const HEIGHT = 14;

/** True if the tag has what a gauge needs. */
export function hasGauge(spec) {
  return isNumeric(spec) && spec.low != null && spec.high != null && spec.high > spec.low && !spec.shape?.length;
}

/**
 * @param {import("../format.js").TagSpec} spec with a range
 * @returns {{element: SVGElement, paint: (value: any) => void}}
 */
export function gauge(spec) {
  const { low, high } = spec;
  const at = (value) => (Math.min(1, Math.max(0, (Number(value) - low) / (high - low))) * WIDTH);
  const needle = svgEl("path", { class: "gauge-needle", d: "M-7 0h14l-7 11z", visibility: "hidden" });
  const svg = svgEl("svg", { class: "gauge", viewBox: `-10 0 ${WIDTH + 20} 46`, "aria-hidden": "true" },
    svgEl("rect", { class: "gauge-track", x: 0, y: TOP, width: WIDTH, height: HEIGHT, rx: 2 }), ...zones(spec, at), needle,
    label(0, "start", low, spec), label(WIDTH, "end", high, spec));
  return {
    element: svg,
    paint: (value) => {
      setAttribute(needle, "visibility", value === null ? "hidden" : "visible");
      if (value !== null) setAttribute(needle, "transform", `translate(${at(value).toFixed(1)} 2)`);
    },
  };
}

function zones(spec, at) {
  const { low, high, limits } = spec;
  if (!limits) return [];
  const zone = (name, from, to) => svgEl("rect", {
    class: name, x: at(from), y: TOP + 1, width: Math.max(0, at(to) - at(from)), height: HEIGHT - 2,
  });
  const { lolo, lo, hi, hihi } = limits;
  const found = [];
  if (lo != null) found.push(zone("gauge-warn", lolo ?? low, lo));
  if (lolo != null) found.push(zone("gauge-crit", low, lolo));
  if (hi != null) found.push(zone("gauge-warn", hi, hihi ?? high));
  if (hihi != null) found.push(zone("gauge-crit", hihi, high));
  return found;
}

function label(x, anchor, value, spec) {
  const decimals = Number.isInteger(value) ? 0 : decimalsOf(spec);
  return svgEl("text", { class: "gauge-text", x, y: TOP + HEIGHT + 14, "text-anchor": anchor }, formatNumber(value, decimals, lang));
}

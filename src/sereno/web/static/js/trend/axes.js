/** Scales and axes of a trend: one scale per unit, labels in the site's zone and the page's language. Pure. */

import { decimalsOf, formatNumber, formatUnit, isNumeric, labelOf } from "../format.js";

const MOST_AXES = 4;

/** The scale that a pen belongs to: pens of one unit share it, labelled states have their own. */
export function scaleOf(spec) {
  return isNumeric(spec) ? `unit:${formatUnit(spec.unit)}` : `state:${spec.tag}`;
}

/**
 * The scales of pens in order of first use, with the pens that share each.
 * @param {Array<{spec: import("../format.js").TagSpec}>} pens
 * @returns {Map<string, Array<{spec: import("../format.js").TagSpec}>>}
 */
export function groupByScale(pens) {
  const groups = new Map();
  for (const pen of pens) {
    const key = scaleOf(pen.spec);
    groups.set(key, [...(groups.get(key) ?? []), pen]);
  }
  return groups;
}

/**
 * The range of a scale for the extremes of what is drawn, with some air. States get one row per label.
 * @param {import("../format.js").TagSpec} spec
 * @param {[number, number] | null} extremes
 * @returns {[number, number]}
 */
export function scaleRange(spec, extremes) {
  if (!isNumeric(spec)) return [-0.2, Math.max(1, (spec.labels?.length ?? 2) - 1) + 0.2];
  if (!extremes) return [spec.low ?? 0, spec.high ?? 1];
  const [low, high] = extremes;
  const step = 10 ** -decimalsOf(spec);
  const least = Math.max(8 * step, 1e-9 * Math.max(Math.abs(low), Math.abs(high)));
  const air = Math.max((high - low) * 0.08, (least - (high - low)) / 2);
  return [low - air, high + air];
}

/**
 * Labels of a value axis.
 * @param {import("../format.js").TagSpec} spec any pen of the scale
 * @param {number[]} splits
 * @param {string} lang
 * @returns {string[]}
 */
export function valueLabels(spec, splits, lang) {
  if (!isNumeric(spec)) return splits.map((value) => labelOf(spec, value) ?? (Number.isInteger(value) ? String(value) : ""));
  const step = splits.length > 1 ? Math.abs(splits[1] - splits[0]) : 1;
  let decimals = 0;
  while (decimals < 8 && Math.abs(step * 10 ** decimals - Math.round(step * 10 ** decimals)) > 1e-6) decimals++;
  return splits.map((value) => formatNumber(value, decimals, lang));
}

/**
 * Labels of the time axis: time of day, seconds where the steps are short, the date where it changes.
 * @param {number[]} splits s UTC
 * @param {number} step s
 * @param {string} zone
 * @param {string} lang
 * @param {boolean} dated false leaves the dates out
 * @returns {string[]}
 */
export function timeLabels(splits, step, zone, lang, dated = true) {
  const time = new Intl.DateTimeFormat(lang, {
    timeZone: zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...(step < 60 ? { second: "2-digit" } : {}),
  });
  const day = new Intl.DateTimeFormat(lang, { timeZone: zone, day: "numeric", month: "short" });
  let previous = "";
  return splits.map((split) => {
    const date = day.format(split * 1e3);
    const isNew = date !== previous;
    previous = date;
    if (step >= 86400) return date;
    return isNew && dated ? `${time.format(split * 1e3)}\n${date}` : time.format(split * 1e3);
  });
}

/** Which scales get an axis: the first few; the others are read from the legend. */
export function shownScales(groups, compact) {
  return [...groups.keys()].slice(0, compact ? 1 : MOST_AXES);
}
